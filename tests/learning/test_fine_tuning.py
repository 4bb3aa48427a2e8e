"""Fine-tuning: it learns what is painted, leaves out what is not, and records where the model comes from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support import tiny_model

from napari_unets.inference import segment, stack_statistics
from napari_unets.learning import fine_tuning, operating_point
from napari_unets.learning.adapting import adapt_batch_norm, spread_crops
from napari_unets.learning.annotations import AnnotatedStack, annotated_density, split_annotations
from napari_unets.learning.augment import AugmentSettings
from napari_unets.learning.errors import AnnotationError, FitSettingError
from napari_unets.learning.fine_tuning import fine_tune
from napari_unets.learning.operating_point import _THRESHOLDS
from napari_unets.learning.patch_size import with_fitting_patch
from napari_unets.learning.settings import FitSettings, tuning_settings
from napari_unets.learning.step_time import step_seconds
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.models import ClassInfo, Model, NotAModelError, new_model

NEW_CLASS = ClassInfo(id=3, name="mitochondrion", color="#0000ff")


@pytest.fixture
def painted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two bright-on-dark textures, their truth, and strokes on one slice."""
    rng = np.random.default_rng(0)
    truth = np.full((3, 128, 128), 2, np.uint8)
    truth[:, 32:96, 20:60] = 1
    image = (np.where(truth == 1, 60, 180) + rng.normal(0, 15, truth.shape)).clip(0, 255).astype(np.uint8)
    strokes = np.zeros_like(truth)
    for row in (20, 40, 64, 88, 110):
        strokes[1, row : row + 4, 5:120] = truth[1, row : row + 4, 5:120]
    return image, truth, strokes


QUICK = {"device": "cpu", "batch": 2, "patch": 48, "precision": "fp32", "validate_every": 10}


def test_it_learns_from_strokes(painted) -> None:
    image, truth, strokes = painted
    parent = tiny_model()
    before = {k: v.clone() for k, v in parent.network.state_dict().items()}
    tuned = fine_tune(parent, image, strokes, steps=40, learning_rate=1e-2, from_scratch=True, **QUICK)
    result = segment(tuned, image, backend="torch", precision="fp32")
    assert (result == truth).mean() > 0.95
    for name, value in parent.network.state_dict().items():
        assert torch.equal(value, before[name])
    card = tuned.card
    assert card.parent == parent.card.signature
    assert card.name == f"{parent.name}-tuned"
    assert card.training is not None
    assert card.training.steps == 40
    assert sum(card.training.annotated_pixels.values()) == np.count_nonzero(strokes)
    assert [h["step"] for h in card.training.history] == [10, 20, 30, 40]
    assert 0 < card.threshold < 1


def statistics(model) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.network.state_dict().items() if "running" in name}


def test_batch_norm_statistics_stay_the_parents(painted) -> None:
    image, _, strokes = painted
    parent = tiny_model()
    run = {"steps": 120, "learning_rate": 1e-2, "augment": AugmentSettings.none()}
    tuned = fine_tune(parent, image, strokes, **run, adapt=False, **QUICK)
    for name, value in statistics(tuned).items():
        assert torch.equal(value, statistics(parent)[name])
    weights = dict(parent.network.named_parameters())
    assert any(not torch.equal(value, weights[name]) for name, value in tuned.network.named_parameters())


def test_batch_norm_statistics_are_the_stacks(painted) -> None:
    image, _, strokes = painted
    strokes[1, 70:] = 0  # too little to keep anything aside: nothing says that the parent's are better
    strokes[1, :60] = 0
    assert not split_annotations(AnnotatedStack.of(image, strokes).planes).validation
    brighter = (image.astype(float) / 3).astype(np.uint8)
    first, second = (fine_tune(tiny_model(), i, strokes, steps=1, **QUICK) for i in (image, brighter))
    assert any(not torch.equal(value, statistics(tiny_model())[name]) for name, value in statistics(first).items())
    for name, value in statistics(first).items():  # both are normalised to the same
        torch.testing.assert_close(value, statistics(second)[name], rtol=0.1, atol=0.1)


