"""The DIBCO measures: by hand, and against the figures of the reference program on real pages."""

import json

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu, threshold_sauvola
from skimage.io import imread

from napari_unets.metrics import evaluate
from napari_unets.metrics.chessboard import carry_largest, carry_last_visitor, chessboard_distance, ways_back
from napari_unets.metrics.document import distance_reciprocal_distortion, peak_signal_to_noise
from napari_unets.metrics.document_weights import pseudo_f_measure, pseudo_weights
from napari_unets.metrics.skeleton import skeleton

MEASURES = ["f_measure", "pseudo_f_measure", "psnr", "drd", "nrm"]
PAGES = ["2009/H03", "2009/P03", "2010/H05", "2012/H03", "2014/H02", "2016/H04"]


def binarise(name, grey):
    if name == "otsu":
        return grey <= threshold_otsu(grey)
    return grey <= threshold_sauvola(grey, window_size=25, k=0.2, r=127.5)


@pytest.mark.parametrize("method", ["otsu", "sauvola"])
@pytest.mark.parametrize("page", PAGES)
def test_reference_case(shared_reference, shared_data, page, method):
    expected = json.loads((shared_reference / "dibco_cases" / "cases.json").read_text())["cases"][page][method]
    source = imread(shared_data / "dibco" / f"{page}_source.png")
    grey = source
    if source.ndim == 3:
        red, green, blue = np.moveaxis(source[..., :3].astype(int), -1, 0)
        grey = ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)
    truth = imread(shared_data / "dibco" / f"{page}_target.png")
    paper = ~binarise(method, grey)
    scores = evaluate(paper, truth, MEASURES)
    for measure in ("f_measure", "psnr", "nrm"):
        assert scores[measure] == pytest.approx(expected[measure], rel=1e-12)
    assert scores["drd"] == pytest.approx(expected["drd"], abs=1e-3)
    assert scores["pseudo_f_measure"] == pytest.approx(expected["pseudo_f_measure"], abs=0.01)
    ink = evaluate(paper, truth, ["precision", "recall"], kind="document")
    assert 100 * ink["precision"] == pytest.approx(expected["precision"], rel=1e-12)
    assert 100 * ink["recall"] == pytest.approx(expected["recall"], rel=1e-12)


def page_with_a_bar():
    ink = np.zeros((24, 40), dtype=bool)
    ink[10:13, 5:35] = True
    return ink


def test_counts_by_hand():
    ink = page_with_a_bar()  # 90 pixels of 960
    result = ink.copy()
    result[10, 5:15] = False  # 10 missed
    result[2, 2:7] = True  # 5 too many
    scores = evaluate(~result, (~ink).astype(np.uint8) * 255, MEASURES)
    precision, recall = 80 / 85, 80 / 90
    assert scores["f_measure"] == pytest.approx(200 * precision * recall / (precision + recall))
    assert scores["psnr"] == pytest.approx(10 * np.log10(960 / 15))
    assert scores["nrm"] == pytest.approx((10 / 90 + 5 / 870) / 2)


def test_ink_is_dark_whatever_the_truth_is_written_as():
    ink = page_with_a_bar()
    result = ink.copy()
    result[10] = False
    expected = evaluate(~result, ~ink, MEASURES)
    paper, found = (~ink).astype(np.uint8), (~result).astype(np.uint8)
    assert evaluate(found * 255, paper * 255, MEASURES) == expected
    assert evaluate(found + 1, paper + 1, MEASURES) == expected  # class ids: 1 ink, 2 paper
    assert evaluate(found + 1, paper * 255, MEASURES) == expected
    assert evaluate(found.astype(np.float32), paper * 255, MEASURES) == expected
    assert evaluate(result, ink, MEASURES, positive=1) == expected  # ink written as True, and said to be positive
    grey = paper * 200 + np.arange(40, dtype=np.uint8)  # a page that was saved as a grey picture
    assert evaluate(~result, grey, MEASURES, kind="document") == expected


