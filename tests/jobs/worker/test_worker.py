"""The local worker process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from jobs import functions

from napari_unets.jobs import (
    JobCrashedError,
    SchedulerUnreachableError,
    Worker,
    WorkerClosedError,
    WorkerDiedError,
    WorkerStartError,
)

PATIENCE = 120.0


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


class TestEvents:
    def test_arrive_in_order_before_the_result(self, run) -> None:
        job, ear = run(functions.count, 50)
        assert [i for i, _ in ear.events] == list(range(50))
        assert ear.order == ["event"] * 50 + ["done"]
        assert ear.results == ["50 done"] == [job.result]
        assert job.done
        assert job.state == "done"
        assert not job.stopped

    def test_hold_the_values_of_their_moment(self, run) -> None:
        _, ear = run(functions.count, 8, shape=(512, 512))
        for i, array in ear.events:
            assert array.flags.writeable
            np.testing.assert_array_equal(array, np.full((512, 512), i, np.float32))

    def test_thirty_planes_of_4_mb(self, run) -> None:
        job, ear = run(functions.count, 30, shape=(1024, 1024))
        assert job.error is None
        assert [float(array[-1, -1]) for _, array in ear.events] == list(range(30))

    def test_a_slow_reader_holds_the_job(self, worker, tmp_path: Path) -> None:
        progress = tmp_path / "progress"
        leads = []

        def slow(event: np.ndarray) -> None:
            if not leads:  # let the job run ahead as far as it can
                seen, since = -1, time.monotonic()
                while time.monotonic() - since < 1.0:
                    now = int(progress.read_text() or 0)
                    if now != seen:
                        seen, since = now, time.monotonic()
                    time.sleep(0.01)
            leads.append(int(progress.read_text() or 0) - len(leads))

        job = worker.submit(functions.fast, str(progress), 300, 1 << 20, on_event=slow)
        assert job.wait(PATIENCE)
        assert len(leads) == 300
        assert max(leads) <= 32 + 16 + 2  # outbox, one batch, one in each hand

    def test_callbacks_come_from_another_thread(self, worker) -> None:
        threads = []
        job = worker.submit(functions.count, 1, on_event=lambda _: threads.append(threading.current_thread()))
        job.wait(PATIENCE)
        assert threads[0] is not threading.main_thread()

    def test_an_error_in_a_callback_ends_the_job(self, worker, ear, run) -> None:
        def fail(event: object) -> None:
            raise LookupError("no such layer")

        job = worker.submit(functions.for_ever, on_event=fail, on_error=ear.on_error)
        assert job.wait(PATIENCE)
        assert isinstance(ear.errors[0], LookupError)
        assert run.result(functions.divide, 2) == 0.5


class TestFunctions:
    def test_a_plain_function_has_a_result(self, run) -> None:
        assert run.result(functions.divide, 4) == 0.25

    def test_jobs_run_in_order(self, worker) -> None:
        order = []
        jobs = [worker.submit(functions.divide, i, on_done=order.append) for i in (1, 2, 4, 8)]
        for job in jobs:
            job.wait(PATIENCE)
        assert order == [1, 0.5, 0.25, 0.125]

    def test_worker_knows_neither_napari_nor_qt_and_uses_the_cores(self, run) -> None:
        found = run.result(functions.surroundings)
        foreign = {"napari", "qtpy", "PyQt6", "PySide6", "vispy"} & set(found["modules"])
        assert not foreign
        assert run.result(functions.pid) != os.getpid()
        assert found["threads"] == int(os.environ["OMP_NUM_THREADS"])  # set for the whole test suite

    def test_computes_with_what_the_window_leaves(self, run) -> None:
        there = psutil.Process(run.result(functions.pid))
        if sys.platform == "win32":
            assert there.nice() == psutil.BELOW_NORMAL_PRIORITY_CLASS
        else:
            assert there.nice() == min(19, psutil.Process().nice() + 10)
            # In a session of its own Linux may give it as much as the window, however nice it is; Ctrl-C is not for it.
            assert os.getsid(there.pid) == os.getsid(0)
            assert os.getpgid(there.pid) != os.getpgid(0)


class TestErrors:
    def test_what_users_can_mend_comes_back_as_it_was(self, run, tmp_path: Path) -> None:
        job, ear = run(functions.raise_odd, tmp_path)
        (error,) = ear.errors
        assert type(error) is functions.OddError
        assert str(error) == f"{tmp_path} is bad: so it is"
        assert error.file == tmp_path
        assert ear.order == ["event", "error"]
        assert job.state == "failed"
        assert job.error is error

    def test_a_bug_comes_back_with_its_traceback(self, run) -> None:
        job, ear = run(functions.divide, 0)
        assert isinstance(job.error, JobCrashedError)
        assert job.error.summary == "ZeroDivisionError: division by zero"
        assert "return 1 / x" in job.error.traceback_text
        assert ear.order == ["error"]

    def test_an_event_that_cannot_travel(self, run) -> None:
        job, _ = run(functions.yield_unpicklable)
        assert isinstance(job.error, JobCrashedError)
        assert "pickle" in job.error.summary

    def test_an_argument_that_cannot_travel(self, run) -> None:
        job, _ = run(functions.divide, threading.Lock())
        assert isinstance(job.error, TypeError)
        assert run.result(functions.divide, 1) == 1


class TestStop:
    def test_at_the_next_yield(self, worker, ear) -> None:
        begun = threading.Event()
        job = worker.submit(functions.for_ever, on_event=lambda _: begun.set(), on_done=ear.on_done)
        assert begun.wait(PATIENCE)
        pid = worker.pid
        job.stop()
        assert job.wait(PATIENCE)
        assert job.stopped
        assert not job.killed
        assert ear.results == [None]
        assert worker.pid == pid

    def test_a_function_with_cancel_ends_itself(self, worker, ear) -> None:
        begun = threading.Event()

        def hear(event: str) -> None:
            ear.on_event(event)
            begun.set()

        job = worker.submit(functions.until_cancelled, on_event=hear, on_done=ear.on_done)
        assert begun.wait(PATIENCE)
        job.stop()
        assert job.wait(PATIENCE)
        assert ear.events == ["begun", "last"]
        assert job.stopped
        assert isinstance(job.result, int)

    def test_a_job_that_waits_never_begins(self, worker, run) -> None:
        first = worker.submit(functions.until_cancelled)
        events = []
        second = worker.submit(functions.count, 3, on_event=events.append)
        second.stop()
        assert second.wait(PATIENCE)
        first.stop()
        assert first.wait(PATIENCE)
        assert second.stopped
        assert events == []
        assert run.result(functions.divide, 2) == 0.5

    def test_while_the_reader_holds_the_job(self, worker, tmp_path: Path) -> None:
        full, go_on = threading.Event(), threading.Event()
        progress = tmp_path / "progress"

        def hold(event: object) -> None:
            full.set()
            go_on.wait(PATIENCE)

        job = worker.submit(functions.fast, str(progress), 10_000, 1 << 20, on_event=hold, grace_s=PATIENCE)
        assert full.wait(PATIENCE)
        job.stop()
        go_on.set()
        assert job.wait(PATIENCE)
        assert job.stopped
        assert not job.killed
        assert int(progress.read_text()) < 200

    def test_a_deaf_job_is_killed_and_the_next_one_runs(self, worker, run) -> None:
        begun = threading.Event()
        job = worker.submit(functions.deaf, on_event=lambda _: begun.set(), grace_s=0.2)
        assert begun.wait(PATIENCE)
        pid = worker.pid
        job.stop()
        assert job.wait(PATIENCE)
        assert job.stopped
        assert job.killed
        assert run.result(functions.pid) != pid


class TestDeath:
    def test_of_the_worker_is_told_and_the_next_job_runs(self, worker, run, ear) -> None:
        begun = threading.Event()
        job = worker.submit(functions.deaf, on_event=lambda _: begun.set(), on_error=ear.on_error)
        later = worker.submit(functions.divide, 2)
        assert begun.wait(PATIENCE)
        psutil.Process(worker.pid).kill()
        assert job.wait(PATIENCE)
        (error,) = ear.errors
        assert isinstance(error, WorkerDiedError)
        assert "'deaf'" in str(error)
        assert sys.platform == "win32" or "SIGKILL" in str(error)
        assert later.wait(PATIENCE)
        assert later.result == 0.5
        assert run.result(functions.divide, 4) == 0.25

    def test_by_its_own_exit(self, run) -> None:
        job, _ = run(functions.exit_now)
        assert isinstance(job.error, WorkerDiedError)
        assert "code 7" in str(job.error)

    def test_between_two_jobs_goes_unnoticed(self, worker, run) -> None:
        pid = run.result(functions.pid)
        psutil.Process(pid).kill()
        wait_until(lambda: worker.pid not in (None, pid), "another process was started")
        assert run.result(functions.divide, 2) == 0.5


class TestLife:
    def test_starts_in_the_background_and_leaves_nothing_behind(self, runner) -> None:
        worker = Worker()
        worker.start()
        assert not worker.ready  # a process takes longer than this call
        run = runner(worker)
        pid = run.result(functions.pid)
        assert worker.ready
        assert worker.pid == pid
        folders = worker._opening.result().exchange.folders
        assert all(folder.is_dir() for folder in folders)
        ear_before_close = []
        job = worker.submit(functions.for_ever, on_done=ear_before_close.append)
        worker.close()
        worker.close()
        assert not psutil.pid_exists(pid)
        assert not any(folder.exists() for folder in folders)
        assert job.wait(PATIENCE)
        assert job.stopped
        assert ear_before_close == []
        job.stop()
        with pytest.raises(WorkerClosedError, match="closed"):
            worker.submit(functions.divide, 1)

    def test_closing_before_it_is_ready(self) -> None:
        worker = Worker()
        job = worker.submit(functions.divide, 1)
        worker.close()
        assert job.wait(PATIENCE)
        assert job.state in ("stopped", "failed")

    @pytest.mark.parametrize("is_gone_already", [False, True])
    def test_that_cannot_start(self, monkeypatch: pytest.MonkeyPatch, runner, is_gone_already: bool) -> None:
        begin = subprocess.Popen

        def begin_and_wait(*args, **keywords):
            process = begin(*args, **keywords)
            process.wait()
            return process  # which will not read what it is sent

        with monkeypatch.context() as broken:
            if is_gone_already:
                broken.setattr(subprocess, "Popen", begin_and_wait)
            broken.setattr("napari_unets.jobs.worker.process._BOOTSTRAP", "raise SystemExit('no library')")
            worker = Worker()
            job, _ = runner(worker)(functions.divide, 1)
            assert isinstance(job.error, WorkerStartError)
            assert "code 1" in str(job.error)
            assert "no library" in job.error.log
            with pytest.raises(WorkerStartError, match="no library"):
                worker.wait_ready(PATIENCE)
            assert not worker.ready
        assert runner(worker).result(functions.divide, 1) == 1  # once the cause is mended
        worker.close()

    def test_an_address_where_nobody_is(self, runner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("napari_unets.jobs.worker.remote._CONNECT_S", 0.5)
        with Worker("tcp://127.0.0.1:9") as worker:
            job, _ = runner(worker)(functions.divide, 1)
            assert isinstance(job.error, SchedulerUnreachableError)
            assert "tcp://127.0.0.1:9" in str(job.error)
            with pytest.raises(SchedulerUnreachableError):
                worker.wait_ready(PATIENCE)


class TestMemory:
    def test_the_next_job_gets_what_the_last_one_made(self, run) -> None:
        _, first = run(functions.borrow, "a")
        _, again = run(functions.borrow, "a")
        _, other = run(functions.borrow, "b")
        assert first.events == again.events
        assert other.events != first.events

    def test_is_given_back_after_a_while(self, worker, run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(worker, "idle_release_s", 0.1)
        note = tmp_path / "note"
        run.result(functions.borrow, "c", note)
        wait_until(note.exists, "the worker gave up what it kept")
