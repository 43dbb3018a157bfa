# amaranth: UnusedElaboratable=no
"""Targets: every board elaborates with its pins, and holds its core in reset until its clock is."""

from __future__ import annotations

import dataclasses
import functools
import re

import pytest
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from spikeloom.boards import flow
from spikeloom.boards.devices import Family
from spikeloom.boards.targets import TARGETS, TargetError, find
from spikeloom.boards.top import SETTLE_SECONDS, Board, PowerUp
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load, shipped
from spikeloom.hdl.hardware import Hardware, HardwareError

NAMES = [
    "icebreaker",
    "hx8k",
    "icestick",
    "ulx3s-85f",
    "ulx3s-25f",
    "orangecrab-25f",
    "icesugar-pro",
    "tang-nano-9k",
    "tang-nano-20k",
    "tang-primer-20k",
]

# Clock, receive and transmit pins from the vendors' schematics: a typing error shows here.
PINS = {
    "icebreaker": ("35", "6", "9"),
    "hx8k": ("J3", "B10", "B12"),
    "icestick": ("21", "9", "8"),
    "ulx3s-85f": ("G2", "M1", "L4"),
    "ulx3s-25f": ("G2", "M1", "L4"),
    "orangecrab-25f": ("A9", "N17", "M18"),
    "icesugar-pro": ("P6", "A9", "B9"),
    "tang-nano-9k": ("52", "18", "17"),
    "tang-nano-20k": ("4", "70", "69"),
    "tang-primer-20k": ("H11", "T13", "M11"),
}
PLLS = {Family.ICE40: "SB_PLL40", Family.ECP5: "EHXPLLL", Family.GOWIN: "rPLL"}


@functools.cache
def made(name: str) -> flow.Design:
    target = TARGETS[name]
    return flow.design(target, load("tiny"), Hardware(lanes=(1,), draws=1), target.clock_hz)


def test_the_boards_are_those_that_were_promised():
    assert list(TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_board_elaborates_with_its_pins_and_its_pll(name: str):
    design = made(name)
    places = dict(
        re.findall(
            r'(?:set_io|LOCATE COMP|IO_LOC) "?(\S+?)__io"? (?:SITE )?"?(\w+)"?',
            design.constraints[1],
        )
    )
    clock = next(port for port in places if port.startswith("clk"))
    found = (places[clock], places["uart_0__rx"], places["uart_0__tx"])
    assert found == PINS[name]
    assert len(places) == 4, "clock, receive, transmit, LED"
    target = TARGETS[name]
    assert (PLLS[target.family] in design.rtlil) == (target.pll(target.clock_hz) is not None)


@pytest.mark.parametrize("name", NAMES)
def test_a_board_names_a_network_that_ships_and_tells_its_wiring(name: str):
    target = find(name)
    assert target.config in shipped()
    assert target.wiring
    assert target.title
    assert target.loader


def test_a_design_names_no_file_and_is_the_same_every_time():
    first = made("hx8k")
    made.cache_clear()
    assert made("hx8k") == first
    assert ".py" not in made("hx8k").rtlil


def test_an_unknown_board_is_answered_with_the_nearest():
    with pytest.raises(TargetError, match=r"'orangecrab': did you mean orangecrab-25f\?"):
        find("orangecrab")
    with pytest.raises(TargetError, match="'tang-nano-20': did you mean tang-nano-20k or"):
        find("tang-nano-20")
    with pytest.raises(TargetError, match=r"no board named '.': there are icebreaker, hx8k"):
        find("?")


def test_the_reset_waits_for_the_clock_and_then_some():
    power_up = PowerUp(20)
    simulator = Simulator(power_up)
    simulator.add_clock(1e-6)

    async def bench(ctx) -> None:
        await ctx.tick().repeat(30)
        assert ctx.get(power_up.reset), "no lock, and no reset"
        ctx.set(power_up.locked, 1)
        await ctx.tick().repeat(22)
        assert ctx.get(power_up.reset), "too early"
        await ctx.tick()
        assert not ctx.get(power_up.reset), "too late"
        ctx.set(power_up.locked, 0)
        await ctx.tick().repeat(10)
        assert not ctx.get(power_up.reset), "a lock that is lost must not reset what was learned"

    simulator.add_testbench(bench)
    simulator.run()


def test_the_reset_outlasts_what_ice40_block_ram_takes_to_wake_up():
    assert SETTLE_SECONDS >= 3e-6 * 4


def test_a_board_is_the_core_behind_two_lines():
    board = Board(load("tiny"), clock_hz=12_000_000)
    Fragment.get(board, None)  # Amaranth warns of a component that nothing elaborates
    assert set(board.signature.members) == {"reset", "rx", "tx", "busy"}


# Hardware choices


def test_lanes_and_ports_are_per_layer_and_the_last_counts_on():
    config = load("mnist-784-128-64-10")
    layers = Hardware(lanes=(16, 4), ports=(1, 2)).of(machine(config))
    assert [layer.lanes for layer in layers] == [16, 4, 4]
    assert [layer.ports for layer in layers] == [1, 2, 2]


def test_a_network_that_a_board_was_tuned_for_has_hardware_of_its_own():
    config, special = load("tiny"), Hardware(lanes=(3,))
    target = dataclasses.replace(TARGETS["hx8k"], tuned={"tiny": special})
    assert target.hardware_for(config) is special
    assert target.hardware_for(load("mnist-196-64-10")) is target.hardware


def test_settings_change_the_plan_by_name():
    chosen = Hardware().changed(plan=("neurons=4", "counters=no", "layer1.weights=huge"))
    assert chosen == Hardware(neurons=4, counters=False, styles=(("layer1.weights", "huge"),))
    again = chosen.changed(plan=("layer1.weights=block",))
    assert again.styles == (("layer1.weights", "block"),)


@pytest.mark.parametrize("setting", ["neuron=4", "neurons=x", "counters=2", "layer1.x=y", "lanes"])
def test_an_unknown_setting_is_refused_with_those_there_are(setting: str):
    with pytest.raises(HardwareError, match=r"no hardware choice .*neurons=N, counters=yes\|no"):
        Hardware().changed(plan=(setting,))


def test_a_misspelt_setting_is_answered_with_the_nearest():
    with pytest.raises(HardwareError, match=r"neuron=4 \(is it neurons\?\)"):
        Hardware().changed(plan=("neuron=4",))