def test_drd_by_hand():
    """One wrong pixel in the middle of paper: its whole neighbourhood differs, so DRD = 1 / blocks."""
    ink = np.zeros((16, 24), dtype=bool)
    ink[4:12, 4:12] = True  # touches four blocks of 8×8
    result = ink.copy()
    result[8, 20] = True
    assert distance_reciprocal_distortion(result, ink) == pytest.approx(1 / 4)
    corner = ink.copy()
    corner[0, 23] = True  # what lies outside the page costs nothing
    weights = np.array([[0, 1, 1 / 2], [1, 2**-0.5, 5**-0.5], [1 / 2, 5**-0.5, 8**-0.5]])
    total = 4 * (1 + 1 / 2 + 2**-0.5 + 8**-0.5) + 8 * 5**-0.5
    assert distance_reciprocal_distortion(corner, ink) == pytest.approx(weights.sum() / total / 4)


def test_drd_drops_incomplete_blocks_and_is_undefined_without_any_of_both():
    ink = np.zeros((12, 12), dtype=bool)
    ink[9:11, 9:11] = True  # only in blocks that are cut off
    assert np.isnan(distance_reciprocal_distortion(~ink, ink))
    scores = evaluate(~ink, (~ink).astype(np.uint8), ["drd", "psnr", "f_measure"])
    assert scores["f_measure"] == 100.0
    assert scores["psnr"] == np.inf
    assert "8×8" in scores["undefined"]["drd"]
    assert "no pixel is wrong" in scores["undefined"]["psnr"]


def test_recall_weights_of_a_section_add_up_to_one():
    """So a break costs its length, whatever the width of the stroke (one of three pixels weighs half, as defined)."""
    for width in (1, 2, 3, 4, 5, 8, 9, 14):
        ink = np.zeros((30, 80), dtype=bool)
        ink[10 : 10 + width, 5:75] = True
        weights, _ = pseudo_weights(ink)
        assert weights[:, 30:50].sum(axis=0) == pytest.approx(0.5 if width == 3 else 1.0), width
        if width > 2:
            assert not weights[[10, 9 + width], 30:50].any()  # the border of a stroke weighs nothing
        assert not weights[~ink].any()


def test_broken_strokes_cost_the_same_whatever_their_width():
    costs = []
    for width in (3, 7):
        ink = np.zeros((40, 120), dtype=bool)
        ink[15 : 15 + width, 10:110] = True
        broken = ink.copy()
        broken[:, 55:60] = False
        costs.append(100.0 - pseudo_f_measure(broken, ink))
        assert pseudo_f_measure(ink, ink) == 100.0
    assert costs[0] == pytest.approx(costs[1], rel=0.15)


def test_spurious_ink_costs_more_between_letters_than_far_from_any():
    ink = np.zeros((40, 60), dtype=bool)
    ink[10:30, 20:24] = ink[10:30, 30:34] = True
    _, weights = pseudo_weights(ink)
    assert not weights[ink].any()
    assert weights[20, 26] > weights[20, 24] > 0.0  # grows from the border to the middle of the gap
    assert weights[20, 55] == 0.0
    assert weights.max() <= 2.0
    between, far = ink.copy(), ink.copy()
    between[15:25, 26:28] = True
    far[15:25, 52:54] = True
    assert pseudo_f_measure(between, ink) < pseudo_f_measure(far, ink)


def test_pseudo_f_measure_of_empty_pages():
    nothing, ink = np.zeros((16, 16), dtype=bool), np.eye(16, dtype=bool)
    assert np.isnan(pseudo_f_measure(nothing, nothing))
    assert pseudo_f_measure(nothing, ink) == 0.0
    assert pseudo_f_measure(ink, nothing) == 0.0


def test_psnr_without_an_error_is_infinite():
    assert peak_signal_to_noise(0, 10) == np.inf
    assert np.isnan(peak_signal_to_noise(0, 0))