def test_batch_norm_statistics_of_pages_stay_the_parents(painted, monkeypatch) -> None:
    image, _, strokes = painted
    monkeypatch.setattr(fine_tuning, "with_statistics_before", lambda *_: pytest.fail("statistics of two pages"))
    model = tiny_model()
    parent = Model(model.card.model_copy(update={"task": "document"}), network=model.network)
    tuned = fine_tune(parent, image // 4, strokes, steps=1, **QUICK)
    for name, value in statistics(tuned).items():
        assert torch.equal(value, statistics(parent)[name])


@pytest.mark.parametrize(("lost", "share"), [(0.03, 0.25), (0.2, 0.0)])
def test_a_quarter_is_the_parent_unless_it_is_of_no_use(painted, monkeypatch, lost: float, share: float) -> None:
    image, _, strokes = painted
    parent = tiny_model().network.state_dict()

    def score(network) -> dict[str, float]:
        if torch.equal(network.head.weight, parent["head.weight"]):
            return {"dice": 0.1}
        between = "learnt" in seen and not torch.equal(network.head.weight, seen["learnt"])
        return {"dice": 0.9 - lost if between else 0.9}

    seen: dict[str, torch.Tensor] = {}
    run_to_its_end = fine_tuning.fit

    def fit(network, *arguments, **keywords):
        yield from run_to_its_end(network, *arguments, **keywords)
        seen["learnt"] = network.head.weight.clone()

    monkeypatch.setattr(fine_tuning, "fit", fit)
    monkeypatch.setattr(fine_tuning, "mean_scores", lambda _: score)
    run = {"steps": 3, "learning_rate": 1e-2, "adapt": False, **QUICK, "validate_every": 100}
    tuned = fine_tune(tiny_model(), image, strokes, **run)
    expected = share * parent["head.weight"] + (1 - share) * seen["learnt"]
    torch.testing.assert_close(tuned.network.head.weight.data, expected)
    assert not torch.equal(seen["learnt"], parent["head.weight"])
    assert tuning_settings(from_scratch=True).start_share == 0


def test_whole_slices_choose_the_threshold_by_dice_and_strokes_by_how_frequent_the_classes_are(
    painted, monkeypatch
) -> None:
    image, truth, strokes = painted
    best_at_the_end = np.linspace(0, 1, len(_THRESHOLDS))
    monkeypatch.setattr(HeldOutPlanes, "dice_at", lambda *_: best_at_the_end)
    settings = {"steps": 2, **QUICK}
    parent = tiny_model()
    assert fine_tune(parent, image, truth, **settings).card.threshold == _THRESHOLDS[-1]
    seen = {}

    def annotated(_, network):
        first = np.float32([0.9] * 10 + [0.1] * 90)
        return np.stack([first, 1 - first]), np.repeat(np.uint8([1, 2]), [10, 90])

    def mean(network, crops):
        seen["crops"] = list(crops)
        return np.array([0.26, 0.74])  # a fifth is class 1

    monkeypatch.setattr(HeldOutPlanes, "annotated", annotated)
    monkeypatch.setattr(operating_point, "mean_probabilities", mean)
    assert fine_tune(parent, image, strokes, from_scratch=True, **settings).card.threshold == 0.8
    harmed = fine_tune(parent, image, strokes, learning_rate=1.0, **(settings | {"steps": 20}))
    assert harmed.card.threshold == parent.card.threshold  # which is kept
    assert all(crop.ndim == 3 for crop in seen["crops"])


@pytest.mark.parametrize(("task", "asked"), [("em", False), ("document", True)])
def test_strokes_do_not_teach_how_frequent_ink_is(painted, monkeypatch, task, asked) -> None:
    """The loss is told of the excess; of membranes it is not asked (see ``_excess``)."""
    image, _, strokes = painted
    model = tiny_model()
    model = Model(model.card.model_copy(update={"task": task}), network=model.network)
    monkeypatch.setattr(fine_tuning, "painted_excess", lambda *_: 1.5)
    given = []
    run = fine_tuning.fit
    monkeypatch.setattr(fine_tuning, "fit", lambda *a, **k: given.append(k["excess"]) or run(*a, **k))
    fine_tune(model, image, strokes, steps=1, **QUICK)
    fine_tune(model, image, strokes, steps=1, from_scratch=True, **QUICK)
    assert given == [1.5 if asked else 0.0, 0.0]


def test_density_of_strokes_boxes_and_slices(painted) -> None:
    _, truth, strokes = painted
    box = np.zeros((200, 200), np.uint8)
    box[64:128, 0:128] = 1
    assert annotated_density(truth) == 1
    assert annotated_density([box, np.zeros_like(box)]) == 1
    assert annotated_density(strokes) < 0.3
    assert annotated_density([np.zeros_like(box)]) == 0


def test_a_model_that_has_learnt_nothing_learns_with_what_suits_random_weights(painted) -> None:
    image, truth, strokes = painted
    parent = new_model("fresh", "sf-net", ["dark", "bright"], settings={"width": 8, "narrow": 4, "depth": 2})
    tuned = fine_tune(parent, image, strokes, steps=60, name="learnt", **QUICK)
    assert (segment(tuned, image, backend="torch", precision="fp32") == truth).mean() > 0.95
    card = tuned.card
    assert card.training is not None
    assert card.training.settings["learning_rate"] == tuning_settings(from_scratch=True).learning_rate
    assert card.training.settings["freeze_batch_norm"] is False
    assert not card.is_untrained
    assert (card.title, card.parent) == ("learnt", "fresh")
    assert "dark, bright" in card.summary
    still = fine_tune(parent, image, strokes, steps=1, learning_rate=1e-12, **QUICK)
    for name, value in still.network.named_parameters():
        torch.testing.assert_close(value, dict(parent.network.named_parameters())[name], rtol=0, atol=1e-6)


def test_a_run_that_only_does_harm_ends_with_the_parent(painted) -> None:
    image, _, strokes = painted
    parent = fine_tune(tiny_model(), image, strokes, steps=40, learning_rate=1e-2, from_scratch=True, **QUICK)
    kept = split_annotations(AnnotatedStack.of(image, strokes).planes).validation
    # What is learnt from says the opposite of what is kept aside.
    confused = np.where(strokes > 0, 3 - strokes, 0).astype(strokes.dtype)
    for number, plane in kept.items():
        confused[number][plane > 0] = plane[plane > 0]
    tuned = fine_tune(parent, image, confused, steps=20, learning_rate=1e-2, **QUICK)
    assert tuned.card.training is not None
    history = tuned.card.training.history
    assert history[0]["step"] == 0
    assert history[0]["dice"] == max(h["dice"] for h in history)
    assert tuned.card.threshold == parent.card.threshold
    for mine, theirs in zip(tuned.network.parameters(), parent.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_new_class(painted) -> None:
    image, _, strokes = painted
    strokes[1, 100:104] = 3
    parent = tiny_model()
    tuned = fine_tune(parent, image, strokes, steps=2, classes=[*parent.card.classes, NEW_CLASS], **QUICK)
    assert tuned.network.out_channels == 3
    assert [c.name for c in tuned.card.classes] == ["membrane", "cell", "mitochondrion"]
    assert segment(tuned, image, backend="torch").max() <= 3


def test_a_new_class_is_found_after_a_few_steps(painted) -> None:
    """On the mean of some seeds: so small a network finds more or less of it, depending on the processor's rounding."""
    image, truth, strokes = painted
    seen, bright = image.copy(), truth.copy()
    seen[:, 60:90, 80:110] = 250 - (image[:, 60:90, 80:110] % 8)  # brighter than either class
    bright[:, 60:90, 80:110] = 3
    painted_too = np.where(strokes > 0, bright, 0).astype(np.uint8)
    found = np.zeros((4, 3))
    for seed, shares in enumerate(found):
        run = {**QUICK, "seed": seed}
        parent = fine_tune(tiny_model(), image, strokes, steps=60, learning_rate=1e-2, from_scratch=True, **run)
        tuned = fine_tune(parent, seen, painted_too, steps=3, classes=[*parent.card.classes, NEW_CLASS], **run)
        labels = segment(tuned, seen, backend="torch", precision="fp32")
        shares[:] = [(labels == class_id)[bright == class_id].mean() for class_id in (1, 2, 3)]
    assert found.mean(axis=0).min() > 0.65, found


def test_split_shares_no_pixel_and_loses_none(painted) -> None:
    _, _, strokes = painted
    for planes in ({1: strokes[1]}, {n: np.roll(strokes[1], n) for n in range(6)}):
        split = split_annotations(planes)
        assert split.validation
        for number, plane in planes.items():
            nothing = np.zeros_like(plane)
            training = split.training.get(number, nothing)
            validation = split.validation.get(number, nothing)
            assert not ((training > 0) & (validation > 0)).any()
            assert np.array_equal(np.maximum(training, validation), plane)
    assert "planes" in split.how


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image, strokes: (image, strokes[:, :64]), r"\(3, 64, 128\)"),
        (lambda image, strokes: (image, strokes * 0), "nothing is annotated"),
        (lambda image, strokes: (image, (strokes == 1).astype(np.uint8)), "another class"),
        (lambda image, strokes: (image, np.where(strokes == 2, 9, strokes)), "class 9"),
        (lambda image, strokes: (image * 0, strokes), "one single grey value"),
        (lambda image, strokes: (image, strokes.astype(np.float32)), "integers"),
    ],
)
def test_annotations_that_cannot_be_learnt_from(painted, change, message: str) -> None:
    image, _, strokes = painted
    with pytest.raises(AnnotationError, match=message):
        fine_tune(tiny_model(), *change(image, strokes), steps=1, **QUICK)


