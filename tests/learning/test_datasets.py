"""Datasets: the layouts in which they are published, downloads (of files that the test serves), the catalogue."""

from __future__ import annotations

import functools
import hashlib
import http.server
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from napari_unets.images import open_stack
from napari_unets.learning.datasets import DATASETS, Dataset, DatasetError, RemoteFile, dataset, download, find_stacks
from napari_unets.learning.datasets.documents import arrange_dibco
from napari_unets.learning.recipe import read_recipe
from napari_unets.learning.stack_source import stack_source

TRAINING = Path(__file__).parents[2] / "training"
IMAGES = (np.arange(5 * 32 * 32) % 251).astype(np.uint8).reshape(5, 32, 32)
LABELS = np.where(IMAGES < 60, 0, 255).astype(np.uint8)


def isbi_challenge(folder: Path) -> None:
    tifffile.imwrite(folder / "train-volume.tif", IMAGES, photometric="minisblack")
    tifffile.imwrite(folder / "train-labels.tif", LABELS, photometric="minisblack")
    tifffile.imwrite(folder / "test-volume.tif", IMAGES[:2], photometric="minisblack")


def isbi_hdf5(folder: Path) -> None:
    with h5py.File(folder / "isbi.h5", "w") as file:
        file["raw"] = IMAGES
        file["labels/membranes"] = LABELS
        file["labels/gt_segmentation"] = (LABELS // 255).astype(np.uint64) * 7


def isbi_sections(folder: Path) -> None:
    for name, stack in (("image", IMAGES), ("label", LABELS)):
        (folder / name).mkdir()
        for i, plane in enumerate(stack, start=1):
            iio.imwrite(folder / name / f"{i:02d}.png", plane)


@pytest.mark.parametrize("make", [isbi_challenge, isbi_hdf5, isbi_sections])
def test_isbi_2012_as_it_is_published(make, tmp_path: Path) -> None:
    make(tmp_path)
    recipe = read_recipe(TRAINING / "isbi-2012.toml")
    settings = recipe.fit.model_copy(update={"patch": 16})
    card = recipe.model_card(recipe.create_network())
    source = stack_source(recipe, recipe.data, tmp_path, card, settings, "cpu", smoke=False)
    membrane = int((LABELS[:4] == 0).sum())
    assert source.annotated_pixels == {"membrane": membrane, "cell": 4 * 32 * 32 - membrane}
    images, ids = source.sampler.draw(2)
    assert (images.shape, ids.shape) == ((2, 1, 16, 16), (2, 16, 16))


@pytest.mark.parametrize("end", ["tif", "h5"])
def test_piriform_cortex_as_it_is_published(end: str, tmp_path: Path) -> None:
    for n in (1, 2, 3):
        for what, stack in (("image", IMAGES), ("label", LABELS)):
            path = tmp_path / f"stack{n}-{what}.{end}"
            if end == "tif":
                tifffile.imwrite(path, stack, photometric="minisblack")
            else:
                with h5py.File(path, "w") as file:
                    file["main"] = stack
    pairs = find_stacks("piriform-cortex", tmp_path)
    assert [pair.images.stem for pair in pairs] == ["stack2-image", "stack3-image"]
    for pair in pairs:
        with open_stack(pair.labels) as labels:
            np.testing.assert_array_equal(np.asarray(labels), LABELS)


def test_a_folder_that_is_something_else(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"this is not isbi-2012; .*train-volume\.tif.* datasets show isbi-2012"):
        find_stacks("isbi-2012", tmp_path)


# Names as in the archives of 2009, 2010, 2011, 2013, 2014 and 2016.
DIBCO = {
    "2009": [("DIBC02009_Test_images-handwritten/H01.bmp", "DIBCO2009-GT-Test-images_handwritten_bmp/H01.bmp")],
    "2010": [("H_DIBCO2010_test_images/H01.tif", "H_DIBCO2010_GT/H01.tif")],
    "DIBCO2011": [("HW1.png", "HW1_GT.tiff"), ("PR1.png", "PR1_GT.tiff")],
    "2013": [
        ("OriginalImages/HW01.bmp", "GTimages/HW01_estGT.tiff"),
        ("OriginalImages/PR02.bmp", "GTimages/PR02.tiff"),
    ],
    "2014": [("H01.png", "H01_estGT.tiff")],
    "2016": [("DIPCO2016_dataset/1.bmp", "DIPCO2016_Dataset_GT/1_gt.bmp")],
}


def test_dibco_as_it_is_published(tmp_path: Path) -> None:
    page = np.full((8, 9, 3), 200, np.uint8)
    page[2:4] = 20
    truth = np.where(page[..., 0] < 100, 0, 255).astype(np.uint8)
    for year, pairs in DIBCO.items():
        for source, target in pairs:
            for name, image in ((source, page), (target, truth)):
                path = tmp_path / "contests" / year / name
                path.parent.mkdir(parents=True, exist_ok=True)
                iio.imwrite(path, image)
    (tmp_path / "contests" / "2014" / "H02.png").write_bytes(b"a page whose truth is missing")
    written = arrange_dibco(tmp_path / "contests", tmp_path / "dibco")
    names = [path.relative_to(tmp_path / "dibco").as_posix() for path in written]
    assert names == [
        "2009/H01_source.png",
        "2010/H01_source.png",
        "2011/HW1_source.png",
        "2011/PR1_source.png",
        "2013/HW01_source.png",
        "2013/PR02_source.png",
        "2014/H01_source.png",
        "2016/1_source.png",
    ]
    for path in written:
        np.testing.assert_array_equal(iio.imread(path), page)
        np.testing.assert_array_equal(iio.imread(path.with_name(path.name.replace("source", "target"))), truth)
    assert arrange_dibco(tmp_path / "contests", tmp_path / "dibco") == written  # once more changes nothing


def test_dibco_that_cannot_be_arranged(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder of a year"):
        arrange_dibco(tmp_path, tmp_path / "out")
    (tmp_path / "2010").mkdir()
    iio.imwrite(tmp_path / "2010" / "H01_GT.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DatasetError, match="one page H01 for this truth; found: none"):
        arrange_dibco(tmp_path, tmp_path / "out")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Yield a folder, and the address under which its files are."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def remote(*files: RemoteFile, how: str = "") -> Dataset:
    return Dataset("a", "A", "none", "https://example.org", "nobody", "as it is", (), files, how)


def sha256(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(params=["this Python", "Python 3.11.2"])
def tar(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives as Debian 12's Python unpacks them, which has no filters, and as ours does."""
    if request.param == "this Python":
        return
    new = tarfile.TarFile.extractall

    def old(self: tarfile.TarFile, path: str = ".", members: object = None, *, numeric_owner: bool = False) -> None:
        new(self, path, members, numeric_owner=numeric_owner, **{"filter": "fully_trusted"} if filters else {})

    filters = hasattr(tarfile, "data_filter")
    monkeypatch.setattr(tarfile.TarFile, "extractall", old)
    monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.mark.usefixtures("tar")
def test_files_are_downloaded_once_and_unpacked(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    (folder / "photograph.txt").write_text("a photograph")
    with tarfile.open(folder / "a.tgz", "w:gz") as archive:
        archive.add(folder / "photograph.txt", "images/train/1.txt")
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("more/2.txt", "another")
    data = remote(
        RemoteFile(f"{address}/a.tgz", "a.tgz", sha256(folder / "a.tgz"), unpack=True),
        RemoteFile(f"{address}/b.zip", "b.zip", None, unpack=True),
        RemoteFile(f"{address}/photograph.txt", "plain.txt", sha256(folder / "photograph.txt")),
    )
    seen: list[str] = []
    out = download(data, tmp_path / "data", on_file=seen.append)
    assert seen == ["a.tgz", "b.zip", "plain.txt"]
    assert (out / "images/train/1.txt").read_text() == (out / "plain.txt").read_text() == "a photograph"
    assert (out / "more/2.txt").read_text() == "another"
    for path in list(folder.iterdir()):
        path.unlink()
    download(data, tmp_path / "data")  # nothing is asked for again


def test_downloads_that_fail(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    (folder / "a.txt").write_text("changed on the way")
    with pytest.raises(DatasetError, match="not what it should be"):
        download(remote(RemoteFile(f"{address}/a.txt", "a.txt", "sha256:" + "0" * 64)), tmp_path / "data")
    with pytest.raises(DatasetError, match="could not be downloaded: 404"):
        download(remote(RemoteFile(f"{address}/b.txt", "b.txt")), tmp_path / "data")
    with pytest.raises(DatasetError, match="cannot be unpacked"):
        download(remote(RemoteFile(f"{address}/a.txt", "c.txt", unpack=True)), tmp_path / "data")
    with pytest.raises(DatasetError, match=r"cannot be downloaded from here: ask them\. Its page: https"):
        download(remote(how="ask them"), tmp_path / "data")


@pytest.mark.usefixtures("tar")
@pytest.mark.parametrize("evil", ["../../outside.txt", "/tmp/../outside.txt", "link"])
def test_an_archive_cannot_write_outside_its_folder(served: tuple[Path, str], tmp_path: Path, evil: str) -> None:
    folder, address = served
    (folder / "a.txt").write_text("evil")
    with tarfile.open(folder / "a.tgz", "w:gz") as archive:
        archive.add(folder / "a.txt", "good.txt")
        if evil == "link":
            made = tarfile.TarInfo("link")
            made.type, made.linkname = tarfile.SYMTYPE, str(tmp_path)
            archive.addfile(made)
        else:
            made = archive.gettarinfo(folder / "a.txt")
            made.name = evil
            with (folder / "a.txt").open("rb") as file:
                archive.addfile(made, file)
    data = tmp_path / "data" / "deep"
    with pytest.raises(DatasetError, match="cannot be unpacked"):
        download(remote(RemoteFile(f"{address}/a.tgz", "a.tgz", unpack=True)), data)
    assert not (tmp_path / "outside.txt").exists()
    assert not (data / "good.txt").exists()


def test_the_catalogue_tells_terms_and_how_to_get_each() -> None:
    for one in DATASETS:
        assert one.terms
        assert one.citation
        assert one.page.startswith("https://")
        assert bool(one.files) != bool(one.how)
        assert all((TRAINING / f"{name}.toml").exists() for name in one.recipes)
        assert all(file.checksum for file in one.files)
    assert dataset("dibco").name == "dibco"
    with pytest.raises(DatasetError, match="Did you mean 'isbi-2012'"):
        dataset("isbi2012")