def test_mask_leaves_errors_out():
    ink = page_with_a_bar()
    result = ink.copy()
    result[2, 2:7] = True
    mask = np.ones(ink.shape, dtype=bool)
    mask[:5] = False
    scores = evaluate(~result, (~ink).astype(np.uint8), MEASURES, mask=mask)
    assert (scores["f_measure"], scores["pseudo_f_measure"], scores["drd"], scores["nrm"]) == (100.0, 100.0, 0.0, 0.0)


def thin_by_definition(image):
    """Zhang and Suen's sub-iterations over the whole image until nothing changes."""
    image = np.pad(image, 1).astype(int)
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            remove = []
            for y, x in zip(*np.nonzero(image), strict=True):
                p = [image[y + dy, x + dx] for dy, dx in RING]
                entered = sum(not a and b for a, b in zip(p, p[1:] + p[:1], strict=True))
                n, e, s, w = p[0], p[2], p[4], p[6]
                sides = (n * e * s, e * s * w) if first else (n * e * w, n * s * w)
                if 2 <= sum(p) <= 6 and entered == 1 and not any(sides):
                    remove.append((y, x))
            for y, x in remove:
                image[y, x] = 0
                changed = True
    return image[1:-1, 1:-1].astype(bool)


RING = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]


@pytest.mark.parametrize("seed", range(4))
def test_skeleton_is_zhang_and_suens_without_staircases(seed):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random((40, 50)), 2.0)
    mask = field > np.quantile(field, 0.5)
    plain, tidy = thin_by_definition(mask), skeleton(mask)
    assert not np.any(tidy & ~plain)
    eight = np.ones((3, 3))
    assert ndimage.label(tidy, eight)[1] == ndimage.label(plain, eight)[1]
    assert ndimage.label(~tidy)[1] == ndimage.label(~plain)[1]
    staircase = [[[1, 1], [1, 0]], [[1, 1], [0, 1]], [[1, 0], [1, 1]], [[0, 1], [1, 1]]]
    steps = [sum(ndimage.binary_hit_or_miss(m, s).sum() for s in staircase) for m in (plain, tidy)]
    assert steps[1] < steps[0] / 3  # crossings keep theirs


def test_skeleton_of_a_bar_is_a_line():
    assert skeleton(page_with_a_bar())[:, 10:30].sum(axis=0).tolist() == [1] * 20


def test_chessboard_distance_is_that_of_scipy():
    feature = np.random.default_rng(0).random((31, 44)) < 0.01
    expected = ndimage.distance_transform_cdt(~feature, metric="chessboard")
    assert np.array_equal(chessboard_distance(np.pad(feature, 1))[1:-1, 1:-1], expected)
    assert chessboard_distance(np.zeros((5, 6), dtype=bool))[1:-1, 1:-1].min() >= 2**30


def test_what_is_carried_to_and_from_the_nearest_features():
    rng = np.random.default_rng(1)
    feature = np.pad(rng.random((25, 33)) < 0.02, 1)
    values = np.where(feature, rng.integers(-50, 50, feature.shape), 0).astype(np.int32)
    needed = np.pad(rng.random((25, 33)) < 0.5, 1)
    at = np.argwhere(feature)
    largest, last = {}, {tuple(f): 0 for f in at}
    for pixel in np.argwhere(needed):
        away = np.abs(at - pixel).max(axis=1)
        nearest = [tuple(f) for f in at[away == away.min()]]
        largest[tuple(pixel)] = max(values[f] for f in nearest)
        for f in nearest:
            last[f] = int(np.ravel_multi_index(tuple(pixel), feature.shape))
    distance = chessboard_distance(feature)
    order = ways_back(distance, needed)
    visitor = np.zeros(feature.shape, dtype=np.int64)
    carry_last_visitor(visitor, needed, distance, order)
    assert {f: visitor[f] for f in last} == last
    carry_largest(values, distance, order)
    assert {p: values[p] for p in largest} == largest
