"""What the local worker process runs: a Dask worker on a leash.

It is started as ``python -c <bootstrap>`` (see `process`) and not by `multiprocessing`, as Dask's
`LocalCluster` would: a spawned process imports the parent's main module again, which fails for a
script without a ``__main__`` guard and would start a second napari from some launchers. For the
same reason it knows nothing of napari and Qt, whatever the parent has imported.
"""

from __future__ import annotations

import asyncio
import faulthandler
import importlib
import os
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

__all__ = ["main"]

#: How much "nicer" than the window: Linux then gives it a tenth of a core that both want.
_STEPS_BACK = 10


def main(settings: dict[str, Any]) -> None:
    """Serve as a Dask worker until the parent process lets go of our standard input.

    Parameters
    ----------
    settings : dict
        ``scheduler`` (address), ``name`` (of the worker), ``folder`` (for Dask's files), ``remove``
        (folders to remove should the parent die), ``preload`` (modules to import once ready),
        ``tasks`` (how many at once) and ``gives_way`` (whether to run at a lower priority).
    """
    faulthandler.enable()
    for watch in (_hold_leash, _watch_parent):
        threading.Thread(target=watch, args=(settings["remove"],), name=watch.__name__, daemon=True).start()
    _offer_to_oom_killer()
    if settings["gives_way"]:
        _give_way()
    asyncio.run(_serve(settings))


async def _serve(settings: dict[str, Any]) -> None:
    from distributed import Worker  # here: the leash is to be held before these slow imports

    import napari_unets.jobs.worker.running  # noqa: F401 - what every job needs
    from napari_unets.jobs.worker.own_scheduler import OPEN

    worker = await Worker(
        settings["scheduler"],
        name=settings["name"],
        nthreads=settings["tasks"],
        host="127.0.0.1",
        memory_limit=0,  # no limit: Dask would pause or kill the worker at a fraction of the memory
        local_directory=settings["folder"],
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        security=OPEN,
    )
    threading.Thread(target=_preload, args=(settings["preload"],), name="preload", daemon=True).start()
    await worker.finished()


def _hold_leash(remove: list[str]) -> None:
    """End this process at once when the parent says so, or its end of the pipe closes because it died."""
    word = b""
    with suppress(OSError):
        word = os.read(0, 1)  # not sys.stdin: its lock, held by this thread, would spoil a normal exit
    _vanish([] if word else remove)


def _watch_parent(remove: list[str]) -> None:
    """Do the same when the parent has died but a process that it forked still holds the pipe."""
    parent = os.getppid()
    while sys.platform != "win32" and os.getppid() == parent:
        time.sleep(2)
    if sys.platform != "win32":
        _vanish(remove)


def _vanish(remove: list[str]) -> None:
    for folder in remove:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _offer_to_oom_killer() -> None:
    """When memory runs out, Linux is to end this process and not napari with the user's work."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _give_way() -> None:
    """Compute with what the window and the user's other programs leave; alone, that is everything."""
    with suppress(psutil.Error):
        process = psutil.Process()
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(min(19, process.nice() + _STEPS_BACK))


def _preload(modules: list[str]) -> None:
    """Import what the first job will need while the user still looks at the window."""
    for name in modules:
        importlib.import_module(name)