def test_missing_slices_are_not_read() -> None:
    """Only planes with annotations are prepared, whatever the size of the stack."""
    annotations = np.zeros((50, 40, 40), np.uint8)
    annotations[7, 3] = 1
    source = AnnotatedStack.of(np.zeros((50, 40, 40), np.uint8), annotations)
    assert list(source.planes) == [7]
    assert source.counts() == {7: {1: 40}}


def test_from_random_weights_the_statistics_are_those_of_whole_sections_at_the_end(painted) -> None:
    image, _, strokes = painted
    strokes[1, 70:] = strokes[1, :60] = 0  # too little to keep anything aside: nothing says no
    settings = {"steps": 20, "learning_rate": 1e-2, "from_scratch": True, **QUICK}
    plain = fine_tune(tiny_model(), image, strokes, adapt=False, **settings)
    adapted = fine_tune(tiny_model(), image, strokes, **settings)
    for (name, mine), theirs in zip(adapted.network.named_parameters(), plain.network.parameters(), strict=True):
        assert torch.equal(mine, theirs), name
    source = AnnotatedStack.of(image, strokes)
    crops = spread_crops(
        plain.network,
        source.stack,
        stack_statistics(plain, source.stack),
        split_annotations(source.planes).training,
    )
    wanted = adapt_batch_norm(plain.network, crops).state_dict()
    found = statistics(adapted)
    assert found
    for name, value in found.items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-4, atol=1e-4)


