"""``napari-unets segment`` with many inputs: patterns, the report, and what is done again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import page

from napari_unets.cli.terminal import print_table
from napari_unets.images import create_page_writer, open_pages, open_stack, save_stack

FAST = ("--model", "mine", "--backend", "torch", "--precision", "fp32")


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """A folder with two images and a broken one, in which the program is started."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for i, name in enumerate(("2.tif", "10.tif")):
        values = np.random.default_rng(i).integers(0, 255, (2, 40, 48), dtype=np.uint8)
        save_stack(folder / name, values, axes="zyx")
    (folder / "broken.tif").write_bytes(b"II*\0nonsense")
    monkeypatch.chdir(tmp_path)
    return folder


def rows_of(path):
    report = json.loads(path.read_text())
    return {row["input"]: (row["status"], row["reason"]) for row in report["inputs"]}


@pytest.mark.parametrize("name", ["scans/2.tif", "out/2.tif"])
def test_a_report_never_takes_the_place_of_an_image(program, own_model, scans, tmp_path, name):
    before = (scans / "2.tif").read_bytes()
    result = program("segment", "scans/2.tif", "--output", "out", "--report", name, *FAST)
    assert result.code == 1
    assert f"{name}: is the name of an image; choose another for the report" in result.err
    assert (scans / "2.tif").read_bytes() == before
    assert not (tmp_path / "out" / "2.tif").exists()


def test_a_pattern_that_the_shell_did_not_expand_and_a_broken_file(program, own_model, scans, tmp_path):
    report = tmp_path / "report.json"
    names = ("--output", "out", "--pattern", "{number}-{stem}_{model}.tif", "--report", report)
    result = program("segment", "scans/*.tif", *names, *FAST)
    assert result.code == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1-2_mine.tif", "2-10_mine.tif"]
    lines = [line for line in result.out.splitlines() if "scans" in line]
    assert [line.split("│")[1:3] for line in lines] == [
        [f" {name.ljust(16)} ", f" {status} "]
        for name, status in (("scans/2.tif", "done  "), ("scans/10.tif", "done  "), ("scans/broken.tif", "failed"))
    ]
    assert "left out: scans/broken.tif: " in result.err
    assert "1 of 3 outputs could not be made" in result.err.splitlines()[-1]
    rows = rows_of(report)
    assert {name: status for name, (status, _) in rows.items()} == {
        "scans/2.tif": "done",
        "scans/10.tif": "done",
        "scans/broken.tif": "failed",
    }
    assert rows["scans/broken.tif"][1].startswith("scans/broken.tif: ")
    said = json.loads(report.read_text())
    assert (said["model"], said["backend"], said["settings"]["precision"]) == ("mine", "torch", "fp32")


def test_resume_after_a_change_of_input_setting_and_model(program, own_model, save_own_model, scans, tmp_path):
    (scans / "broken.tif").unlink()
    report = tmp_path / "report.json"
    command = ("segment", scans, "--each", "--output", "out", "--report", report, *FAST)
    assert program(*command).code == 0

    refused = program(*command)
    assert refused.code == 1
    assert "out/2.tif, out/10.tif: there already; resume (--resume)" in refused.err.replace("\\", "/")

    def resumed(*more):
        assert program(*command, "--resume", *more).code == 0
        return [row for _, row in sorted(rows_of(report).items())]

    kept = ("skipped", "it is there and matches")
    assert resumed() == [kept, kept]
    shutil.copy(scans / "2.tif", scans / "10.tif")
    assert resumed() == [("done", "made anew: 10.tif has changed"), kept]
    assert resumed("--halo", "4") == [("done", "made anew: halo was card and is 4")] * 2
    shutil.rmtree(own_model)
    save_own_model("mine", classes=3)
    assert resumed("--halo", "4") == [("done", "made anew: the model is another one")] * 2
    assert resumed("--halo", "4", "--device", "cpu") == [kept, kept]
    assert program(*command, "--overwrite").code == 0


