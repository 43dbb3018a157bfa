"""The command line: what it prints, what it returns, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_transport import Fault, GoldenTransport
from PIL import Image
from typer.testing import CliRunner, Result

from spikeloom.boards.host.device import DeviceError
from spikeloom.cli import demo as demo_verb
from spikeloom.cli import perf as perf_verb
from spikeloom.cli import verify as verify_verb
from spikeloom.cli.main import app, expected_errors
from spikeloom.golden import datasets
from spikeloom.golden.datasets.images import from_picture
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load, shipped
from spikeloom.sim import checkpoint
from spikeloom.sim import engine as engines
from spikeloom.sim.engine import DeviceEngine
from spikeloom.sim.toolchain import ToolchainError

VERBS = ("configs", "train", "infer", "verify", "perf", "demo")
SPIKELOOM = Path(sys.executable).with_name("spikeloom")
SMALL = ("--train", "60", "--held-out", "20", "--test", "30", "--seed", "9")


def call(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    told = f"{result.stdout}\n{result.stderr}\n{result.exception!r}"
    assert result.exit_code == status, told
    assert "Traceback" not in told
    return result


def call_json(*arguments: object, status: int = 0) -> dict[str, Any]:
    result = call(*arguments, "--json", status=status)
    assert result.stdout.count("\n") == 1, result.stdout
    return json.loads(result.stdout)


def fault_at(fault: Fault | None = None) -> Any:
    """Return what stands in for `RtlEngine`: a core in Python, with or without a fault."""

    def make(machine: Any, **_: Any) -> DeviceEngine:
        return DeviceEngine("rtl", machine, GoldenTransport(machine, fault))

    return make


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """Give a configuration of the user's own."""
    path = tmp_path / "mine.toml"
    path.write_text(shipped()["tiny"].read_text().replace('name = "tiny"', 'name = "mine"'))
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "trained.npz"
    call("train", "tiny", *SMALL, "--save", path)
    return path


# Help and configurations


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_says_what_it_does(verb: str):
    text = call(verb, "--help").stdout
    assert verb in call("--help").stdout
    assert verb == "demo" or f"spikeloom {verb} " in text.replace("Usage: spikeloom", "")


def test_configs_lists_every_shipped_configuration():
    text = call("configs").stdout
    assert [name for name in shipped() if name not in text] == []
    assert "101,632" in text
    listed = call_json("configs")["configs"]
    assert [c["name"] for c in listed] == list(shipped())


def test_a_configuration_is_shown_so_that_it_can_be_copied(tmp_path: Path):
    result = call("configs", "tiny")
    copied = tomllib.loads(result.stdout)
    assert copied == tomllib.loads(shipped()["tiny"].read_text())
    thetas = [layer.train.theta for layer in machine(load("tiny")).layers]
    assert all(str(theta) in result.stderr for theta in thetas)
    (tmp_path / "copy.toml").write_text(result.stdout)
    assert call_json("configs", tmp_path / "copy.toml")["weights"] == 944


@pytest.mark.parametrize("verb", ["configs", "train", "verify", "perf"])
def test_an_unknown_configuration_is_answered_with_the_nearest(verb: str):
    result = call(verb, "mnist-784-129-10", status=2)
    start, _, near = result.stderr.partition("did you mean ")
    assert start == "error: no configuration named 'mnist-784-129-10': "
    assert "mnist-784-128-10" in near.partition("?")[0].split(" or ")


def test_a_name_like_no_other_is_answered_with_all():
    assert "shipped are" in call("configs", "xyzzy", status=2).stderr


# Training


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


def test_validation_never_touches_test_digits(monkeypatch: pytest.MonkeyPatch):
    load_data = datasets.load

    def without_test_digits(*args: Any, **kwargs: Any) -> datasets.Dataset:
        data = load_data(*args, **kwargs)
        data.test_images[:] = 0
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


@pytest.mark.parametrize("engine", ["golden", "rtl"])
def test_ctrl_c_leaves_a_checkpoint_that_goes_on(tmp_path: Path, engine: str):
    path = tmp_path / "run.npz"
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
        deadline = time.monotonic() + 240
        while not path.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        answered = time.monotonic() - pressed
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 130, err
    assert answered < 10
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


def test_ctrl_c_elsewhere_ends_with_its_own_status(monkeypatch: pytest.MonkeyPatch):
    def press(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verify_verb, "RtlEngine", press)
    assert "stopped" in call("verify", "tiny", status=130).stderr


# Inference


