"""Files on which arrays lie while two processes of one machine both use them."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path

from napari_unets.jobs.errors import HandOverError

__all__ = ["Exchange"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux' file system in memory; the folder in it gets a random name


class Exchange:
    """Temporary folders that live as long as the worker: in memory where there is room, else on disk.

    Plain files are used instead of `multiprocessing.shared_memory`: writing one fails with an error
    when there is no room, where writing into a shared memory block ends the whole process with
    SIGBUS (Docker's ``/dev/shm`` has 64 MB); and nothing keeps track of them but us, where Python
    before 3.13 lets the first process that ends remove a block under the others.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="napari-unets-"))
        self._folders = [self.folder]
        if _MEMORY.is_dir():
            with suppress(OSError):  # not writable for us: the disk alone will do
                self._folders.insert(0, Path(tempfile.mkdtemp(prefix="napari-unets-", dir=_MEMORY)))

    @property
    def folders(self) -> list[Path]:
        """Every folder that is to be removed at the end."""
        return list(self._folders)

    def new_file(self, nbytes: int) -> Path:
        """Return the path of a file to be written, where `nbytes` fit.

        Raises
        ------
        HandOverError
            There is no room for it.
        """
        room = {folder: shutil.disk_usage(folder).free for folder in self._folders}
        for folder, free in room.items():
            if nbytes < 0.9 * free:
                return folder / uuid.uuid4().hex
        best = max(room.values())
        raise HandOverError(
            f"The image has {nbytes / 2**30:.1f} GB and would have to be copied for the worker process, but "
            f"{self.folder.parent} has only {best / 2**30:.1f} GB free. Save the image as TIFF or OME-Zarr and open "
            "that file: files are read by the worker itself, without a copy."
        )

    def close(self) -> None:
        """Remove the folders with all that is in them."""
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
