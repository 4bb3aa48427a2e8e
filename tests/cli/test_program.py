"""What holds for every command: help, versions, exit codes, messages."""

from __future__ import annotations

import errno
import sys
from io import BytesIO, StringIO, TextIOWrapper

import pytest

from napari_unets.cli import app as application
from napari_unets.errors import NapariUnetsError

COMMANDS = [
    ["demo"],
    ["segment"],
    ["evaluate"],
    ["fine-tune"],
    ["train"],
    ["models"],
    ["models", "list"],
    ["models", "show"],
    ["doctor"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(program, command):
    result = program(*command, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: napari-unets {' '.join(command)}")


def test_wrong_usage_is_2(program):
    for arguments in (["sgement"], ["segment"], ["models", "show"], ["doctor", "--nonsense"]):
        result = program(*arguments)
        assert result.code == 2
        assert result.out == ""
        assert "Usage: napari-unets" in result.err


@pytest.mark.parametrize(
    "command",
    [
        ["segment", "a.tif", "-o", "b.tif"],
        ["fine-tune", "a.tif", "b.tif", "-o", "tuned"],
        ["train", "recipe.toml", "--data", ".", "-o", "trained"],
    ],
    ids=lambda command: command[0],
)
def test_a_device_of_no_kind_is_wrong_usage(program, command):
    result = program(*command, "--device", "gpu")
    assert (result.code, result.out) == (2, "")
    assert "gpu: should be auto, cpu, mps, cuda, or one GPU such as cuda:1" in result.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NapariUnetsError("the card is torn;\n  print it again"), "the card is torn; print it again"),
        (OSError(errno.ENOSPC, "No space left on device", "out.tif"), "out.tif: No space left on device"),
    ],
)
def test_what_the_user_can_mend_is_1_and_one_line(program, monkeypatch, error, said):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(application, "app", fail)
    result = program("doctor")
    assert result == (1, "", f"napari-unets: {said}\n")


def test_a_programming_error_is_not_caught(monkeypatch):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(application, "app", fail)
    with pytest.raises(ZeroDivisionError):
        application.main(["doctor"])


def test_interrupt_is_130(program, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_unets.cli.machine.describe_machine", interrupt)
    assert program("doctor").code == 130


@pytest.mark.parametrize(
    ("arguments", "before"),
    [
        (("segment", "", "-o", "out"), "segment"),
        (("segment", "a.tif", "-o", ""), "-o"),
        (("segment", "a.tif", "--output="), "--output"),
        (("evaluate", "a.tif", ""), "a.tif"),
        (("models", "export", "otsu", ""), "otsu"),
    ],
)
def test_an_empty_argument_is_not_the_current_folder(program, monkeypatch, tmp_path, arguments, before):
    monkeypatch.chdir(tmp_path)
    result = program(*arguments)
    assert result.code == 2
    assert f"the argument after '{before}' is empty; is a variable of the shell not set?" in result.err
    assert not list(tmp_path.iterdir())


def test_a_terminal_that_lacks_a_sign_gets_its_number(monkeypatch, program):
    """``models show`` has a multiplication sign in it, which is not ASCII."""
    narrow = TextIOWrapper(BytesIO(), "ascii", errors="strict")
    monkeypatch.setattr("sys.stdout", narrow)
    assert program("models", "show", "em-membranes").code == 0
    narrow.flush()
    assert "4 \\xd7 4" in narrow.buffer.getvalue().decode("ascii")


def test_streams_of_another_kind_are_left_alone(monkeypatch, program):
    said = StringIO()
    monkeypatch.setattr("sys.stdout", said)
    assert program("--version").code == 0
    assert said.getvalue().startswith("napari-unets ")


def test_a_stdout_that_the_shell_has_closed(monkeypatch, program):
    monkeypatch.setattr("sys.stdout", None)
    result = program("models", "list")
    sys.stdout.close()
    assert (result.code, result.err) == (0, "")
