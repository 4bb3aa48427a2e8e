"""What `evaluate` promises: keys, reasons, lazy reading, stopping, and errors that help."""

import json
import math

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_unets.metrics import (
    METRICS,
    Evaluation,
    EvaluationSettings,
    ScoreSettingError,
    ShapeMismatchError,
    TruthError,
    UnknownMetricError,
    evaluate,
    to_json,
)


@pytest.fixture
def stack():
    """Three sections with a wall in the middle, and probabilities of cell near it."""
    truth = np.full((3, 12, 15), 255, dtype=np.uint8)
    truth[:, :, 7] = 0
    noise = np.random.default_rng(0).random(truth.shape, dtype=np.float32)
    return (0.8 * (truth > 0) + 0.2 * noise).astype(np.float32), truth


def test_default_scores_and_their_keys(stack):
    scores = evaluate(*stack)
    assert set(scores) == {"v_rand", "v_rand_split", "v_rand_merge", "v_rand_threshold", "dice"}
    assert scores["v_rand"] == scores["dice"] == 1.0
    assert all(isinstance(value, float) for value in scores.values())


def test_tensors_are_scored_as_arrays_are(stack):
    torch = pytest.importorskip("torch")
    assert evaluate(*map(torch.from_numpy, stack)) == evaluate(*stack)


def test_labels_have_no_threshold(stack):
    probability, truth = stack
    assert "v_rand_threshold" not in evaluate(probability > 0.5, truth)


def test_every_metric_can_be_asked_for(stack):
    probability, truth = stack
    scores = evaluate(probability, truth, METRICS, kind="em")
    assert set(METRICS) <= set(scores)
    assert scores["f_measure"] == 100.0


def test_metrics_as_one_string(stack):
    assert evaluate(*stack, "dice, jaccard") == {"dice": 1.0, "jaccard": 1.0}


def test_stack_is_the_mean_of_its_slices(stack):
    probability, truth = stack
    rough = probability.copy()
    rough[1, :, 3] = 0.0
    names = ["v_rand", "dice", "pixel_error"]
    scores = evaluate(rough, truth, names, per_slice=True)
    assert len(scores["per_slice"]) == 3
    for name in (*names, "v_rand_split", "v_rand_merge"):
        assert scores[name] == pytest.approx(np.mean([of[name] for of in scores["per_slice"]]))
    assert scores["per_slice"][0] == evaluate(rough[0], truth[0], names, thresholds=[scores["v_rand_threshold"]])


def test_lone_plane_is_a_stack_of_one(stack):
    probability, truth = stack
    assert evaluate(probability[0], truth[0]) == evaluate(probability[:1], truth[:1])
    assert evaluate(probability[0], truth[:1]) == evaluate(probability[:1], truth[0])


def test_axes_before_y_are_all_gone_through(stack):
    probability, truth = (np.stack([array] * 2) for array in stack)
    assert len(evaluate(probability, truth, per_slice=True)["per_slice"]) == 6
    by_volume = evaluate(probability, truth, volume=True, per_slice=True)
    assert len(by_volume["per_slice"]) == 2
    assert by_volume["v_rand"] == 1.0


@pytest.mark.parametrize("lazy", [lambda a: da.from_array(a, chunks=(1, -1, -1)), zarr.array])
def test_lazy_arrays_score_the_same(stack, lazy):
    assert evaluate(*map(lazy, stack)) == evaluate(*stack)


