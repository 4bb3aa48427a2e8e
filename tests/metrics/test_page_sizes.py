"""Pages of several sizes at the top left of planes of the largest."""

import dask.array as da
import numpy as np
import pytest

from napari_unets.metrics import METRICS, ScoreSettingError, evaluate
from napari_unets.metrics.error_layer import error_layer

SIZES = ((40, 30), (24, 50), (33, 33))
RNG = np.random.default_rng(0)


@pytest.fixture
def pages():
    """Class ids of a prediction and ink (False) on paper of its truth, page by page."""
    truths = [np.kron(RNG.random((h // 3 + 1, w // 3 + 1)) > 0.3, np.ones((3, 3), bool))[:h, :w] for h, w in SIZES]
    predictions = [np.where(truth ^ (RNG.random(truth.shape) < 0.1), 2, 1).astype(np.uint8) for truth in truths]
    return predictions, truths


def padded(pages, value):
    planes = np.full((len(pages), 40, 50), value, pages[0].dtype)
    for plane, page in zip(planes, pages, strict=True):
        plane[: page.shape[0], : page.shape[1]] = page
    return planes


@pytest.mark.parametrize("lazy", [False, True])
def test_scores_are_those_of_the_pages_by_themselves(pages, lazy):
    predictions, truths = pages
    # what lies beside the pages is as wrong as can be
    planes = padded(predictions, 1), padded(truths, True)
    if lazy:
        planes = tuple(da.from_array(plane, chunks=(1, 16, 50)) for plane in planes)
    options = {"kind": "document", "prediction_is": "classes"}
    together = evaluate(*planes, METRICS, page_sizes=SIZES, per_slice=True, **options)
    alone = [evaluate(p, t, METRICS, **options) for p, t in zip(predictions, truths, strict=True)]
    for name in METRICS:
        if name.endswith("_threshold"):
            continue
        values = [scores[name] for scores in alone]
        assert together[name] == pytest.approx(np.mean(values), rel=1e-12)
        assert [scores[name] for scores in together["per_slice"]] == values
    assert evaluate(*planes, ["f_measure"], **options)["f_measure"] != together["f_measure"]


def test_what_the_values_are_is_read_from_the_pages_alone(pages):
    predictions, truths = pages
    planes = padded(predictions, 77), padded([np.where(t, 255, 0).astype(np.uint8) for t in truths], 9)
    scores = evaluate(*planes, ["f_measure"], page_sizes=SIZES)
    alone = [evaluate(p, t, ["f_measure"])["f_measure"] for p, t in zip(predictions, truths, strict=True)]
    assert scores["f_measure"] == pytest.approx(np.mean(alone))


def test_beside_a_page_there_are_no_errors(pages):
    predictions, truths = pages
    errors = error_layer(padded(predictions, 1), padded(truths, True), kind="document", page_sizes=SIZES)
    for plane, prediction, truth in zip(errors, predictions, truths, strict=True):
        height, width = truth.shape
        ink, paper = (prediction == 1) & truth, (prediction == 2) & ~truth
        np.testing.assert_array_equal(plane[:height, :width], np.where(ink, 2, np.where(paper, 1, 0)))
        assert not plane[height:].any()
        assert not plane[:, width:].any()


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        (SIZES[:2], "sizes of 2 pages, but the images have 3 planes"),
        (((40, 30), (24, 51), (33, 33)), "Page 2 is said to have 24×51 pixels; its plane has 40×50"),
        (((40, 30), (0, 50), (33, 33)), "Page 2"),
    ],
)
def test_sizes_that_do_not_fit(pages, sizes, said):
    with pytest.raises(ScoreSettingError, match=said):
        evaluate(padded(pages[0], 1), padded(pages[1], True), page_sizes=sizes)


def test_a_volume_has_no_pages(pages):
    with pytest.raises(ScoreSettingError, match="volume"):
        evaluate(padded(pages[0], 1), padded(pages[1], True), page_sizes=SIZES, volume=True)
