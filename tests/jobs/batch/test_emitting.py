"""Callbacks as a generator."""

from __future__ import annotations

import threading
import time

import pytest

from napari_unets.jobs.batch.emitting import emitted


def test_events_in_order_and_the_result():
    def function(emit, asked_to_end):
        for i in range(200):
            emit(i)
        return "end"

    result = []

    def delegating():
        result.append((yield from emitted(function)))

    assert list(delegating()) == list(range(200))
    assert result == ["end"]


def test_an_error_comes_after_the_events():
    def function(emit, asked_to_end):
        emit(1)
        raise KeyError("x")

    generator = emitted(function)
    assert next(generator) == 1
    with pytest.raises(KeyError):
        next(generator)


def test_closing_ends_the_function_even_while_it_waits_for_room():
    ended = threading.Event()

    def function(emit, asked_to_end):
        while not asked_to_end():
            emit(0)
        ended.set()

    generator = emitted(function)
    next(generator)
    time.sleep(0.05)  # the queue is full now
    generator.close()
    assert ended.is_set()


def test_cancel_is_handed_on():
    def function(emit, asked_to_end):
        while not asked_to_end():
            emit(0)

    seen = []
    for event in emitted(function, lambda: len(seen) > 10):
        seen.append(event)
    assert len(seen) > 10