def test_statistics_that_do_harm_are_not_taken(painted, monkeypatch) -> None:
    image, _, strokes = painted

    def broken(network, crops):
        harmed = adapt_batch_norm(network, crops)
        for name, value in harmed.state_dict().items():
            if "running_mean" in name:
                value += 100
        return harmed

    monkeypatch.setattr("napari_unets.learning.tuned_weights.adapt_batch_norm", broken)
    settings = {"steps": 20, "learning_rate": 1e-2, "from_scratch": True, **QUICK}
    tuned = fine_tune(tiny_model(), image, strokes, **settings)
    plain = fine_tune(tiny_model(), image, strokes, adapt=False, **settings)
    for name, value in statistics(tuned).items():
        assert torch.equal(value, statistics(plain)[name])


def test_the_card_has_the_scores_of_the_statistics_that_it_comes_with(painted, monkeypatch) -> None:
    image, _, strokes = painted

    def slightly_other(network, crops):
        changed = adapt_batch_norm(network, crops)
        for name, value in changed.state_dict().items():
            if "running_mean" in name:
                value.copy_(network.state_dict()[name] + 0.01)
            elif "running_var" in name:
                value.copy_(network.state_dict()[name])
        return changed

    monkeypatch.setattr("napari_unets.learning.tuned_weights.adapt_batch_norm", slightly_other)
    tuned = fine_tune(tiny_model(), image, strokes, steps=20, learning_rate=1e-2, from_scratch=True, **QUICK)
    assert tuned.card.training is not None
    (score,) = tuned.card.scores
    in_training = [scores["cross_entropy"] for scores in tuned.card.training.history]
    assert score.values["cross_entropy"] not in in_training


@pytest.mark.parametrize("threshold", [0.1, 0.9])
def test_the_card_has_the_scores_of_the_threshold_that_it_comes_with(painted, monkeypatch, threshold: float) -> None:
    image, _, strokes = painted
    monkeypatch.setattr(fine_tuning, "choose_threshold", lambda *_, **__: threshold)
    tuned = fine_tune(tiny_model(), image, strokes, steps=2, **QUICK)
    ((plane, truth),) = split_annotations(AnnotatedStack.of(image, strokes).planes).validation.items()
    found = segment(tuned, image, backend="torch", precision="fp32")[plane][truth > 0]
    truth = truth[truth > 0]
    dice = [2 * ((found == c) & (truth == c)).sum() / ((found == c).sum() + (truth == c).sum()) for c in (1, 2)]
    (score,) = tuned.card.scores
    assert score.values["dice"] == pytest.approx(np.mean(dice), abs=1e-3)


