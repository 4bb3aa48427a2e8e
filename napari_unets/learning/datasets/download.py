"""Download datasets that are free to download."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from napari_unets.learning.datasets.catalogue import Dataset, DatasetError, RemoteFile

__all__ = ["download"]


def download(data: Dataset, folder: Path, *, on_file: Callable[[str], None] | None = None) -> Path:
    """Download a dataset's files, check them, and unpack archives.

    What is there already, with the right checksum, is not downloaded again.

    Parameters
    ----------
    data : Dataset
        Which; its terms are the caller's to tell.
    folder : Path
        Where to; made if need be.
    on_file : callable, optional
        Given the name of each file before it is downloaded.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        If it cannot be downloaded by a program, if the network or the checksum fails, or if pooch is not installed.
    """
    if not data.files:
        raise DatasetError(f"{data.name} cannot be downloaded from here: {data.how}. Its page: {data.page}")
    for file in data.files:
        if on_file is not None:
            on_file(file.name)
        path = _retrieve(file, folder)
        if file.unpack:
            _unpack(path, folder)
    return folder


def _retrieve(file: RemoteFile, folder: Path) -> Path:
    try:
        import pooch
    except ImportError:
        raise DatasetError('downloading needs pooch: pip install "napari-unets[datasets]"') from None
    folder.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(file.url, known_hash=file.checksum, fname=file.name, path=folder))
    except ValueError as error:  # pooch's word for a checksum that differs
        raise DatasetError(f"{file.url}: what came is not what it should be: {error}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ("requests", "urllib3") or isinstance(error, OSError):
            raise DatasetError(f"{file.url}: it could not be downloaded: {error}") from error
        raise


def _unpack(path: Path, folder: Path) -> None:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)  # noqa: S202 - zipfile leaves .. and absolute paths out
        else:
            with tarfile.open(path) as archive:
                _check_members(archive, path, folder)
                # The filter came with Python 3.11.4, and Debian 12 has an older one; without, the check must do.
                if hasattr(tarfile, "data_filter"):
                    archive.extractall(folder, filter="data")
                else:
                    archive.extractall(folder)  # noqa: S202 - checked above
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: this archive cannot be unpacked: {error}") from error


def _check_members(archive: tarfile.TarFile, path: Path, folder: Path) -> None:
    """Refuse what would lie outside the folder, and whatever is neither file nor folder, such as links and devices."""
    place = folder.resolve()
    for member in archive:
        if not (member.isfile() or member.isdir()) or not (place / member.name).resolve().is_relative_to(place):
            raise DatasetError(f"{path}: this archive cannot be unpacked: {member.name} is no file or folder inside it")
