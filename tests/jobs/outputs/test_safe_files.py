"""Files that are there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from napari_unets.jobs.outputs.safe_files import write_safely


@pytest.mark.skipif(os.name == "nt", reason="Windows puts folders on the disk by itself")
@pytest.mark.parametrize(("code", "told"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_file_systems_that_cannot_flush_folders(tmp_path, monkeypatch, code, told):
    """Such as those of shared folders."""
    real = os.fsync

    def fsync(number):
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise OSError(code, os.strerror(code))
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    if told:
        with pytest.raises(OSError, match=os.strerror(code)):
            write_safely(tmp_path / "a" / "b", b"content", tmp_path / "scratch")
    else:
        write_safely(tmp_path / "a" / "b", b"content", tmp_path / "scratch")
    assert (tmp_path / "a" / "b").read_bytes() == b"content"