class Recorder:
    """A stack that remembers which planes were read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, []

    def __getitem__(self, index):
        self.read.append(index)
        return self.array[index]


def test_planes_are_read_one_by_one_and_only_as_far_as_needed(stack):
    prediction = Recorder(np.repeat(stack[0], 10, axis=0))
    truth = np.repeat(stack[1], 10, axis=0)
    steps = Evaluation(prediction, truth, metrics=["dice"], threads=1).run()
    assert prediction.read == [(0,)]  # the first fraction tells that they are probabilities
    next(steps)
    steps.close()
    assert prediction.read == [(0,), (0,), (1,)]


def test_evaluation_can_be_stopped_and_tells_what_it_has(stack):
    evaluation = Evaluation(*stack, metrics=["v_rand", "dice"], per_slice=True)
    steps = evaluation.run()
    first = next(steps)
    steps.close()
    assert first.index == (0,)
    assert evaluation.n_slices == 3
    partial = evaluation.result()
    assert len(partial["per_slice"]) == 1
    assert evaluation.curves["v_rand"].per_slice.shape == (1, 11, 3)
    for _ in evaluation.run():  # goes on where it stopped
        pass
    assert evaluation.result() == evaluate(*stack, ["v_rand", "dice"], per_slice=True)


def test_progress_is_reported(stack):
    seen = []
    evaluate(*stack, on_slice=lambda scores, done, total: seen.append((scores.index, done, total)))
    assert seen == [((0,), 1, 3), ((1,), 2, 3), ((2,), 3, 3)]


def test_threads_change_nothing(stack):
    assert evaluate(*stack, METRICS, threads=1) == evaluate(*stack, METRICS, threads=4)


def test_undefined_scores_are_nan_with_a_reason_and_left_out_of_the_mean(stack):
    probability, truth = stack[0].copy(), stack[1].copy()
    truth[1] = 0
    probability[1] = 0.0
    scores = evaluate(probability, truth, ["v_rand", "v_info", "dice", "precision", "ap50"], per_slice=True)
    assert scores["v_rand"] == scores["v_info"] == scores["dice"] == scores["ap50"] == 1.0
    assert np.isnan(scores["per_slice"][1]["v_rand"])
    assert scores["per_slice"][1]["undefined"]["v_rand"] == "the truth has no segment"
    assert "prediction has no pixel" in scores["per_slice"][1]["undefined"]["precision"]
    assert scores["undefined"]["dice"].endswith("(1 of 3 slices)")
    nothing = evaluate(probability[1], truth[1], ["v_rand", "dice"])
    assert np.isnan(nothing["v_rand"])
    assert set(nothing["undefined"]) == {"v_rand", "dice"}


def test_values_that_are_no_probabilities_are_a_reason_not_a_crash(stack):
    probability, truth = stack[0].copy(), stack[1]
    probability[1] *= 255.0
    probability[2, 0, 0] = np.nan
    scores = evaluate(probability, truth, METRICS, per_slice=True, kind="em")
    assert "not probabilities" in scores["per_slice"][1]["undefined"]["v_rand"]
    assert "not numbers" in scores["per_slice"][2]["undefined"]["drd"]
    assert np.isnan(scores["per_slice"][1]["ap70"])
    assert scores["dice"] == 1.0  # of the first slice


def test_json_is_strict(stack):
    truth = np.zeros((4, 4), dtype=np.uint8)
    text = to_json(evaluate(truth, truth, ["v_rand", "psnr"], per_slice=True))
    read = json.loads(text, parse_constant=pytest.fail)
    assert read["v_rand"] is None
    assert read["psnr"] is None
    assert read["per_slice"][0]["undefined"]["psnr"].startswith("infinite")


def test_ignore_value_mask_and_nan_leave_out_the_same(stack):
    probability, truth = stack[0].copy(), stack[1].copy()
    probability[:, :4] = 0.1  # wrong, but not counted
    names = ["v_rand", "dice", "pixel_error"]
    marked = truth.copy()
    marked[:, :4] = 99
    by_value = evaluate(probability, marked, names, ignore=99)
    mask = np.ones(truth.shape, dtype=bool)
    mask[:, :4] = False
    by_mask = evaluate(probability, truth, names, mask=mask)
    as_floats = truth.astype(np.float32)
    as_floats[:, :4] = np.nan
    by_nan = evaluate(probability, as_floats, names)
    assert by_value == by_mask == by_nan
    assert by_value["dice"] == 1.0
    assert evaluate(probability, truth, names)["dice"] < 1.0


def test_unannotated_pixels_of_class_ids_count_nowhere(stack):
    probability, truth = stack
    classes = np.where(truth > 0, 2, 1).astype(np.uint8)
    classes[:, 6:] = 0
    wrong_below = probability.copy()
    wrong_below[:, 6:] = 1.0 - wrong_below[:, 6:]
    scores = evaluate(wrong_below, classes, ["dice", "pixel_error"], kind="em")
    assert scores == {"dice": 1.0, "pixel_error": 0.0}


@pytest.mark.parametrize(
    ("prediction", "truth", "form"),
    [
        (np.array([[0, 1]], dtype=np.uint8), None, "mask"),
        (np.array([[0, 255]], dtype=np.uint8), None, "mask"),
        (np.array([[0, 2]], dtype=np.int32), None, "mask"),
        (np.array([[True, False]]), None, "mask"),
        (np.array([[1, 2]], dtype=np.uint8), None, "classes"),
        (np.array([[1, 1]], dtype=np.uint8), None, "classes"),
        (np.array([[0, 1, 2]], dtype=np.uint8), None, "classes"),
        (np.array([[0, 17, 200]], dtype=np.uint8), None, "probabilities"),
        (np.array([[0, 1, 2, 3]], dtype=np.uint32), None, "instances"),
        (np.array([[0, 1, 2, 3]], dtype=np.int64), np.array([[1, 2, 3, 3]], dtype=np.uint8), "classes"),
        (np.array([[0, 17, 200]], dtype=np.uint8), np.array([[0, 18, 201]], dtype=np.uint8), "instances"),
        (np.array([[0.0, 1.0]]), None, "probabilities"),
    ],
)
def test_how_predictions_are_read(prediction, truth, form):
    if truth is None:
        truth = np.zeros(prediction.shape, dtype=np.uint8)
        truth[0, -1] = 255
    assert Evaluation(prediction, truth).prediction.form == form


@pytest.mark.parametrize(
    ("truth", "kind", "form"),
    [
        (np.array([[0, 255]], dtype=np.uint8), None, "mask"),
        (np.array([[0, 7]], dtype=np.uint32), "instances", "mask"),
        (np.array([[0, 1, 2]], dtype=np.int32), None, "classes"),
        (np.array([[1, 2, 5]], dtype=np.uint8), None, "classes"),
        (np.array([[0, 1, 2]], dtype=np.uint8), "instances", "instances"),
        (np.array([[0, 1, 2, 3]], dtype=np.int32), None, "instances"),
        (np.array([[0, 30, 200]], dtype=np.uint8), None, "instances"),
        (np.array([[0, 30, 200]], dtype=np.uint8), "document", "mask"),
        (np.array([[0.0, 1.0]]), None, "mask"),
    ],
)
def test_how_truths_are_read(truth, kind, form):
    evaluation = Evaluation(np.zeros(truth.shape), truth, kind=kind)
    assert evaluation.truth.form == form
    assert evaluation.truth.words


def test_the_reading_can_be_settled():
    ids = np.array([[0, 1, 1, 2, 2]], dtype=np.uint8)
    as_ids = evaluate(ids, ids, ["ap50"], prediction_is="instances", truth_is="instances")
    assert as_ids == {"ap50": 1.0}
    assert Evaluation(ids, ids, prediction_is="mask", truth_is="mask").prediction.form == "mask"
    eight_bit = np.array([[0, 255, 128, 255, 255]], dtype=np.uint8)
    evaluation = Evaluation(eight_bit, ids > 0, prediction_is="probabilities")
    assert evaluation.pair(()).prediction.tolist() == [[0.0, 1.0, np.float32(128 / 255), 1.0, 1.0]]


@pytest.mark.parametrize(
    ("prediction", "truth", "says"),
    [
        ((3, 10, 12), (3, 12, 10), r"axes \(0, 2, 1\)"),
        ((3, 12, 12), (3, 10, 12), r"prediction\[0:3, 1:11, 0:12\]"),
        ((3, 10, 12), (4, 10, 12), r"truth\[0:3, 0:10, 0:12\]"),
        ((3, 10, 12), (3, 12, 9), "No crop or transposition"),
        ((2, 10, 12), (10, 12), "No crop or transposition"),
    ],
)
def test_shapes_that_differ(prediction, truth, says):
    with pytest.raises(ShapeMismatchError, match=says) as error:
        evaluate(np.zeros(prediction), np.zeros(truth, dtype=np.uint8))
    assert str(prediction) in str(error.value)
    assert str(truth) in str(error.value)


def test_offered_transposition_and_crop_work():
    a, b = np.zeros((3, 10, 12)), np.zeros((12, 3, 10), dtype=np.uint8)
    with pytest.raises(ShapeMismatchError) as transposed:
        evaluate(a, b)
    assert a.transpose(transposed.value.axes).shape == b.shape
    with pytest.raises(ShapeMismatchError) as cropped:
        evaluate(np.zeros((14, 15)), np.zeros((11, 12), dtype=np.uint8))
    assert cropped.value.crop_of == "prediction"
    assert np.zeros((14, 15))[cropped.value.crop].shape == (11, 12)


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        (np.array([[0.2, 0.9]]), "fractions"),
        (np.array([[-1, 1]]), "ignore=-1"),
        (np.array([["a", "b"]]), "label image"),
        (np.zeros((0, 4)), "nothing to score"),
        (np.zeros(4), "two axes"),
    ],
)
def test_truths_that_are_none(truth, says):
    with pytest.raises(TruthError, match=says):
        evaluate(np.zeros(truth.shape), truth)


def test_a_path_is_no_truth_yet():
    with pytest.raises(TruthError, match=r"'t.tif' is a path, not pixels; .* open_stack\('t.tif'\)"):
        evaluate(np.zeros((2, 2)), "t.tif")


def test_probabilities_and_masks_of_the_other_side_are_doubted(stack):
    probability, truth = stack
    with pytest.warns(UserWarning, match="probability_of"):
        turned = evaluate(1 - probability, truth)
    assert turned["dice"] < 0.5
    with pytest.warns(UserWarning, match="set mostly where the truth is 0"):
        evaluate(truth == 0, truth)
    right = evaluate(1 - probability, truth, probability_of="background")
    assert right == evaluate(probability, truth)
    evaluate(1 - probability, truth, probability_of="foreground")  # it was said: no warning
    evaluate(np.full(truth.shape, 0.5), truth)
    evaluate(np.roll(truth, 3, axis=-1) > 0, truth)  # beside the true ones: bad, but the right way round
    evaluate(probability, np.full_like(truth, 255), ["dice"])


def test_an_undefined_score_has_no_best_threshold():
    scores = evaluate(np.zeros((4, 4)), np.zeros((4, 4), dtype=bool))
    assert math.isnan(scores["v_rand"])
    assert math.isnan(scores["v_rand_threshold"])


def test_prediction_of_a_strange_type():
    with pytest.raises(TruthError, match="complex"):
        evaluate(np.zeros((2, 2), dtype=complex), np.zeros((2, 2), dtype=np.uint8))


def test_settings_that_do_not_work(stack):
    with pytest.raises(UnknownMetricError, match=r"'v_rnd'.*v_rand"):
        evaluate(*stack, ["v_rnd"])
    with pytest.raises(ScoreSettingError, match="threshold"):
        evaluate(*stack, threshold=1.5)
    with pytest.raises(ScoreSettingError, match="tresholds"):
        evaluate(*stack, tresholds=[0.5])
    with pytest.raises(ScoreSettingError, match="single pages"):
        evaluate(*stack, ["drd"], volume=True)
    with pytest.raises(ScoreSettingError, match="no value 7"):
        evaluate(*stack, ["dice"], positive=7)
    with pytest.raises(UnknownMetricError):
        evaluate(*stack, ["ap100"])
    with pytest.raises(ScoreSettingError, match=r"The mask has shape \(1, 2\), the images \("):
        evaluate(*stack, mask=np.ones((1, 2), dtype=bool))


def test_options_go_on_top_of_settings(stack):
    settings = EvaluationSettings(metrics=("dice",), threshold=0.95)
    assert evaluate(*stack, settings=settings)["dice"] < 1.0
    assert evaluate(*stack, settings=settings, threshold=0.5) == {"dice": 1.0}


def test_classes_forced_on_ids_are_a_reason():
    ids = np.array([[0, 70000, 70001]], dtype=np.uint32)
    scores = evaluate(ids, ids, ["dice"], truth_is="classes", prediction_is="classes")
    assert "70001 cannot be a class" in scores["undefined"]["dice"]


def test_masked_arrays_are_sent_to_the_mask(stack):
    probability, truth = stack
    masked = np.ma.masked_array(truth, mask=probability > 0.9)
    wrong = [(masked, truth), *((probability, true) for true in (masked, da.from_array(masked), list(masked)))]
    for pair in wrong:
        with pytest.raises(TruthError, match=r"masked pixels.*mask= an array that is True where pixels count"):
            evaluate(*pair)
    assert evaluate(probability, np.ma.masked_array(truth)) == evaluate(probability, truth)