def test_random_weights_are_those_of_the_seed(painted) -> None:
    """Of an added class, and of a start from scratch, whatever was drawn before."""
    image, _, strokes = painted
    parent, third = tiny_model(), strokes.copy()
    third[1, 110:114, 5:120] = 3
    classes = [*parent.card.classes, NEW_CLASS]
    for arguments in ({"annotations": third, "classes": classes}, {"annotations": strokes, "from_scratch": True}):
        tuned = []
        for before in (1, 2):
            torch.manual_seed(before)
            tuned.append(fine_tune(parent, image, steps=1, seed=7, **arguments, **QUICK).network.state_dict())
        assert all(torch.equal(value, tuned[1][name]) for name, value in tuned[0].items())


def test_patches_grow_to_what_an_unpadded_network_takes(painted) -> None:
    image, _, strokes = painted
    small = {"padding": "valid", "width": 2, "depth": 1, "filter_scales": ()}
    model = new_model("x", "unet", ["a", "b"], settings=small)
    settings = FitSettings(steps=1, patch=47)
    grown = with_fitting_patch(settings, model.network).patch
    assert grown == model.network.next_valid_size(47 + 2 * model.network.margin)
    assert with_fitting_patch(settings, tiny_model().network).patch == 48
    card = fine_tune(model, image, strokes, steps=1, **QUICK | {"patch": 47}).card
    assert card.training is not None
    assert card.training.settings["patch"] == grown
    assert step_seconds(model, settings, device="cpu") > 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps: .* 1"),
        ({"step": 2}, "step: .*The settings are: steps"),
        ({"steps": 1, "minutes": 1}, "steps or"),
        ({"patch": 100_000}, "patch: .* 4096"),
        ({"seed": 2**70}, "seed: .* 9223372036854775808"),
        ({"settings": tuning_settings()}, r"each setting by its name .* and no settings=; .*iter_fine_tune takes"),
    ],
)
def test_settings_that_do_not_work_are_named(painted, settings, said: str) -> None:
    with pytest.raises(FitSettingError, match=said):
        fine_tune(tiny_model(), painted[0], painted[2], **settings)


@pytest.mark.parametrize("classes", ["membrane", ["membrane", "cell", "nucleus"]])
def test_names_are_neither_classes_nor_a_model(painted, classes) -> None:
    image, _, strokes = painted
    with pytest.raises(FitSettingError, match=r"list of ClassInfo, .* not .*'?membrane"):
        fine_tune(tiny_model(), image, strokes, classes=classes)
    with pytest.raises(NotAModelError, match=r"load_model\('em-membranes'\)"):
        fine_tune("em-membranes", image, strokes)


def test_classes_are_the_parents_and_then_new_ones(painted) -> None:
    image, _, strokes = painted
    known = list(tiny_model().card.classes)
    for classes in (known[::-1], [*known, known[0]], known[:1]):
        with pytest.raises(FitSettingError, match="they are the parent's, 1 to 2, and then new ones from 3 on"):
            fine_tune(tiny_model(), image, strokes, classes=classes)


def test_an_image_of_truth_values_is_learnt_from(painted) -> None:
    image, _, strokes = painted
    assert fine_tune(tiny_model(), image > 120, strokes, steps=1, **QUICK).card.training.steps == 1


def test_what_is_no_source_and_what_are_no_settings_is_told(painted) -> None:
    image, _, strokes = painted
    source, run = AnnotatedStack.of(image, strokes), tuning_settings(steps=1, batch=1, patch=32)
    for wrong in (source, [], [(image, strokes)]):
        with pytest.raises(AnnotationError, match=r"a list of one or more AnnotatedStack\.of\(image, annotations\)"):
            next(fine_tuning.iter_fine_tune(tiny_model(), wrong, run))
    for wrong in (None, {"steps": 1}, FitSettings(epochs=1)):
        with pytest.raises(FitSettingError, match="settings are FitSettings with steps or minutes"):
            next(fine_tuning.iter_fine_tune(tiny_model(), [source], wrong))
    assert next(fine_tuning.iter_fine_tune(tiny_model(), iter([source]), run, device="cpu"))
