"""Images at addresses: a server on this machine, and fsspec's memory."""

from __future__ import annotations

import functools
import http.server
import pickle
import sys
import threading

import numpy as np
import pytest

from napari_unets.images import (
    MissingExtraError,
    UnreadableImageError,
    UnsupportedImageError,
    open_stack,
    remote,
    save_stack,
)

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

ARRAY = np.random.default_rng(0).integers(0, 255, (3, 60, 70), dtype=np.uint8)


class _Handler(http.server.SimpleHTTPRequestHandler):
    failures = 0

    def do_GET(self):
        if self.server.failures > 0:
            self.server.failures -= 1
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder with an OME-Zarr, served by HTTP; ``failures`` is how many answers will be 'busy'."""
    monkeypatch.setattr(remote, "PAUSES", (0.01, 0.01))
    save_stack(tmp_path / "in.ome.zarr", ARRAY, voxel_size_nm=(50, 4, 4))
    handler = functools.partial(_Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.failures = 0
        running.address = f"http://127.0.0.1:{running.server_address[1]}/in.ome.zarr"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_http(server):
    with open_stack(server.address) as stack:
        assert (stack.name, stack.path, stack.voxel_size_nm) == ("in", None, (50, 4, 4))
        np.testing.assert_array_equal(stack, ARRAY)
        again = pickle.loads(pickle.dumps(stack))
        np.testing.assert_array_equal(again.plane(1, (slice(5, 9), slice(7, 20))), ARRAY[1, 5:9, 7:20])


def test_a_busy_server_is_asked_again(server):
    stack = open_stack(server.address)
    server.failures = 2
    np.testing.assert_array_equal(stack.plane(0), ARRAY[0])
    server.failures = 100
    with pytest.raises(UnreadableImageError, match=r"in\.ome\.zarr: cannot be read \(503"):
        stack.plane(1)


def test_a_server_that_has_gone(server):
    stack = open_stack(server.address)
    server.shutdown()
    server.server_close()
    with pytest.raises(UnreadableImageError, match="see whether the address is right"):
        stack.plane(1)


def test_addresses_without_an_image(server):
    with pytest.raises(UnreadableImageError, match="no Zarr array or group"):
        open_stack(f"{server.address}x")
    with pytest.raises(UnreadableImageError, match="no address that fsspec understands"):
        open_stack("nowhere://in.ome.zarr")
    with pytest.raises(UnsupportedImageError, match="no pages"):
        open_stack(server.address, pages="1")


def test_memory(tmp_path):
    import fsspec

    path = save_stack(tmp_path / "in.ome.zarr", ARRAY)
    memory = fsspec.filesystem("memory")
    for file in path.rglob("*"):
        if file.is_file():
            memory.pipe_file(f"/in.ome.zarr/{file.relative_to(path).as_posix()}", file.read_bytes())
    np.testing.assert_array_equal(open_stack("memory://in.ome.zarr"), ARRAY)
    memory.rm("/in.ome.zarr", recursive=True)


def test_addresses_of_files_are_paths(tmp_path):
    path = save_stack(tmp_path / "a b.tif", ARRAY)
    stack = open_stack(path.as_uri())
    assert stack.path == path
    np.testing.assert_array_equal(stack, ARRAY)


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match="s3fs"):
        open_stack("s3://bucket/in.ome.zarr")