def test_clean_pages_of_a_folder_are_made_anew_when_a_page_has_changed(program, tmp_path):
    folder, out, report = tmp_path / "in", tmp_path / "out", tmp_path / "report.json"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.fromarray(page()[:60, :80]).save(folder / name)
    command = ("segment", folder, "--clean", "--model", "otsu", "--output", out, "--report", report)
    assert program(*command).code == 0
    Image.fromarray(page()[60:120, :80]).save(folder / "a.png")
    assert program(*command, "--resume").code == 0
    assert [status for status, _ in rows_of(report).values()] == ["done", "skipped"]
    with Image.open(out / "a.png") as clean:
        assert not np.asarray(clean).all()
    result = program(*command, "--resume", "--keep-colour")
    assert "colour was False and is True" in result.err
    result = program(*command, "--resume", "--pages", "1", "--model", "sauvola")
    assert "the model is another one; " in result.err
    assert "pages was not set and is 1" in result.err


def test_a_single_input_has_a_report_but_no_table(program, own_model, scans, tmp_path):
    report = tmp_path / "report.json"
    assert program("segment", scans / "2.tif", "-o", "a.tif", "--report", report, *FAST).out == ""
    result = program("segment", scans / "2.tif", "-o", "a.tif", "--resume", "--report", report, *FAST)
    assert (result.code, result.out, result.err.strip()) == (0, "", "skipped: a.tif (it is there and matches)")
    result = program("segment", scans / "broken.tif", "-o", "b.tif", "--report", report, *FAST)
    assert result.code == 1
    assert result.err.splitlines()[-1].startswith(f"napari-unets: {scans / 'broken.tif'}: ")
    assert [status for status, _ in rows_of(report).values()] == ["failed"]


@pytest.mark.parametrize("given", ["~/deep/2.tif", "~/deep"])
def test_the_home_folder_is_known(program, own_model, scans, tmp_path, monkeypatch, given):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    shutil.copy(scans / "2.tif", tmp_path / "home" / "in.tif")
    assert program("segment", "~/in.tif", f"--output={given}", "--report", "~/r.json", *FAST).code == 0
    made = "2.tif" if given.endswith(".tif") else "in.tif"
    assert (tmp_path / "home" / "deep" / made).is_file()
    assert (tmp_path / "home" / "r.json").is_file()
    assert not Path("~").exists()


