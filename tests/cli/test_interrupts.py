"""Ctrl-C and SIGTERM, also where Python drops what is raised."""

from __future__ import annotations

import gc
import signal
import time

import pytest


@pytest.fixture
def _as_in_a_terminal():
    """What a shell starts in the background ignores Ctrl-C, these tests among it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_as_in_a_terminal")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_arrives_in_the_garbage_collector_is_not_lost(program, monkeypatch, number, code):
    def send_once(_phase, _info):
        gc.callbacks.remove(send_once)
        signal.raise_signal(number)

    def work():
        gc.callbacks.append(send_once)
        gc.collect()
        for _ in range(1000):  # is interrupted
            time.sleep(0.02)
        raise AssertionError("the signal was lost")

    monkeypatch.setattr("napari_unets.cli.machine.describe_machine", work)
    assert program("doctor").code == code


def test_what_else_python_drops_is_told_as_ever(program, monkeypatch):
    told = []
    monkeypatch.setattr("sys.unraisablehook", told.append)

    def fail_once(_phase, _info):
        gc.callbacks.remove(fail_once)
        raise ZeroDivisionError

    def work():
        gc.callbacks.append(fail_once)
        gc.collect()
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_unets.cli.machine.describe_machine", work)
    assert program("doctor").code == 130
    # Beside it there may be what garbage of other tests raises as it goes.
    assert ZeroDivisionError in [type(dropped.exc_value) for dropped in told]
