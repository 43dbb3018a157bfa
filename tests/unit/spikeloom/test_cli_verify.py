"""`spikeloom verify`, `perf` and `demo`: golden and the RTL side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spikeloom.cli import cores
from spikeloom.cli.perf import histogram
from spikeloom.engines.device import DeviceEngine
from spikeloom.golden import datasets
from spikeloom.golden.spec.machine import Machine
from spikeloom.hdl.hardware import Hardware
from tests.support.command_line import call, call_json, own_toml, stopping_toml
from tests.support.golden_transport import Fault, GoldenTransport


def fault_at(fault: Fault | None = None) -> Any:
    """Return what stands in for `RtlEngine`: a core in Python, with or without a fault."""

    def make(machine: Any, *_: Any, **__: Any) -> DeviceEngine:
        return DeviceEngine("rtl", machine, GoldenTransport(machine, fault))

    return make


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return own_toml(tmp_path)


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
    fault = Fault(datasets.load(shape=(7, 7)).train.images[30], 6, weight=(2, 3, 4))
    monkeypatch.setattr(cores, "RtlEngine", fault_at(fault))
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
    assert found["lanes"] == [8, 8]


@pytest.mark.parametrize("verb", ["perf", "verify"])
def test_hardware_options_reach_the_core(verb: str, monkeypatch: pytest.MonkeyPatch):
    asked: list[Hardware] = []

    def make(machine: Machine, hardware: Hardware, **_: Any) -> DeviceEngine:
        asked.append(hardware)
        return DeviceEngine("rtl", machine, GoldenTransport(machine))

    monkeypatch.setattr(cores, "RtlEngine", make)
    options = ("--lanes", "7,3", "--ports", 1, "--draws", 4, "--plan", "neurons=1")
    call(verb, "tiny", "--train", 5, *options)
    assert asked == [Hardware(lanes=(7, 3), ports=(1,), draws=4, neurons=1)]


def test_the_hardware_of_a_board_is_not_chosen_by_verify():
    board = ("--engine", "board", "--port", "none")
    told = call("verify", "tiny", *board, "--lanes", "3", status=2).stderr
    assert "a board has the hardware of its bitstream: leave out --lanes" in " ".join(told.split())


def test_perf_tells_people_the_ratio(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cores, "RtlEngine", fault_at())
    assert "ratio" in call("perf", "tiny", "--train", 5, "--warm-up", 5).stdout


def test_perf_shows_how_many_steps_images_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cores, "RtlEngine", fault_at())
    asked = ("perf", stopping_toml(tmp_path), "--train", 40, "--warm-up", 100)
    found = call_json(*asked)
    for kind in ("train", "infer"):
        steps, cycles = found[f"{kind}_steps"], found[f"cycles_per_{kind}_image"]
        mean = found[f"steps_per_{kind}_image"]
        assert len(steps) == 40
        assert mean == sum(steps) / 40 < 16
        bars = "".join(
            " ▁▂▃▄▅▆▇█"[-(-8 * steps.count(n) // max(map(steps.count, steps)))]
            for n in range(min(steps), max(steps) + 1)
        )
        row = f"{mean:.1f} of 16 steps on average, {cycles / mean:,.0f} cycles each; "
        assert f"{row}{min(steps)} {bars} {max(steps)}" in call(*asked).stdout
    assert "steps" not in call("perf", "tiny", "--train", 5).stdout


@pytest.mark.parametrize(
    ("steps", "drawn"),
    [((7, 7), "7 █ 7"), ((1, 33, 33), f"1 ▄{9 * ' '}█ 33"), (range(4, 20), f"4 {'█' * 16} 19")],
)
def test_a_histogram_has_sixteen_columns_at_most(steps: tuple[int, ...], drawn: str):
    assert histogram(steps) == drawn


def test_the_demo_ends_with_the_path_of_its_report(tmp_path: Path):
    result = call("demo", "--quick", "--report", tmp_path)
    path = Path(result.stdout.splitlines()[-1])
    assert path.parent == tmp_path
    assert "<html" in path.read_text()
    assert "all 101,632 weights" in result.stdout


def test_the_demo_fails_where_anything_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fault = Fault(datasets.load().train.images[3], 40, counter="spikes.1")
    monkeypatch.setattr(cores, "RtlEngine", fault_at(fault))
    result = call("demo", "--quick", "--report", tmp_path, status=1)
    assert "step 40: counter spikes.1" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo", "--quick", "--report", "/proc/none/out"),
        ("sim-board", "icebreaker", "tiny", "--link", "/proc/none/port"),
        ("infer", "tiny", "--weights", "w.npz", "--engine", "rtl", "--vcd", "/proc/none/a.vcd"),
    ],
    ids=lambda words: words[0],
)
def test_an_output_is_tried_before_anything_is_built(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cores, "RtlEngine", pytest.fail)
    told = call(*arguments, status=2).stderr
    assert told.startswith("error: cannot write")
    assert "/proc/none" in told
    assert "name another" in told


def test_ctrl_c_elsewhere_ends_with_its_own_status(monkeypatch: pytest.MonkeyPatch):
    def press(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cores, "RtlEngine", press)
    assert "stopped" in call("verify", "tiny", status=130).stderr
