"""The command line: its help, its configurations, and what it says when something is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import spikeloom
from spikeloom.boards.host.device import DeviceError
from spikeloom.cli import cores
from spikeloom.cli.main import app
from spikeloom.cli.output import Output
from spikeloom.engines import device as device_engine
from spikeloom.golden.spec.document import document
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load, shipped
from spikeloom.progress import Progress
from spikeloom.run import Point
from spikeloom.sim.rtl.toolchain import ToolchainError
from tests.paths import ROOT
from tests.support.command_line import SMALL, call, call_json, own_toml, stopping_toml

VERBS = ("configs", "train", "infer", "verify", "perf", "demo")
SPIKELOOM = Path(sys.executable).with_name("spikeloom")


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return own_toml(tmp_path)


# Help and configurations


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_says_what_it_does(verb: str):
    text = call(verb, "--help").stdout
    assert verb in call("--help").stdout
    assert verb == "demo" or f"spikeloom {verb} " in text.replace("Usage: spikeloom", "")


def test_configs_lists_every_shipped_configuration(tmp_path: Path):
    text = call("configs").stdout
    assert [name for name in shipped() if name not in text] == []
    assert "101,632" in text
    listed = call_json("configs")["configs"]
    assert [c["name"] for c in listed] == list(shipped())
    stops = [load(name).stop for name in shipped()]
    assert [c["margins"] for c in listed] == [[stop.train, stop.infer] for stop in stops]
    assert call_json("configs", stopping_toml(tmp_path))["margins"] == [1, 2]


def test_a_configuration_is_shown_so_that_it_can_be_copied(tmp_path: Path):
    result = call("configs", "tiny")
    assert tomllib.loads(result.stdout) == load("tiny").as_table()
    assert "# mean spikes per step of pixel 255 (0 to 1; neutral 0.4)" in result.stdout
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


# Errors: one readable message, status 2


def test_a_value_out_of_range_is_named_with_its_key(toml: Path):
    toml.write_text(toml.read_text().replace("steps = 16", "steps = 0"))
    assert "steps = 0 is out of range" in call("train", toml, status=2).stderr


@pytest.mark.parametrize(
    "arguments", [("train", "--engine", "rtl"), ("verify",), ("perf",)], ids=lambda a: a[0]
)
def test_the_rate_form_is_refused_by_name(toml: Path, arguments: tuple[str, ...]):
    toml.write_text(document(load(toml).replace(**{"learning.rule": "rate"})))
    verb, *options = arguments
    result = call(verb, toml, "--train", 5, *options, status=2)
    assert "learning.rule = 'rate'" in result.stderr
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

    monkeypatch.setattr(device_engine, "RtlEngine", fail)
    assert message in call("train", "tiny", *SMALL, "--engine", "rtl", status=2).stderr


def test_every_error_that_is_raised_on_purpose_is_of_one_family():
    files = [
        p for d in ("golden", "hdl", "boards", "sim", "spikeloom") for p in (ROOT / d).rglob("*.py")
    ]
    classes = {
        match[1]: match[2]
        for path in files
        for match in re.finditer(r"^class (\w+Error)\((.*)\):", path.read_text(), re.MULTILINE)
    }
    assert len(classes) > 20
    outside = {
        name
        for name, bases in classes.items()
        if "SpikeloomError" not in bases and bases not in classes and name != "SpikeloomError"
    }
    assert outside == set()


def test_an_error_nobody_expected_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cores, "RtlEngine", fail)
    result = CliRunner().invoke(app, ["verify", "tiny"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_the_console_script_is_the_command_line():
    run = subprocess.run(
        [SPIKELOOM, "configs", "xyzzy"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert run.stderr.startswith("error: no configuration named 'xyzzy'")


def test_the_version_is_told():
    assert call("--version").stdout == f"spikeloom {spikeloom.__version__}\n"


def test_the_package_can_be_run_as_a_module():
    told = subprocess.run(
        [sys.executable, "-m", "spikeloom", "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout == call("--version").stdout


def test_completion_can_be_installed():
    assert "--install-completion" in call("--help").stdout
    assert "--show-completion" in call("--help").stdout


# What is printed where


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("configs", "xyzzy"), "no configuration named 'xyzzy': shipped are"),
        (("train", "tiny", "--engine", "board"), "a board needs its serial port: give --port PORT"),
        (("train", "tiny", "--epochs", "many"), "Invalid value for '--epochs': "),
        (("train", "tiny", "--bogus"), "No such option: --bogus"),
        (("train",), "Missing argument 'CONFIG'"),
        (("trian",), "No such command 'trian'"),
    ],
)
def test_an_error_is_one_json_object_where_json_is_asked_for(arguments: tuple, message: str):
    found = call_json(*arguments, status=2)
    assert list(found) == ["error"]
    assert message in found["error"]


def test_being_stopped_is_one_json_object_where_json_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    def press(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cores, "RtlEngine", press)
    assert call_json("verify", "tiny", status=130) == {"error": "stopped"}


@pytest.mark.parametrize("verb", ["boards", "configs"])
@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_name_in_a_list_is_cut(verb: str, columns: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    names = [row["name"] for row in call_json(verb)[verb]]
    names += [row["config"] for row in call_json("boards")["boards"]] if verb == "boards" else []
    text = call(verb, columns=columns).stdout
    assert [name for name in names if f" {name} " not in text] == []
    assert "\u2026" not in text


def test_a_list_that_is_piped_is_as_wide_as_it_needs_to_be():
    header = call("boards", columns=40).stdout.splitlines()[2]
    assert all(word in header for word in ("name", "FPGA", "LUTs", "RAM kbit", "MHz", "network"))


def test_what_users_name_is_no_markup(capsys: pytest.CaptureFixture[str]):
    output = Output()
    for show in (output.tell, output.say, lambda text: output.table({text: text}, text)):
        show("[red]x[/foo]")
    told = capsys.readouterr()
    assert told.out.count("[red]x[/foo]") == 4
    assert told.err.count("[red]x[/foo]") == 1


def test_a_progress_bar_tells_accuracy_before_the_speed_that_is_cut_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("spikeloom.progress.watched", lambda: True)
    monkeypatch.setattr("spikeloom.progress.DELAY", 0.0)
    output = Output()
    output.animated = True
    with output.progress() as progress:
        progress(Progress("training", 20000, 59000, 4321.0, 0, 2, Point(20000, 1000, 950), 11.34))
        output.say("a line")
    told = capsys.readouterr().err
    assert "20000/59000, held-out 95.00 %, 11.3 steps" in told
    assert any(line.rstrip() == "a line" for line in told.replace("\r", "\n").splitlines())


def test_nothing_is_animated_in_the_cell_of_a_notebook(monkeypatch: pytest.MonkeyPatch):
    """Which is a terminal that keeps all that was ever shown on it."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert Output().animated
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert not Output().animated