def test_an_interrupted_run_leaves_a_report(program, own_model, scans, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_unets.jobs.batch.making.make_output", interrupted)
    report = tmp_path / "report.json"
    result = program("segment", scans, "--each", "-o", "out", "--report", report, *FAST)
    assert (result.code, "The run was stopped; nothing was written." in result.err) == (130, True)
    assert [status for status, _ in rows_of(report).values()] == ["stopped", "queued", "queued"]


def test_an_interrupted_run_says_how_to_go_on(program, own_model, scans, tmp_path, monkeypatch):
    from napari_unets.jobs.batch import making

    (scans / "broken.tif").unlink()
    made = []

    def interrupted(*given, make=making.make_output, **named):
        if made:
            raise KeyboardInterrupt
        made.append(make(*given, **named))
        return made[0]

    with monkeypatch.context() as patch:
        patch.setattr(making, "make_output", interrupted)
        result = program("segment", scans, "--each", "-o", "out", *FAST)
        assert (result.code, len(made)) == (130, 1)
        assert "The run was stopped; the same command with --resume continues it." in result.err
        result = program("segment", scans, "--each", "-o", "out", "--overwrite", *FAST)
        assert "with --resume instead of --overwrite continues it" in result.err
    result = program("segment", scans, "--each", "-o", "out", "--resume", *FAST)
    assert (result.code, "1 done, 1 skipped" in result.err) == (0, True)


def test_a_report_whose_folder_vanishes_does_not_end_the_batch(program, own_model, scans, tmp_path, monkeypatch):
    from napari_unets.jobs.batch import report as reports

    (scans / "broken.tif").unlink()
    (tmp_path / "reports").mkdir()
    written = []

    def vanishing(path, report, write=reports.write_report):
        write(path, report)
        written.append(path)
        shutil.rmtree(path.parent)

    monkeypatch.setattr(reports, "_WRITE_S", 0)
    monkeypatch.setattr(reports, "write_report", vanishing)
    result = program("segment", scans, "--each", "-o", "out", "--report", "reports/r.json", *FAST)
    assert (result.code, len(written)) == (1, 1)
    assert result.err.splitlines()[-1].startswith("napari-unets: reports/r.json: the report cannot be written")
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_names_that_are_no_text(program, own_model, scans, tmp_path):
    for number, name in enumerate(("2.tif", "10.tif")):
        (scans / name).rename(scans / os.fsdecode(b"Gr\xf6\xdfe%d.tif" % number))
    result = program("segment", scans, "--each", "-o", "out", "--report", "r.json", *FAST)
    assert "1 of 3 outputs could not be made" in result.err.splitlines()[-1]
    assert json.loads((tmp_path / "r.json").read_text())["counts"] == {"done": 2, "failed": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("scans/no-*.tif", "-o", "out"), 1, "scans/no-*.tif: matches nothing"),
        (("scans/*.tif", "-o", "out.tif"), 1, "out.tif is one file, but there are 3 inputs"),
        (("scans/2.tif", "-o", "out.tif", "--pattern", "{stem}.tif"), 2, "--pattern"),
        (("scans/*.tif", "-o", "out", "--pattern", "{name}.tif"), 1, "{name} is unknown"),
        (("scans/*.tif", "-o", "out", "--pattern", "x.tif"), 1, "would both be written to"),
        (("scans/*.tif", "-o", "scans"), 1, "is an input"),
        (("scans/*.tif", "-o", "out", "--report", "no-folder/r.json"), 1, "the report cannot be written"),
        (("scans/*.tif", "-o", "out", "--clean", "--pattern", "{stem}.ome.zarr"), 1, "ends in none of"),
    ],
)
def test_mistakes_are_told_before_anything_is_computed(program, own_model, scans, arguments, code, said):
    result = program("segment", *arguments, "--model", "mine")
    assert result.code == code
    assert said in result.err
    assert result.out == ""
    assert not (scans.parent / "out").exists()


