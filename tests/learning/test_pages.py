"""Pages of different sizes, each with its truth: found, read, drawn from, degraded, held out."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from tests_support import card_of

from napari_unets.learning.page_augment import PageAugmentSettings, degrade_pages, vary_values
from napari_unets.learning.page_source import HeldOutPages
from napari_unets.learning.pages import Page, PageSampler, PagesError, find_pages, matches, read_page
from napari_unets.models import Normalisation
from napari_unets.networks import Network

NOTHING = PageAugmentSettings.model_validate(
    {name: 1.0 if name == "max_zoom" else 0 for name in PageAugmentSettings.model_fields}
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def write_page(folder: Path, name: str, shape: tuple[int, int], *, colour: bool = True) -> np.ndarray:
    """Write paper of value 200 with an upright stroke of ink of value 40; return where the ink is."""
    folder.mkdir(exist_ok=True)
    ink = np.zeros(shape, bool)
    ink[4:-4, shape[1] // 2 : shape[1] // 2 + 3] = True
    grey = np.where(ink, 40, 200).astype(np.uint8)
    iio.imwrite(folder / f"{name}_source.png", np.stack([grey, grey, grey // 2], -1) if colour else grey)
    iio.imwrite(folder / f"{name}_target.png", np.where(ink, 0, 255).astype(np.uint8))
    return ink


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_page(tmp_path / "2009", "H10", (40, 60))
    write_page(tmp_path / "2009", "H2", (90, 30), colour=False)
    write_page(tmp_path / "2010", "H1", (50, 50))
    return tmp_path


def page(height: int = 40, width: int = 60) -> Page:
    """Make a page whose red channel counts its rows and whose green channel counts its columns."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([y, x, np.zeros_like(x)]).astype(np.uint8)
    ids = np.full((height, width), 2, np.uint8)
    ids[:, width // 2] = 1
    return Page(torch.from_numpy(image), torch.from_numpy(ids))


def test_pages_are_found_with_their_truths_in_natural_order(folder: Path) -> None:
    found = find_pages(folder, "*/*_source.png", "*/*_target.png")
    assert list(found) == ["2009/H2_source.png", "2009/H10_source.png", "2010/H1_source.png"]
    assert found["2009/H2_source.png"][1] == folder / "2009" / "H2_target.png"
    assert [name for name in found if matches(name, ["2010/*", "*/H2_*"])] == [
        "2009/H2_source.png",
        "2010/H1_source.png",
    ]


def test_pages_that_are_not_there(folder: Path) -> None:
    with pytest.raises(PagesError, match="there is no page"):
        find_pages(folder, "*/*.jpg", "*/*.png")
    with pytest.raises(PagesError, match="number of their stars"):
        find_pages(folder, "*/*_source.png", "*_target.png")
    (folder / "2010" / "H1_target.png").unlink()
    with pytest.raises(PagesError, match=r"H1_target\.png is missing"):
        find_pages(folder, "*/*_source.png", "*/*_target.png")


def test_a_page_is_read_in_colour_or_grey(folder: Path) -> None:
    paths = folder / "2009" / "H10_source.png", folder / "2009" / "H10_target.png"
    read = read_page(*paths, {0: 1, 255: 2}, 3)
    assert read.image.shape == (3, 40, 60)
    assert read.image[:, 0, 0].tolist() == [200, 200, 100]
    assert read.ids[4:-4, 30:33].eq(1).all()
    assert int((read.ids == 1).sum()) == 32 * 3
    assert int((read.ids == 2).sum()) == 40 * 60 - 32 * 3
    assert read_page(*paths, {0: 1}, 1).image[0, 0, 0] == round(200 * (0.299 + 0.587) + 100 * 0.114)


def test_a_truth_of_another_size(folder: Path) -> None:
    iio.imwrite(folder / "2010" / "H1_target.png", np.zeros((50, 51), np.uint8))
    with pytest.raises(PagesError, match=r"\(50, 51\)"):
        read_page(folder / "2010" / "H1_source.png", folder / "2010" / "H1_target.png", {0: 1}, 3)


def test_an_unchanged_patch_is_cut_from_the_page() -> None:
    images, ids = PageSampler([page()], 16, NOTHING, seed=3).draw(8)
    assert images.shape == (8, 3, 16, 16)
    assert ids.shape == (8, 16, 16)
    values = images * 255
    # The centre lies between pixels, so values are interpolated; they rise by one a pixel all the same.
    torch.testing.assert_close(values[:, 0].diff(dim=1), torch.ones(8, 15, 16), atol=1e-3, rtol=0)
    torch.testing.assert_close(values[:, 1].diff(dim=2), torch.ones(8, 16, 15), atol=1e-3, rtol=0)
    assert ((ids == 1) == ((values[:, 1] - 30).abs() < 0.5)).float().mean() > 0.99


def test_small_pages_are_mirrored_and_same_seed_gives_same_batches() -> None:
    def sampler() -> PageSampler:
        return PageSampler([page(12, 20), page(40, 50)], 32, PageAugmentSettings(), seed=5)

    first, second = sampler().draw(6), sampler().draw(6)
    assert first[0].shape == (6, 3, 32, 32)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert set(first[1].unique().tolist()) <= {1, 2}
    assert first[0].min() >= 0
    assert first[0].max() <= 1


def test_pages_without_ink() -> None:
    blank = Page(torch.zeros(1, 8, 8, dtype=torch.uint8), torch.full((8, 8), 2, dtype=torch.uint8))
    with pytest.raises(PagesError, match="no ink"):
        PageSampler([blank], 8, NOTHING)


def white_and_inked() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """White paper without ink, and pages with black ink on their left."""
    x = torch.full((8, 3, 32, 32), 0.9)
    ids = torch.full((8, 32, 32), 2)
    back, back_ids = x.clone(), ids.clone()
    back[..., 4:8] = 0.1
    back_ids[..., 4:8] = 1
    return x, ids, back, back_ids


def test_bleed_through_is_mirrored_and_is_no_ink() -> None:
    x, ids, back, back_ids = white_and_inked()
    settings = NOTHING.model_copy(update={"bleed_through": 1.0})
    aged, aged_ids = degrade_pages(x, ids, back, back_ids, settings, generator())
    assert torch.equal(aged_ids, ids)
    darker = (x - aged).mean((1, 2))
    assert (darker[:, 24:28].mean(1) > 0.02).all()
    assert darker[:, :12].abs().max() < 1e-3


def test_faded_ink_is_lighter_and_paper_stays() -> None:
    _, _, x, ids = white_and_inked()
    aged, _ = degrade_pages(x, ids, x, ids, NOTHING.model_copy(update={"fading": 1.0}), generator())
    assert ((aged - x)[..., 4:8].mean((1, 2, 3)) > 0.005).all()
    torch.testing.assert_close(aged[..., 12:], x[..., 12:])
    assert aged.max() <= 0.9 + 1e-5


@pytest.mark.parametrize("name", ["stains", "light", "texture"])
def test_degradations_change_the_paper_only_where_asked(name: str) -> None:
    x, ids, back, back_ids = white_and_inked()
    aged, aged_ids = degrade_pages(x, ids, back, back_ids, NOTHING, generator())
    assert torch.equal(aged, x)
    aged, aged_ids = degrade_pages(x, ids, back, back_ids, NOTHING.model_copy(update={name: 1.0}), generator())
    assert (aged - x).abs().max() > 0.02
    assert torch.equal(aged_ids, ids)


def test_beyond_the_edge_all_is_dark_and_paper() -> None:
    _, _, x, ids = white_and_inked()
    settings = NOTHING.model_copy(update={"borders": 1.0})
    aged, aged_ids = degrade_pages(x.expand(8, -1, -1, -1), ids, x, ids, settings, generator())
    dark = (aged < x - 1e-6).all(1)
    assert 0 < dark.float().mean() < 0.4
    assert aged_ids[dark].eq(2).all()
    assert torch.equal(aged_ids[~dark], ids[~dark])


def test_values_change_only_where_asked_and_stay_in_range() -> None:
    x = torch.rand(4, 3, 16, 16, generator=generator())
    torch.testing.assert_close(vary_values(x, NOTHING, generator()), x)
    grey = vary_values(x, NOTHING.model_copy(update={"grey": 1.0}), generator())
    torch.testing.assert_close(grey[:, 0], grey[:, 2])
    torch.testing.assert_close(grey[:, 0], 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2])
    wild = vary_values(x, PageAugmentSettings(contrast=1, brightness=1, gamma=1, noise=1), generator())
    assert 0 <= wild.min() < wild.max() <= 1
    assert vary_values(x[:, :1], PageAugmentSettings(), generator()).shape == (4, 1, 16, 16)


class Darkness(Network):
    """Ink where red is below a half: right on the pages that are drawn here."""

    name = "darkness"

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return 20 * (0.5 - x[:, :1])

    def input_span(self, first: int, last: int) -> tuple[int, int]:
        return first, last


def test_held_out_pages_of_any_size_are_scored(folder: Path) -> None:
    darkness = Darkness(3, 1).eval()
    card = card_of(darkness, network_config={"in_channels": 3}, normalisation=Normalisation(method="range"), halo=0)
    found = find_pages(folder, "*/*_source.png", "*/*_target.png")
    pages = [read_page(*paths, {0: 1, 255: 2}, 3) for paths in found.values()]
    assert HeldOutPages(card, pages, "cpu")(darkness) == {
        "f_measure": 100.0,
        "psnr": float("inf"),
        "drd": 0.0,
    }
    flipped = [Page(page.image, 3 - page.ids) for page in pages]
    assert HeldOutPages(card, flipped, "cpu")(darkness)["f_measure"] == 0.0
