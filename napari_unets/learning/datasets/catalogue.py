"""The datasets that the recipes are made for: terms, sources, layouts."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from napari_unets.errors import NapariUnetsError

__all__ = ["DATASETS", "Dataset", "DatasetError", "RemoteFile", "dataset"]


class DatasetError(NapariUnetsError):
    """A dataset that is not known, cannot be downloaded, or is not laid out as it is published."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a dataset.

    Attributes
    ----------
    url : str
        Where it is.
    name : str
        What it is called on disk.
    checksum : str or None
        ``sha256:…`` or ``md5:…`` where one is published; None where none is, and what comes is taken as it is.
    unpack : bool
        Whether it is a zip or tar archive, to be unpacked beside it.
    """

    url: str
    name: str
    checksum: str | None = None
    unpack: bool = False


@dataclass(frozen=True)
class Dataset:
    """What is to be known about a dataset before it is used.

    Attributes
    ----------
    name, title : str
        For programs, and for people.
    terms : str
        What its owners allow, in a sentence.
    page : str
        Where they say so.
    citation : str
        What they want to be cited.
    layout : str
        How it lies on disk as recipes expect it, under the folder that ``--data`` names.
    recipes : tuple of str
        Recipes in ``training/`` that learn from it.
    files : tuple of RemoteFile
        What can be downloaded without asking anybody; empty where the owners want to be asked, or an archive cannot
        be opened without foreign programs.
    how : str
        How to get it where there are no files.
    """

    name: str
    title: str
    terms: str
    page: str
    citation: str
    layout: str
    recipes: tuple[str, ...]
    files: tuple[RemoteFile, ...] = ()
    how: str = ""


DATASETS = (
    Dataset(
        name="isbi-2012",
        title="ISBI 2012 EM segmentation challenge",
        terms="Free for research; cite both papers in what you publish",
        page="https://imagej.net/events/isbi-2012-segmentation-challenge",
        citation="Arganda-Carreras et al., Front. Neuroanat. 9:142 (2015); Cardona et al., PLoS Biology 8(10) (2010)",
        layout="isbi.h5 (raw, labels/membranes), or train-volume.tif and train-labels.tif of the challenge, "
        "or folders image/ and label/ of sections",
        recipes=("isbi-2012", "unet-2015"),
        files=(
            RemoteFile(
                "https://oc.embl.de/index.php/s/h0TkwqxU0PJDdMd/download",
                "isbi.h5",
                "sha256:0e10fe909a1243084d91773470856993b7d40126a12e85f0f1345a7a9e512f29",
            ),
        ),
    ),
    Dataset(
        name="piriform-cortex",
        title="Mouse piriform cortex EM",
        terms="Published with the paper; no licence is stated, so ask its authors before you use it otherwise",
        page="https://arxiv.org/abs/1508.04843",
        citation="Lee, Zlateski, Vishwanathan, Seung, Recursive training of 2D-3D convolutional networks (2015)",
        layout="stack2-image.tif, stack2-label.tif, stack3-image.tif, stack3-label.tif (or .h5)",
        recipes=("piriform-cortex",),
        how="the paper's page names the authors' download; there is no lasting address of the files",
    ),
    Dataset(
        name="kitti-road",
        title="KITTI road benchmark",
        terms="Creative Commons Attribution-NonCommercial-ShareAlike 3.0",
        page="https://www.cvlibs.net/datasets/kitti/eval_road.php",
        citation="Fritsch, Kühnl, Geiger, A new performance measure … for road detection algorithms, ITSC 2013",
        layout="training/image_2/um_000000.png … and training/gt_image_2/um_road_000000.png … (road in magenta, "
        "the rest in red, what is not judged in black)",
        recipes=("kitti-road",),
        how='the benchmark\'s page sends the link ("base kit", data_road.zip) to those who register; unpack it',
    ),
    Dataset(
        name="dibco",
        title="DIBCO and H-DIBCO document binarisation contests, 2009 to 2016",
        terms="The contests' organisers give them for research",
        page="https://vc.ee.duth.gr/dibco2019/",
        citation="Pratikakis, Gatos, Ntirogiannis and others, the (H-)DIBCO contests (2009 to 2016)",
        layout="YEAR/NAME_source.png and YEAR/NAME_target.png (0 = ink); `datasets arrange dibco` makes it of the "
        "contests' unpacked archives, a folder a year",
        recipes=("document-ink", "document-unet"),
        how="each contest's page has RAR archives, which need a program of their own (unrar, 7-Zip); unpack each year "
        "into a folder of its name",
    ),
    Dataset(
        name="bsds500",
        title="Berkeley segmentation data set 500: photographs",
        terms="For non-commercial research and education",
        page="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        citation="Arbeláez, Maire, Fowlkes, Malik, Contour detection …, IEEE TPAMI 33(5) (2011)",
        layout="photographs in any folders",
        recipes=("module-otsu", "module-canny", "module-erosion", "module-dilation", "module-histogram-equalisation"),
        files=(
            RemoteFile(
                "https://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
                "BSR_bsds500.tgz",
                "md5:0b17383ff0b21fe43d2f28e624203169",
                unpack=True,
            ),
        ),
    ),
)


def dataset(name: str) -> Dataset:
    """Look a dataset up.

    Raises
    ------
    DatasetError
        If there is none of that name; the message lists those that there are.
    """
    by_name = {one.name: one for one in DATASETS}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DatasetError(f"there is no dataset {name!r}; the datasets are {', '.join(by_name)}.{hint}")