def test_infer_reaches_what_training_measured(weights: Path):
    trained = call_json("train", "tiny", *SMALL)
    for engine in ("golden", "rtl"):
        found = call_json("infer", "tiny", "--weights", weights, "--test", 30, "--engine", engine)
        assert found["test_accuracy"] == trained["test_accuracy"]
        assert (found["engine"], found["test_images"]) == (engine, 30)


def test_infer_counts_spikes_of_any_picture(weights: Path, tmp_path: Path):
    digit = datasets.load(test=1).test_images[0]
    black_on_white = 255 - np.pad(np.kron(digit, np.ones((3, 3), np.uint8)), 20)
    Image.fromarray(black_on_white).save(tmp_path / "seven.png")
    pictures = ("--image", tmp_path / "seven.png", "--image", tmp_path / "seven.png")
    found = call_json("infer", "tiny", "--weights", weights, *pictures)["images"]
    assert found[0] == found[1]
    engine = engines.make_engine("golden", load("tiny"))
    trained = checkpoint.load(weights, engine.machine)
    engine.weights, engine.stream_states = trained.weights, trained.stream_states
    image = from_picture(tmp_path / "seven.png", (7, 7))
    assert found[0]["counts"] == engine.infer(image[np.newaxis])[0].tolist()
    assert found[0]["class"] == int(np.argmax(found[0]["counts"]))
    assert "seven.png" in call("infer", "tiny", "--weights", weights, *pictures).stdout


def test_a_waveform_of_a_few_steps_has_readable_names(weights: Path, tmp_path: Path):
    vcd = tmp_path / "tiny.vcd"
    arguments = ("--engine", "rtl", "--test", 5, "--vcd", vcd)
    found = call_json("infer", "tiny", "--weights", weights, *arguments)
    assert (found["vcd"], found["steps"], found["test_images"]) == (str(vcd), 4, 1)
    text = vcd.read_text()
    assert "$enddefinitions" in text
    assert any(name in text for name in ("encoder", "network", "busy"))


def test_a_waveform_of_the_golden_model_is_refused(weights: Path, tmp_path: Path):
    result = call("infer", "tiny", "--weights", weights, "--vcd", tmp_path / "a.vcd", status=2)
    assert "--engine rtl" in result.stderr


def test_more_steps_than_there_are_are_refused(weights: Path):
    result = call("infer", "tiny", "--weights", weights, "--steps", 17, status=2)
    assert "tiny has 16 steps" in result.stderr


# Verification, performance, demonstration


def test_verify_finds_golden_and_rtl_equal_for_a_configuration_of_ones_own(toml: Path):
    found = call_json("verify", toml, "--train", 80, "--test", 10, "--seed", 77)
    expected = {
        "equal": True,
        "config": "mine",
        "seed": 77,
        "compared_weights": 944,
        "compared_images": 90,
        "difference": None,
    }
    assert {name: found[name] for name in expected} == expected
    assert "equal, bit for bit: 90 images, 944 weights" in (
        call("verify", toml, "--train", 80, "--test", 10).stdout
    )


def test_verify_says_where_the_first_difference_is_and_fails(monkeypatch: pytest.MonkeyPatch):
    fault = Fault(datasets.load(shape=(7, 7)).train_images[30], 6, weight=(2, 3, 4))
    monkeypatch.setattr(verify_verb, "RtlEngine", fault_at(fault))
    found = call_json("verify", "tiny", "--train", 50, status=1)
    assert found["equal"] is False
    where = {k: found["difference"][k] for k in ("layer", "row", "column", "step")}
    assert where == {"layer": 2, "row": 3, "column": 4, "step": 6}
    assert abs(found["difference"]["golden"] - found["difference"]["device"]) == 1
    result = call("verify", "tiny", "--train", 50, status=1)
    assert "step 6: weight of layer 2, row 3, column 4" in result.stdout


def test_perf_measures_cycles_against_the_floor():
    found = call_json("perf", "tiny", "--train", 10, "--warm-up", 20)
    for key in (
        "cycles_per_train_image",
        "cycles_per_infer_image",
        "floor_per_train_image",
        "images_per_second",
        "golden_images_per_second",
    ):
        assert found[key] > 0
    assert found["ratio"] == found["cycles_per_train_image"] / found["floor_per_train_image"]
    assert found["lanes"] == [8, 5]


