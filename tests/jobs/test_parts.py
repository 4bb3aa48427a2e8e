"""The parts of the jobs folder that need no worker process."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from jobs.functions import OddError

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs import Inbox
from napari_unets.jobs.errors import JobCrashedError
from napari_unets.jobs.worker.kept import Kept
from napari_unets.jobs.worker.outbox import Outbox
from napari_unets.jobs.worker.packets import decode, decode_error, encode, encode_error
from napari_unets.jobs.worker.quiet import hush, unhush
from napari_unets.jobs.worker.turns import Turns

PATIENCE = 60.0


class TestPackets:
    def test_arrays_lie_beside_the_header(self) -> None:
        array = np.arange(10_000.0)
        packet = encode("event", {"a": array, "b": "text"})
        array[:] = 0
        assert len(packet.header) < 1000
        assert packet.nbytes == len(packet.header) + 80_000
        value = decode(packet)
        np.testing.assert_array_equal(value["a"], np.arange(10_000.0))
        assert value["b"] == "text"

    def test_error_keeps_class_message_and_attributes(self) -> None:
        error = decode_error(encode_error(OddError(Path("x.tif"), reason="truncated")))
        assert type(error) is OddError
        assert str(error) == "x.tif is bad: truncated"
        assert error.file == Path("x.tif")

    def test_error_with_an_attribute_that_cannot_travel_keeps_its_message(self) -> None:
        sent = OddError(Path("x.tif"), reason="truncated")
        sent.lock = threading.Lock()
        error = decode_error(encode_error(sent))
        assert type(error) is NapariUnetsError
        assert str(error) == "x.tif is bad: truncated"

    def test_bug_keeps_its_traceback(self) -> None:
        try:
            [][1]
        except IndexError as bug:
            error = decode_error(encode_error(bug))
        assert isinstance(error, JobCrashedError)
        assert error.summary == "IndexError: list index out of range"
        assert "[][1]" in str(error)


class TestOutbox:
    def test_put_waits_for_room(self) -> None:
        packets = [encode("event", np.zeros(1000, np.uint8)) for _ in range(5)]

        async def main() -> list[int]:
            outbox = Outbox(asyncio.get_running_loop(), lambda: False, capacity=2500)
            producer = threading.Thread(target=lambda: [outbox.put(p) for p in packets], daemon=True)
            producer.start()
            counts = []
            while sum(counts) < 5:
                counts.append(len(await outbox.take(10**9, PATIENCE)))
            producer.join(PATIENCE)
            return counts

        counts = asyncio.run(main())
        assert sum(counts) == 5
        assert max(counts) <= 2

    @pytest.mark.parametrize("how", ["stop", "given up"])
    def test_waiting_put_is_woken(self, how: str) -> None:
        gone = threading.Event()
        packet = encode("event", np.zeros(1000, np.uint8))

        async def main() -> bool:
            outbox = Outbox(asyncio.get_running_loop(), gone.is_set, capacity=1)
            outbox.put(packet)
            producer = threading.Thread(target=outbox.put, args=(packet,), daemon=True)
            producer.start()
            if how == "stop":
                outbox.request_stop()
            else:
                gone.set()
            await asyncio.to_thread(producer.join, PATIENCE)
            return producer.is_alive() or not outbox.stop_requested()

        assert not asyncio.run(main())

    def test_job_begins_when_somebody_takes(self) -> None:
        async def main() -> tuple[bool, bool]:
            loop = asyncio.get_running_loop()
            taken, gone = Outbox(loop, lambda: False), Outbox(loop, lambda: True)
            waiting = asyncio.ensure_future(asyncio.to_thread(taken.wait_until_wanted))
            await taken.take(1, 0.01)
            return await waiting, gone.wait_until_wanted()

        assert asyncio.run(main()) == (True, False)

    def test_take_gives_at_most_what_was_asked_for_but_something(self) -> None:
        packet = encode("event", np.zeros(1000, np.uint8))

        async def main() -> list[int]:
            outbox = Outbox(asyncio.get_running_loop(), lambda: False)
            for _ in range(5):
                outbox.put(packet)
            return [len(await outbox.take(n * packet.nbytes, 0.01)) for n in (0, 3, 1, 1)]

        assert asyncio.run(main()) == [1, 3, 1, 0]


class TestInbox:
    def test_keeps_order_and_notifies_once(self) -> None:
        calls = []
        inbox = Inbox[int](lambda: calls.append(1))
        for i in range(3):
            inbox.put(i)
        assert calls == [1]
        assert inbox.take_all() == [0, 1, 2]
        assert inbox.take_all() == []
        inbox.put(3)
        assert calls == [1, 1]

    def test_full_box_holds_the_writer_until_it_is_read_or_closed(self) -> None:
        inbox = Inbox[int](capacity=2)
        writer = threading.Thread(target=lambda: [inbox.put(i) for i in range(5)], daemon=True)
        writer.start()
        got = []
        end = time.monotonic() + PATIENCE
        while len(got) < 3 and time.monotonic() < end:
            taken = inbox.take_all()
            assert len(taken) <= 2
            got += taken
        assert got == list(range(len(got)))
        inbox.close()
        writer.join(PATIENCE)
        assert not writer.is_alive()


class _Thing:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class TestKept:
    def test_lends_the_same_again(self) -> None:
        kept = Kept()
        with kept.borrow("a", _Thing) as first:
            assert kept.key is None
        assert kept.key == "a"
        with kept.borrow("a", _Thing) as second:
            assert second is first
        with kept.borrow("b", _Thing) as other:
            assert first.closed
            assert not other.closed

    def test_closes_what_failed_and_keeps_what_was_stopped(self) -> None:
        kept = Kept()

        def job():
            with kept.borrow("a", _Thing) as thing:
                yield thing

        stopped = job()
        thing = next(stopped)
        stopped.close()
        assert kept.key == "a"
        failing = job()
        assert next(failing) is thing
        with pytest.raises(ValueError, match="bad"):
            failing.throw(ValueError("bad"))
        assert thing.closed
        assert kept.key is None

    def test_two_jobs_at_once_have_their_own(self) -> None:
        kept = Kept()
        with kept.borrow("a", _Thing) as first, kept.borrow("a", _Thing) as second:
            assert first is not second
        assert not first.closed
        assert second.closed  # the one that was given back first makes room for the other

    def test_is_released_once_no_job_runs(self) -> None:
        kept = Kept()
        kept.hold()
        kept.hold()
        with kept.borrow("a", _Thing) as thing:
            pass
        kept.release_after(0.0)
        assert kept._timer is None
        kept.release_after(0.0)
        kept._timer.join(PATIENCE)
        assert thing.closed


def test_turns_are_taken_in_order() -> None:
    turns = Turns()
    places = [turns.draw() for _ in range(3)]
    done = []

    def go(place: int) -> None:
        if turns.wait(place, lambda: False):
            done.append(place)
        turns.leave(place)

    threads = [threading.Thread(target=go, args=(place,), daemon=True) for place in reversed(places)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert done == places


def test_who_waits_for_long_is_told_what_for_and_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_unets.jobs.worker.turns._MOMENT_S", 0.0)
    turns = Turns()
    first, second = turns.draw("segment"), turns.draw("tune")
    told: list[str] = []

    def hear(name: str) -> None:
        told.append(name)
        if name:
            turns.leave(first)

    assert turns.wait(first, lambda: False, told.append)
    assert turns.wait(second, lambda: False, hear)
    assert told == ["segment", ""], "and that it is over"


def test_a_remark_that_cannot_be_put_into_words_is_hushed_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "napari_unets.jobs")
    hush(threading.get_ident())
    try:
        logging.getLogger("distributed.scheduler").error("lost some keys", {"a": 1}, 2)
    finally:
        unhush(threading.get_ident())
    assert caplog.messages == ["distributed.scheduler: lost some keys"]


def test_only_one_thread_is_hushed(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("distributed.scheduler")
    hush(threading.get_ident())
    logger.warning("ours")
    other = threading.Thread(target=lambda: logger.warning("theirs"))
    other.start()
    other.join()
    unhush(threading.get_ident())
    logger.warning("after")
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == ["theirs", "after"]
