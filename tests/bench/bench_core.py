"""The core under cocotb, clock by clock: real digits, and its latency and throughput.

Run as a program, it measures what batches are worth: the clock rate of the native core against
that of the same core under cocotb, which drives and reads every pin in every clock::

    python -m tests.bench.bench_core [CONFIG] [--images N]
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from spikeloom import datasets
from spikeloom.golden import initial
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import Hardware
from tests.bench import cosim
from tests.bench.bench import HALF_PERIOD, Bench, Case, reset
from tests.support.byte_program import Program, mismatch
from tests.support.verilated import verilated

DIGITS = 24
HARDWARE = Hardware(lanes=(8, 5))
READ_LATENCY = 4
"""Clocks from the last byte of READ on the pins to the first byte of its reply on the pins."""
STEP_LATENCY = 31
"""Clocks of a trained step above those that `golden.floor` counts, on the average."""


def case(config: NetworkConfig) -> Case:
    """Return the core as a block for cocotb; its bench is below, not one of `tests.bench.bench`."""
    return Case("core", lambda: Core(config, HARDWARE), Bench)


def digits_program(config: NetworkConfig, count: int, *, infer: bool = True) -> Program:
    """Train on digits, infer some in between, and read everything back."""
    data = datasets.mnist(config, train=count, test=count, held_out=0)
    program = Program(machine(config))
    program.load_weights(initial.weights(program.machine, 1))
    pairs = zip(data.train.images, data.train.labels, data.test.images, strict=True)
    for image, label, other in pairs:
        program.image(image)
        program.train(int(label))
        if infer and label % 4 == 0:
            program.image(other)
            program.infer()
    program.digest()
    if infer:
        program.read_all_weights()
        program.read_registers()
    return program


class Host:
    """Drives and reads all pins of the core in every clock.

    Parameters
    ----------
    stall_in, stall_out : share of the clocks, below 1, in which no new byte is offered, and in
        which none is taken.
    """

    def __init__(self, dut: Any, *, stall_in: float = 0.0, stall_out: float = 0.0) -> None:
        self._clk = dut.clk
        names = ("i__valid", "i__ready", "i__payload", "o__valid", "o__ready", "o__payload", "busy")
        self._pins = {name: getattr(dut, f"core__{name}") for name in names}
        self._stalls = (stall_in, stall_out)
        self._rng = random.Random(1)
        self.clocks = 0
        self.busy_clocks = 0
        self.replies = bytearray()
        self.sent_at = self.replied_at = 0

    async def transfer(self, data: bytes, reply: int) -> bytes:
        """Send bytes and return as many of the reply; raise where nothing moves for long."""
        pins, rng, (stall_in, stall_out) = self._pins, self._rng, self._stalls
        place, idle, offering = 0, 0, False
        wanted = len(self.replies) + reply
        start = len(self.replies)
        while place < len(data) or len(self.replies) < wanted:
            offering = offering or (place < len(data) and rng.random() >= stall_in)
            pins["i__valid"].value = int(offering)
            pins["i__payload"].value = data[place] if offering else rng.getrandbits(8)
            ready = rng.random() >= stall_out
            pins["o__ready"].value = int(ready)
            await Timer(HALF_PERIOD, unit="ns")
            self.clocks += 1
            idle += 1
            self.busy_clocks += int(pins["busy"].value)
            if offering and int(pins["i__ready"].value):
                place, offering, idle = place + 1, False, 0
                self.sent_at = self.clocks
            if ready and int(pins["o__valid"].value):
                self.replies.append(int(pins["o__payload"].value))
                self.replied_at, idle = self.clocks, 0
            assert idle < 100_000, f"nothing moved for {idle} clocks"
            self._clk.value = 1
            await Timer(HALF_PERIOD, unit="ns")
            self._clk.value = 0
        return bytes(self.replies[start:])


async def connect(dut: Any, **stalls: float) -> Host:
    """Reset the core and return its host."""
    for name in ("i__valid", "i__payload", "o__ready"):
        getattr(dut, f"core__{name}").value = 0
    await reset(dut)
    return Host(dut, **stalls)


@cocotb.test()
async def digits_are_learnt_as_golden_learns_them_under_back_pressure(dut: Any) -> None:
    program = digits_program(load("tiny"), DIGITS)
    host = await connect(dut, stall_in=0.4, stall_out=0.6)
    for number, exchange in enumerate(program.exchanges):
        found = await host.transfer(exchange.command, len(exchange.reply))
        assert exchange.agrees(found), mismatch(number, exchange, found)


@cocotb.test()
async def the_whole_stream_may_come_at_once(dut: Any) -> None:
    program = digits_program(load("tiny"), DIGITS)
    host = await connect(dut)
    replies = await host.transfer(program.data, program.reply_bytes)
    assert next(program.differences(replies), None) is None


@cocotb.test()
async def a_register_is_read_within_its_latency(dut: Any) -> None:
    program = Program(machine(load("tiny")))
    host = await connect(dut)
    for name in ("steps", "status", "shift.1"):
        program.read(name)
        exchange = program.exchanges[-1]
        assert await host.transfer(exchange.command, 0) == b""
        sent = host.sent_at
        assert await host.transfer(b"", 1) == exchange.reply[:1]
        assert host.replied_at - sent == READ_LATENCY
        assert await host.transfer(b"", 3) == exchange.reply[1:]
        assert host.replied_at - sent == READ_LATENCY + 3, "a reply takes one clock per byte"


@cocotb.test()
async def bytes_go_in_one_per_clock(dut: Any) -> None:
    """NOPs, and an image: while no sample runs nothing holds them up."""
    host = await connect(dut)
    for data in (bytes(64), bytes([4]) + bytes([7 | 1 << 3, *[9] * 7] * 6) + bytes(1)):
        before = host.clocks
        await host.transfer(data, 0)
        assert host.clocks - before == len(data)


@cocotb.test()
async def weights_move_at_their_documented_rate(dut: Any) -> None:
    """Reading and digest: two clocks a weight, five more a word. Writing: five clocks a weight."""
    built = machine(load("tiny"))
    program = Program(built)
    program.load_weights(initial.weights(built, 1))
    layers, written = HARDWARE.of(built), len(program.exchanges)
    program.read_all_weights()
    program.digest()
    host = await connect(dut)
    for number, exchange in enumerate(program.exchanges):
        before = host.clocks
        assert await host.transfer(exchange.command, len(exchange.reply)) == exchange.reply
        clocks = host.clocks - before
        layer = layers[number % len(layers)]
        weights, words = layer.n_pre * layer.n_post, layer.n_pre * layer.words
        if number < written:
            limit = 5 * weights + words
        elif exchange.what == "digest":
            limit = sum(x.n_pre * (2 * x.n_post + 5 * x.words) for x in layers)
        else:
            limit = 2 * weights + 5 * words
        assert clocks <= limit + 30, exchange.what


@cocotb.test()
async def a_trained_digit_takes_its_accesses_and_no_more_than_the_documented_rest(dut: Any) -> None:
    """The documented latency of a step on top of what `golden.floor` counts."""
    config = load("tiny")
    program = digits_program(config, DIGITS, infer=False)
    host = await connect(dut)
    replies = await host.transfer(program.data, program.reply_bytes)
    assert next(program.differences(replies), None) is None
    data = datasets.mnist(config, train=DIGITS, test=0, held_out=0)
    golden = Network(program.machine)
    golden.weights = initial.weights(program.machine, 1)
    _, activity = golden.train(data.train.images, data.train.labels)
    floor = int(floor_cycles(HARDWARE.of(program.machine), activity).sum())
    steps = DIGITS * config.steps
    rest = (host.busy_clocks - floor) / steps
    assert 0 < rest <= STEP_LATENCY, f"{rest:.1f} clocks a step above the floor"


def native_rate(config: NetworkConfig, program: Program) -> tuple[float, int]:
    """Return clocks per second of the native core over a program, and its clocks."""
    with verilated(Core(config, HARDWARE)) as transport:
        before = transport.cycles
        started = time.perf_counter()
        replies = transport.transfer(program.data, program.reply_bytes)
        seconds = time.perf_counter() - started
        assert next(program.differences(replies), None) is None
        return (transport.cycles - before) / seconds, transport.cycles - before


@cocotb.test(skip="SPIKELOOM_BENCH" not in os.environ)
async def clock_rate(dut: Any) -> None:
    """Write the rate that `main` asks for into a file."""
    name, images, result = os.environ["SPIKELOOM_BENCH"].split(os.pathsep)
    program = digits_program(load(name), int(images), infer=False)
    host = await connect(dut)
    started = time.perf_counter()
    replies = await host.transfer(program.data, program.reply_bytes)
    seconds = time.perf_counter() - started
    assert next(program.differences(replies), None) is None
    Path(result).write_text(f"{host.clocks} {seconds}")


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default="tiny")
    parser.add_argument("--images", type=int, default=20)
    given = parser.parse_args()
    config = load(given.config)
    rate, clocks = native_rate(config, digits_program(config, given.images, infer=False))
    print(f"native:  {rate:12,.0f} clocks/s over {clocks:,} clocks")
    simulator = cosim.build([case(config)])
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "rate"
        os.environ["SPIKELOOM_BENCH"] = os.pathsep.join(
            (given.config, str(given.images), str(result))
        )
        cosim.run(simulator, "tests.bench.bench_core", Path(folder), only="clock_rate")
        there, seconds = map(float, result.read_text().split())
    print(f"cocotb:  {there / seconds:12,.0f} clocks/s over {there:,.0f} clocks")
    print(f"ratio:   {rate * seconds / there:12.1f}")


if __name__ == "__main__":
    main()