def test_perf_tells_people_the_ratio(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(perf_verb, "RtlEngine", fault_at())
    assert "ratio" in call("perf", "tiny", "--train", 5, "--warm-up", 5).stdout


def test_the_demo_ends_with_the_path_of_its_report(tmp_path: Path):
    result = call("demo", "--quick", "--report", tmp_path)
    path = Path(result.stdout.splitlines()[-1])
    assert path.parent == tmp_path
    assert "<html" in path.read_text()
    assert "all 101,632 weights" in result.stdout


def test_the_demo_fails_where_anything_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fault = Fault(datasets.load().train_images[3], 40, counter="spikes.1")
    monkeypatch.setattr(demo_verb, "RtlEngine", fault_at(fault))
    result = call("demo", "--quick", "--report", tmp_path, status=1)
    assert "step 40: counter spikes.1" in result.stdout
    assert list(tmp_path.iterdir()) == []


# Errors: one readable message, status 2


def test_data_that_is_not_there_is_named(tmp_path: Path):
    result = call("train", "tiny", "--data", tmp_path / "none", status=2)
    assert result.stderr.startswith("error: ")
    assert "no such directory" in result.stderr


def test_a_value_out_of_range_is_named_with_its_key(toml: Path):
    toml.write_text(toml.read_text().replace("steps = 16", "steps = 0"))
    assert "steps = 0 is out of range" in call("train", toml, status=2).stderr


def test_a_damaged_checkpoint_is_refused(weights: Path):
    weights.write_bytes(weights.read_bytes()[:1000])
    result = call("infer", "tiny", "--weights", weights, status=2)
    assert str(weights) in result.stderr


def test_a_checkpoint_of_another_network_is_refused(weights: Path):
    result = call("train", "mnist-196-32-10", "--train", 5, "--resume", weights, status=2)
    assert "of configuration 'tiny'" in result.stderr


def test_resuming_with_another_seed_is_refused(weights: Path):
    arguments = (*SMALL[:-1], 10, "--resume", weights)
    assert "has seed 9, asked for is 10" in call("train", "tiny", *arguments, status=2).stderr


@pytest.mark.parametrize(
    "arguments", [("train", "--engine", "rtl"), ("verify",), ("perf",)], ids=lambda a: a[0]
)
def test_the_rate_form_is_refused_by_name(toml: Path, arguments: tuple[str, ...]):
    toml.write_text(toml.read_text().replace('"coincidence"', '"rate"'))
    verb, *options = arguments
    result = call(verb, toml, "--train", 5, *options, status=2)
    assert "learning.form = 'rate'" in result.stderr
    assert "--engine golden" in result.stderr


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ToolchainError("'make' is not on PATH"), "'make' is not on PATH"),
        (DeviceError("the core speaks protocol 2"), "the core speaks protocol 2"),
    ],
)
def test_an_engine_that_cannot_be_had_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
):
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(engines, "RtlEngine", fail)
    assert message in call("train", "tiny", *SMALL, "--engine", "rtl", status=2).stderr


def test_every_error_that_is_raised_on_purpose_is_expected():
    names = {error.__name__ for error in expected_errors()}
    assert names == {
        "ConfigError",
        "DataError",
        "CheckpointError",
        "ReportError",
        "ToolchainError",
        "BuildError",
        "DeviceError",
        "TransportError",
        "LinkError",
        "PortError",
        "TargetError",
        "HardwareError",
        "PlanError",
        "ClockError",
        "ToolError",
        "StepError",
        "FlashError",
        "TableError",
        "PaperError",
        "UpsetError",
        "EvidenceError",
    }


def test_an_error_nobody_expected_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(verify_verb, "RtlEngine", fail)
    result = CliRunner().invoke(app, ["verify", "tiny"])
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "arguments",
    [("--epochs", 0), ("--train", 0), ("--engine", "fpga"), ("--seed", -1), ("--unknown",)],
)
def test_an_option_that_cannot_be_is_refused(arguments: tuple):
    call("train", "tiny", *arguments, status=2)


def test_the_console_script_is_the_command_line():
    run = subprocess.run(
        [SPIKELOOM, "configs", "xyzzy"], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert run.stderr.startswith("error: no configuration named 'xyzzy'")


def test_an_existing_file_is_kept_unless_it_is_resumed(tmp_path: Path):
    path = tmp_path / "own.toml"
    path.write_text("precious")
    result = call("train", "tiny", *SMALL, "--save", path, status=2)
    assert "exists already" in result.stderr
    assert path.read_text() == "precious"


def test_a_report_that_cannot_be_written_is_refused_before_training():
    result = call("train", "tiny", *SMALL, "--report", "/proc/report", status=2)
    assert "--report" in result.stderr
    assert "cannot make /proc/report" in result.stderr
    assert "trained" not in result.stderr


def test_the_version_is_told():
    assert call("--version").stdout.startswith("spikeloom ")