def test_a_stack_in_a_folder_is_not_written_into_it(program, own_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pages").mkdir()
    for name in "12":
        Image.fromarray(page()[:40, :48]).save(f"pages/{name}.tif")
    for output in ("pages", "pages/1.tif", "pages/all.pdf"):
        result = program("segment", "pages", "-o", output, "--overwrite", *FAST)
        assert (result.code, "all images of which are one input" in result.err) == (1, True)
    assert len(list(Path("pages").iterdir())) == 2
    assert program("segment", "pages", "--each", "-o", "pages", "--pattern", "{stem}_{model}.tif", *FAST).code == 0


@pytest.mark.parametrize("name", ["image.tif", "image.ome.zarr"])
def test_an_input_named_by_an_address_is_not_overwritten(program, own_model, tmp_path, name):
    path = tmp_path / "box.zarr" / name
    path.parent.mkdir()
    save_stack(path, np.ones((2, 40, 48), np.uint8))
    for target, said in ((path, "is an input"), (path.parent, "would be lost")):
        result = program("segment", path.as_uri(), "-o", target, "--overwrite", *FAST)
        assert (result.code, said in result.err) == (1, True)
    with open_stack(path) as stack:
        assert stack[...].all()


def test_what_a_second_run_of_a_glob_finds_of_the_first(program, own_model, scans):
    (scans / "broken.tif").unlink()
    command = ("segment", "scans/*.tif", "-o", "scans", "--pattern", "{stem}_{model}.tif", *FAST)
    assert program(*command).code == 0
    result = program(*command, "--resume")
    assert (result.code, result.err.splitlines()[-1]) == (0, "2 skipped")
    assert len(list(scans.iterdir())) == 4
    with open_stack(scans / "2_mine.tif") as stack:
        assert stack.shape == (2, 40, 48)


def test_class_ids_of_pages_of_several_sizes_are_skipped_while_they_match(program, tmp_path):
    scans, target = tmp_path / "scans.pdf", tmp_path / "ids.tif"
    for seed in range(2):
        with create_page_writer(scans, overwrite=True) as writer:
            writer.write(page()[seed : 60 + seed, :80], dpi=(150, 150))
            writer.write(page()[:50, :90], dpi=(150, 150))
        result = program("segment", scans, "--model", "otsu", "-o", target, "--resume")
        assert (result.code, "made anew: scans.pdf has changed" in result.err) == (0, seed == 1)
        result = program("segment", scans, "--model", "otsu", "-o", target, "--resume")
        assert result.err.strip() == f"skipped: {target} (it is there and matches)"
    with open_pages(target) as pages:
        assert [page.plane_shape for page in pages] == [(60, 80), (50, 90)]


def test_a_folder_in_which_a_section_is_missing(program, own_model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (0, 1, 3, 4):
        Image.fromarray(page()[:40, :50]).save(folder / f"s_{number:03}.png")
    result = program("segment", folder, "-o", tmp_path / "out.tif", *FAST)
    assert result.code == 0
    assert f"{folder}: the names of its files leave out 2" in result.err.splitlines()


def test_a_folder_of_pages_is_a_document_and_one_of_sections_is_a_stack(program, own_model, tmp_path):
    """A section of another size is a mistake, and is named; a page of another size is not."""
    folder, target = tmp_path / "in", tmp_path / "ids.tif"
    folder.mkdir()
    for i, height in enumerate((60, 60, 50)):
        Image.fromarray(page()[:height, :80]).save(folder / f"{i}.png")
    result = program("segment", folder, "-o", target, *FAST)
    assert (result.code, target.exists()) == (1, False)
    assert f"{folder / '2.png'}: is 50×80 uint8, but 0.png is 60×80 uint8" in result.err.replace("\n", " ")
    assert program("segment", folder, "-o", target, "--model", "otsu").code == 0
    with open_pages(target) as pages:
        assert [page.plane_shape for page in pages] == [(60, 80), (60, 80), (50, 80)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_that_is_killed_is_gone_on_with(program, own_model, tmp_path):
    """Whenever it is killed: outputs are whole or not there, the report says which, and the next run makes the rest."""
    folder, out, report = tmp_path / "in", tmp_path / "out", tmp_path / "report.json"
    folder.mkdir()
    for i in range(6):
        values = np.random.default_rng(i).integers(0, 255, (20, 64, 64), dtype=np.uint8)
        save_stack(folder / f"{i}.tif", values, axes="zyx")
    command = ("segment", folder, "--each", "-o", out, "--report", report, *FAST, "--model", own_model, "--tta")
    process = subprocess.Popen([Path(sys.executable).parent / "napari-unets", *map(str, command)])
    while process.poll() is None and not list(out.glob("[!.]*")):
        time.sleep(0.02)
    process.kill()
    process.wait()
    whole = {path.name: path.read_bytes() for path in out.glob("[!.]*")}
    assert 1 <= len(whole) < 6
    assert sum(json.loads(report.read_text())["counts"].values()) == 6
    assert program(*command, "--resume").code == 0
    assert json.loads(report.read_text())["counts"] == {"done": 6 - len(whole), "skipped": len(whole)}
    assert {name: (out / name).read_bytes() for name in whole} == whole
    assert program(*command, "--resume").err.splitlines()[-1] == "6 skipped"


def test_names_with_brackets_stay_as_they_are_in_tables(capsys):
    print_table(["input", "status"], [["scan [red].tif", "done"]])
    assert "scan [red].tif" in capsys.readouterr().out
