# amaranth: UnusedElaboratable=no
"""The flow: how tools are called, what their reports say, and what is said of a bad result."""

from __future__ import annotations

import dataclasses
import json
import zlib
from pathlib import Path

import pytest

from spikeloom.boards import flow
from spikeloom.boards import steps as step_runs
from spikeloom.boards.build import Bitstream, build
from spikeloom.boards.clock import MHZ
from spikeloom.boards.devices import Family
from spikeloom.boards.planner import MemoryPlan
from spikeloom.boards.result import (
    Count,
    Resources,
    Timing,
    resources,
    timing,
    utilisation,
    utilisation_line,
)
from spikeloom.boards.targets import TARGETS
from spikeloom.golden.spec.network import load
from spikeloom.hdl.hardware import Hardware

SMALL = Hardware(lanes=(1,), draws=1)


def design(name: str) -> flow.Design:
    target = TARGETS[name]
    return flow.design(target, load("tiny"), SMALL, target.clock_hz)


def done(folder: Path) -> step_runs.Done:
    """Return a step that took a second."""
    (folder / "seconds").write_text("1.0")
    return step_runs.Done(folder)


class Recorder:
    """Stands in for `steps.run`: writes down steps, pretends that they ran."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.steps = folder, []

    def __call__(self, step: step_runs.Step, cache: Path, say, what: str, watch=None):
        self.steps.append(step)
        return done(self.folder)


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(tmp_path)
    monkeypatch.setattr(flow, "run", recorder)
    return recorder


def called(recorder: Recorder, name: str) -> tuple[str, str]:
    """Return the command lines of the placer and the packer."""
    made = design(name)
    placed = flow.place(made, Path("top.json"), 7, Path(), print, print)
    flow.pack(made, placed, Path(), print)
    return tuple(" ".join((step.tool.name, *step.arguments)) for step in recorder.steps)


JUDGED = "--report report.json --freq {} --seed 7 --timing-allow-fail"


@pytest.mark.extra("boards")
def test_ice40_is_placed_for_its_package_and_judged_by_us(recorder: Recorder):
    placer, packer = called(recorder, "icebreaker")
    assert placer == (
        "nextpnr-ice40 --up5k --package sg48 --json top.json --pcf top.pcf --asc top.asc "
        + JUDGED.format("24.000000")
    )
    assert packer == "icepack top.asc top.bin"


@pytest.mark.extra("boards")
def test_ecp5_is_placed_for_its_package_and_packed_small(recorder: Recorder):
    placer, packer = called(recorder, "ulx3s-85f")
    assert placer.startswith("nextpnr-ecp5 --85k --package CABGA381 --speed 6 --json top.json ")
    judged = JUDGED.format("65.000000")
    assert placer.endswith(judged.replace("--timing", "--router router2 --timing"))
    assert packer == "ecppack --compress --input top.config --bit top.bit"


@pytest.mark.extra("boards")
def test_gowin_is_called_by_its_placers_new_name_and_options(recorder: Recorder):
    placer, packer = called(recorder, "tang-nano-20k")
    assert placer.startswith(
        "nextpnr-himbaechel-gowin --device GW2AR-LV18QN88C8/I7 --json top.syn.json "
        "--write top.pnr.json --vopt family=GW2A-18C --vopt cst=top.cst "
    )
    assert packer == ("gowin_pack -d GW2A-18C -o top.fs --sspi_as_gpio --mspi_as_gpio top.pnr.json")


@pytest.mark.extra("boards")
def test_memories_promise_nothing_that_silicon_does_not(recorder: Recorder):
    flow.synthesis(design("hx8k"), Path(), print)
    script = recorder.steps[0].inputs["synthesis.ys"]
    assert "COLLISION_X_MASK" in script
    assert "INIT" in script
    assert "synth_ice40" in script


def test_a_usb_boot_loader_gets_its_suffix():
    assert flow.dfu_suffix(design("ulx3s-25f")) is None
    assert flow.dfu_suffix(design("orangecrab-25f")) == (0x1209, 0x5AF0)
    data = flow.with_dfu_suffix(b"bits", 0x1209, 0x5AF0)
    assert data[:4] == b"bits"
    assert data[4:16] == bytes.fromhex("ffff f05a 0912 0001") + b"UFD" + b"\x10"
    # CRC-32 as USB DFU 1.1 has it: not inverted at the end, so all of the file leaves all ones
    assert int.from_bytes(data[16:], "little") == zlib.crc32(data[:16]) ^ 0xFFFFFFFF


# Reports


def test_the_placers_table_is_read():
    line = "Info: \t         ICESTORM_LC:   16436/   7680   214%\n"
    assert utilisation_line(line) == ("ICESTORM_LC", 16436, 7680)
    assert utilisation_line("Info: Placed 8 cells based on constraints.\n") is None


def statistics(folder: Path, **cells: int) -> Path:
    path = folder / "cells.json"
    path.write_text(json.dumps({"design": {"num_cells_by_type": cells}}))
    return path


def test_ice40_cells_are_summed(tmp_path: Path):
    found = resources(
        Family.ICE40,
        {"ICESTORM_LC": (10, 5280), "ICESTORM_RAM": (3, 30), "ICESTORM_SPRAM": (4, 4)},
        statistics(tmp_path, SB_LUT4=9, SB_DFF=2, SB_DFFESR=3),
    )
    assert found.luts == Count(10, 5280)
    assert found.ffs == Count(5, 5280)
    assert (found.brams, found.sprams) == (Count(3, 30), Count(4, 4))
    assert found.fits


def test_gowin_adders_and_small_memories_take_luts(tmp_path: Path):
    found = resources(
        Family.GOWIN,
        {
            "LUT4": (100, 20736),
            "ALU": (30, 15552),
            "RAM16SDP4": (2, 648),
            "DFF": (50, 15552),
            "MULT9X9": (3, 96),
            "MULT18X18": (1, 48),
        },
        statistics(tmp_path),
    )
    assert found.luts == Count(138, 20736)
    assert found.dsps == Count(3, 48)


def report(folder: Path, **clocks: tuple[float, float]) -> Path:
    path = folder / "report.json"
    fmax = {name: {"achieved": a, "constraint": c} for name, (a, c) in clocks.items()}
    cells = {"TRELLIS_COMB": {"used": 5, "available": 9}}
    path.write_text(json.dumps({"fmax": fmax, "utilization": cells}))
    return path


def test_the_clock_that_falls_shortest_decides(tmp_path: Path):
    found = timing(report(tmp_path, core=(81.0, 80.0), other=(40.0, 50.0)), 80 * MHZ)
    assert found == Timing(40.0 * MHZ, 50.0 * MHZ)
    assert not found.met
    assert found.missing == pytest.approx(0.2)
    assert utilisation(tmp_path / "report.json") == {"TRELLIS_COMB": (5, 9)}


def test_a_clock_in_the_placers_rounding_is_the_clock_asked_for(tmp_path: Path):
    found = timing(report(tmp_path, core=(50.15, 50.14)), 50_142_857)
    assert found.asked_hz == 50_142_857
    assert found.met


def test_a_report_without_a_clock_is_no_success(tmp_path: Path):
    assert not timing(report(tmp_path), 1 * MHZ).met


# What is said of a result


def outcome(luts: int = 100, reached: float | None = 30.0) -> Bitstream:
    target, config = TARGETS["hx8k"], load("tiny")
    none = Count(0, 0)
    return Bitstream(
        target=target,
        config=config,
        hardware=SMALL,
        clock_hz=30 * MHZ,
        memory=MemoryPlan(target, config, SMALL, ()),
        resources=Resources(Count(luts, 7680), Count(5, 7680), Count(1, 32), none, none),
        timing=None if reached is None else Timing(reached * MHZ, 30 * MHZ),
        seed=1,
        seeds=1,
        file=None,
        dfu=None,
        logs={},
        seconds=1.0,
    )


def test_a_good_result_has_no_complaint():
    assert outcome().good
    assert outcome().complaint() is None


def test_a_missed_clock_says_by_how_much_and_what_to_change():
    bad = outcome(reached=27.0)
    assert bad.fits
    assert not bad.good
    told = bad.complaint()
    assert "27.00 MHz reached of 30.00 MHz, 10.0 % are missing" in told
    assert "fewer lanes (now 1,1)" in told
    assert "--clock" in told


def test_what_does_not_fit_says_by_how_much_and_what_to_change():
    told = outcome(luts=8000, reached=None).complaint()
    assert "320 LUTs too many (8,000 of 7,680)" in told
    assert "Fewer lanes (now 1,1)" in told


def test_what_cannot_be_placed_though_there_is_enough_says_so():
    assert "no legal placement" in outcome(reached=None).complaint()


def test_a_bitstream_of_an_earlier_build_does_not_outlive_a_failed_one(tmp_path: Path):
    stale = tmp_path / "hx8k-tiny.bin"
    stale.write_bytes(b"old")
    log = tmp_path / "log"
    log.write_text("why")
    bad = dataclasses.replace(outcome(reached=None), logs={"nextpnr": log})
    assert bad.save(tmp_path) == (None, {"nextpnr": tmp_path / "hx8k-tiny.nextpnr.log"})
    assert not stale.exists()


def test_a_saved_bitstream_carries_the_suffix(tmp_path: Path):
    file = tmp_path / "top.bit"
    file.write_bytes(b"bits")
    good = dataclasses.replace(outcome(), file=file, dfu=(1, 2))
    saved, _ = good.save(tmp_path / "build")
    assert saved == tmp_path / "build/hx8k-tiny.bit"
    assert saved.read_bytes() == flow.with_dfu_suffix(b"bits", 1, 2)


@pytest.mark.parametrize(
    ("reached", "tried", "seed"),
    [
        ((71.0, 60.0, 75.2, 80.0), 3, 3),  # a bad placement after a near one is one of several
        ((66.5, 67.0, 68.0, 66.2), 4, 3),
        ((65.0, 76.0), 1, 1),  # too far away
        ((75.0, 80.0), 1, 1),
    ],
)
def test_placements_go_on_while_the_best_one_is_near(
    reached: tuple[float, ...],
    tried: int,
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def place(made, netlist, number, *_):
        return done(tmp_path / str(number))

    statistics(tmp_path)
    for number, fmax in enumerate(reached, start=1):
        (tmp_path / str(number)).mkdir()
        report(tmp_path / str(number), core=(fmax, 75.0))
    mapped = done(tmp_path)
    monkeypatch.setattr(flow, "synthesis", lambda *_: mapped)
    monkeypatch.setattr(flow, "place", place)
    monkeypatch.setattr(flow, "pack", lambda *_: None)
    target = TARGETS["ulx3s-85f"]
    found = build(target, load("tiny"), SMALL, clock_hz=75 * MHZ, cache=tmp_path, log=print)
    assert (found.seeds, found.seed) == (tried, seed)


# With the real tools


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hx8k", "ulx3s-25f"])
def test_a_real_bitstream_meets_its_clock_and_is_not_built_twice(name: str, tmp_path: Path):
    told: list[str] = []
    clock = 20 * MHZ

    def made() -> Bitstream:
        return build(
            TARGETS[name], load("tiny"), SMALL, clock_hz=clock, cache=tmp_path, log=told.append
        )

    first = made()
    assert first.good, first.complaint()
    assert first.file.stat().st_size > 10_000
    used = {p.kind: 0 for p in first.memory.placements}
    for placement in first.memory.placements:
        used[placement.kind] += placement.blocks
    assert used[TARGETS[name].device.bram.name] == first.resources.brams.used, "as planned"
    ran = len(told)
    again = made()
    assert again.file == first.file
    assert not [line for line in told[ran:] if line.startswith(("Yosys", "nextpnr"))]


@pytest.mark.slow
def test_a_core_too_big_for_the_icestick_says_by_how_much(tmp_path: Path):
    bad = build(TARGETS["icestick"], load("tiny"), SMALL, cache=tmp_path, log=print)
    assert not bad.fits
    assert bad.file is None
    assert "LUTs too many" in bad.complaint()
    assert bad.resources.luts.available == 1280
