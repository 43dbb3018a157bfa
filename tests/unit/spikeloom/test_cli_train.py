"""`spikeloom train`: what it prints and keeps, how it stops and goes on, what it refuses."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom.cli import trained
from spikeloom.cli.trained import Collapse
from spikeloom.golden import datasets
from spikeloom.golden.spec.network import load
from spikeloom.progress import Progress
from spikeloom.run import Point
from tests.support.command_line import SMALL, call, call_json, stopping_toml, trained_checkpoint

SPIKELOOM = Path(sys.executable).with_name("spikeloom")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return trained_checkpoint(tmp_path)


def test_train_prints_one_json_object_last_and_nothing_else_to_stdout():
    found = call_json("train", "tiny", *SMALL, "--epochs", 2)
    expected = {
        "engine": "golden",
        "config": "tiny",
        "seed": 9,
        "train_images": 60,
        "held_out_images": 20,
        "test_images": 30,
        "tested_on": "test",
        "epochs": 2,
        "presentations": 120,
        "interrupted": False,
    }
    assert {name: found[name] for name in expected} == expected
    assert 0 <= found["test_accuracy"] <= 1
    assert found["images_per_second"] > 0
    assert [p["presentations"] for p in found["curve"]][-1] == 120


def test_train_tells_people_what_it_reached():
    result = call("train", "tiny", *SMALL)
    assert "of 30 test images" in result.stdout
    assert "held-out" in result.stderr


def test_train_tells_the_steps_of_a_network_that_stops(tmp_path: Path):
    toml = stopping_toml(tmp_path)
    found = call_json("train", toml, *SMALL)
    assert 1 < found["steps_per_train_image"] < 16
    assert 1 < found["steps_per_test_image"] < 16
    told = call("train", toml, *SMALL)
    assert f"{found['steps_per_train_image']:.1f} of 16 steps on average" in told.stdout
    assert re.search(r"steps, test +.* \d+\.\d of 16", told.stdout)
    assert f"{found['steps_per_train_image']:.1f} steps each, held-out" in told.stderr
    told = call("train", "tiny", *SMALL)
    assert "steps" not in told.stdout + told.stderr


def test_validation_never_touches_test_digits(monkeypatch: pytest.MonkeyPatch):
    load_data = datasets.load

    def without_test_digits(*args: Any, **kwargs: Any) -> datasets.Dataset:
        data = load_data(*args, **kwargs)
        data.test.images[:] = 0
        return data

    arguments = ("train", "tiny", *SMALL[:4], "--seed", 9, "--validate")
    before = call_json(*arguments)
    monkeypatch.setattr(datasets, "load", without_test_digits)
    after = call_json(*arguments)
    assert (before["tested_on"], before["test_images"]) == ("held-out", 20)
    assert before["test_accuracy"] == after["test_accuracy"]


def test_golden_and_rtl_write_the_same_checkpoint_byte_for_byte(tmp_path: Path):
    found = {}
    for engine in ("golden", "rtl"):
        path = tmp_path / engine
        found[engine] = call_json("train", "tiny", *SMALL, "--engine", engine, "--save", path)
    assert (tmp_path / "golden").read_bytes() == (tmp_path / "rtl").read_bytes()
    assert found["rtl"]["engine"] == "rtl"
    for key in ("test_accuracy", "curve", "seed", "config_digest"):
        assert found["golden"][key] == found["rtl"][key]


@pytest.mark.parametrize(("first", "second"), [("golden", "rtl"), ("rtl", "golden")])
def test_a_run_begun_in_one_engine_ends_in_the_other_with_the_same_bits(
    tmp_path: Path, first: str, second: str
):
    whole, parts = tmp_path / "whole.npz", tmp_path / "parts.npz"
    call("train", "tiny", *SMALL, "--epochs", 2, "--save", whole)
    call("train", "tiny", *SMALL, "--engine", first, "--save", parts)
    goes_on = ("--epochs", 2, "--engine", second, "--save", parts, "--resume", parts)
    call("train", "tiny", *SMALL, *goes_on)
    assert parts.read_bytes() == whole.read_bytes()


def test_a_report_is_written_where_it_is_asked_for(tmp_path: Path):
    found = call_json("train", "tiny", *SMALL, "--report", tmp_path / "out")
    assert "<html" in Path(found["report"]).read_text()
    assert Path(found["report"]).parent == tmp_path / "out"


def test_no_test_images_make_no_accuracy():
    found = call_json("train", "tiny", "--train", 20, "--test", 0)
    assert (found["test_accuracy"], found["test_images"]) == (None, 0)


def processor(process: int) -> float:
    """Return the seconds of the processor that a process and its children have taken."""
    stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="counts a process's own time")
@pytest.mark.parametrize(
    ("engine", "number"),
    [("golden", signal.SIGINT), ("rtl", signal.SIGINT), ("golden", signal.SIGTERM)],
)
def test_ctrl_c_leaves_a_checkpoint_that_goes_on(tmp_path: Path, engine: str, number: int):
    path = tmp_path / "run.npz"
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    before = ended.ru_utime + ended.ru_stime
    arguments = ("tiny", "--train", 5000, "--held-out", 20, "--test", 10, "--engine", engine)
    command = [SPIKELOOM, "train", *arguments, "--epochs", 10000, "--save", path, "--json"]
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stderr:  # until it has trained on something
            if re.match(r"[1-9][\d,]* of ", line):
                break
        assert path.exists()
        pressed = processor(process.pid)
        process.send_signal(number)
        out, err = process.communicate()
        answered = resource.getrusage(resource.RUSAGE_CHILDREN)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 130, err
    assert answered.ru_utime + answered.ru_stime - before - pressed < 10
    assert f"saved to {path}, go on with --resume {path}" in err
    assert "Traceback" not in err
    found = json.loads(out.splitlines()[-1])
    assert (found["interrupted"], found["test_accuracy"]) == (True, None)
    with np.load(path) as archive:
        done = int(archive["epoch"]) * 5000 + int(archive["position"])
    assert found["presentations"] == done > 0
    epochs = done // 5000 + 1
    call("train", *arguments[:-2], "--epochs", epochs, "--resume", path, "--save", path)
    whole = tmp_path / "whole.npz"
    call("train", *arguments[:-2], "--epochs", epochs, "--save", whole)
    assert path.read_bytes() == whole.read_bytes()


def test_ctrl_c_without_a_place_to_save_says_so(monkeypatch: pytest.MonkeyPatch):
    def press(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("spikeloom.cli.output._Lines.__call__", press)
    result = call("train", "tiny", *SMALL, status=130)
    assert "not saved, for that give --save FILE" in result.stderr


def test_a_collapse_is_told_once_with_networks_made_for_other_images():
    said: list[str] = []
    collapse = Collapse(load("mnist-784-128-10"), said.append)
    for right in (700, 737, 640, 550, 500):
        collapse(Progress("training", right, 60000, point=Point(right, 1000, right)))
    assert said == [f"warning: {collapse.warning}"]
    assert collapse.warning == (
        "held-out accuracy fell from 73.70 % to 55.00 %: the updates of 'mnist-784-128-10' are too "
        "large for these images; take one that was made for others: fashion-784-1280-10, "
        "fashion-784-256-10"
    )


@pytest.mark.parametrize("points", [(737, 650, 700), (900,)])
def test_no_collapse_is_told_of_what_goes_up_and_down(points: tuple[int, ...]):
    collapse = Collapse(load("mnist-784-128-10"), pytest.fail)
    for right in points:
        collapse(Progress("training", right, 60000, point=Point(right, 1000, right)))
    collapse(Progress("training", 1, 60000, point=Point(1, 20, 1)))  # too few to tell


def test_a_collapse_is_told_by_train(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trained, "FALL", -1.0)
    monkeypatch.setattr(trained, "ENOUGH", 0)
    result = call("train", "tiny", *SMALL)
    assert "warning: held-out accuracy fell from" in result.stderr
    assert call_json("train", "tiny", *SMALL)["warning"].endswith("make them smaller")


# What is refused


def test_data_that_is_not_there_is_named(tmp_path: Path):
    result = call("train", "tiny", "--data", tmp_path / "none", status=2)
    assert result.stderr.startswith("error: ")
    assert "no such directory" in result.stderr


def test_a_checkpoint_of_another_network_is_refused(weights: Path):
    result = call("train", "mnist-196-32-10", "--train", 5, "--resume", weights, status=2)
    assert "of configuration 'tiny'" in result.stderr


def test_resuming_with_another_seed_is_refused(weights: Path):
    arguments = (*SMALL[:-1], 10, "--resume", weights)
    assert "has seed 9, asked for is 10" in call("train", "tiny", *arguments, status=2).stderr


def test_an_existing_file_is_kept_unless_it_is_resumed(tmp_path: Path):
    path = tmp_path / "own.toml"
    path.write_text("precious")
    result = call("train", "tiny", *SMALL, "--save", path, status=2)
    assert "exists already" in result.stderr
    assert path.read_text() == "precious"


def test_a_report_that_cannot_be_written_is_refused_before_training():
    result = call("train", "tiny", *SMALL, "--report", "/proc/report", status=2)
    assert "cannot write in /proc/report: No such file or directory; name another" in result.stderr
    assert "trained" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--epochs", 0), ("--train", 0), ("--engine", "fpga"), ("--seed", -1), ("--unknown",)],
)
def test_an_option_that_cannot_be_is_refused(arguments: tuple):
    call("train", "tiny", *arguments, status=2)


def test_a_place_to_save_is_tried_before_the_images_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(datasets, "load", pytest.fail)
    result = call("train", "tiny", *SMALL, "--save", "/proc/none/run.npz", status=2)
    assert "cannot write /proc/none/run.npz: No such file or directory; name" in result.stderr


def test_too_many_images_held_out_name_the_option():
    result = call("train", "tiny", "--held-out", 60000, status=2)
    assert "60000 images held out of 60000: hold out 0 to 59999" in result.stderr
    assert "--held-out" in result.stderr
