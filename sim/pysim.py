"""Short tests in Amaranth's own simulator: streams with random stalls, and runs that end."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Elaboratable
from amaranth.lib import stream
from amaranth.sim import SimulatorContext, Simulator

PERIOD = 1e-6
"""Seconds per clock cycle: any value will do, this one reads well in a waveform."""

Bench = Callable[[SimulatorContext], Awaitable[None]]


class SimulationTimeout(AssertionError):
    """A test bench had not finished within the cycles it was given."""


class StreamRuleError(AssertionError):
    """A component withdrew or changed a payload that it had offered and that was not yet taken."""


async def put(
    ctx: SimulatorContext,
    port: stream.Interface,
    values: Iterable[Any],
    *,
    stall: float = 0.0,
    seed: int = 0,
) -> None:
    """Offer values to a component's input stream, one after the other, until all are taken.

    Parameters
    ----------
    port : input stream of the component.
    values : payloads, integers or what the payload's shape takes.
    stall : probability, below 1, that a cycle offers no new value.
    seed : of the stalls.
    """
    rng = _stalls(stall, seed)
    for value in values:
        while rng.random() < stall:
            await ctx.tick()
        ctx.set(port.payload, value)
        ctx.set(port.valid, 1)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)


async def get(ctx: SimulatorContext, port: stream.Interface) -> Any:
    """Take one value from a component's output stream."""
    return (await collect(ctx, port, 1))[0]


async def collect(
    ctx: SimulatorContext,
    port: stream.Interface,
    count: int,
    *,
    stall: float = 0.0,
    seed: int = 0,
) -> list[Any]:
    """Take values from a component's output stream and return them in order.

    Checks the streams' rule on the way: what is offered stays until it is taken.

    Parameters
    ----------
    port : output stream of the component.
    count : how many values to take.
    stall : probability, below 1, that a cycle takes none.
    seed : of the stalls.

    Raises
    ------
    StreamRuleError : the component broke the rule.
    """
    rng = _stalls(stall, seed)
    taken: list[Any] = []
    offered = None
    while len(taken) < count:
        ready = rng.random() >= stall
        ctx.set(port.ready, ready)
        _, _, valid, payload = await ctx.tick().sample(port.valid, port.payload)
        if offered is not None and (not valid or payload != offered):
            now = f"changed to {payload!r}" if valid else "withdrawn"
            raise StreamRuleError(
                f"value {len(taken)} was offered as {offered!r} and {now} before it was taken: "
                "hold valid and payload until ready"
            )
        offered = payload if valid and not ready else None
        if valid and ready:
            taken.append(payload)
    ctx.set(port.ready, 0)
    return taken


def _stalls(stall: float, seed: int) -> random.Random:
    if not 0 <= stall < 1:
        raise ValueError(f"stall = {stall} is not a probability below 1")
    return random.Random(seed)


def run(
    dut: Elaboratable, *benches: Bench, vcd: Path | None = None, max_cycles: int = 100_000
) -> None:
    """Simulate a component until every bench has returned.

    The component may be without a clock: the sync domain exists in any case, so that a bench can
    wait for ``ctx.tick()``.

    Parameters
    ----------
    dut : the component; it can be simulated once.
    benches : ``async def bench(ctx)``; they run side by side.
    vcd : file for the waveform, or None.
    max_cycles : clock cycles that the benches have.

    Raises
    ------
    SimulationTimeout : names the benches that had not returned by then.
    """
    pending = {
        index: getattr(bench, "__name__", repr(bench)) for index, bench in enumerate(benches)
    }
    simulator = Simulator(_clocked(dut))
    simulator.add_clock(PERIOD)

    async def watchdog(ctx: SimulatorContext) -> None:
        await ctx.tick().repeat(max_cycles)
        raise SimulationTimeout(
            f"not finished after {max_cycles} cycles: {', '.join(pending.values())}"
        )

    for index, bench in enumerate(benches):
        simulator.add_testbench(_marking(bench, pending, index))
    simulator.add_testbench(watchdog, background=True)
    if vcd is None:
        simulator.run()
    else:
        with simulator.write_vcd(str(vcd)):
            simulator.run()


def _marking(bench: Bench, pending: dict[int, str], index: int) -> Bench:
    """Return the bench, made to strike itself off the pending ones when it returns."""

    async def marked(ctx: SimulatorContext) -> None:
        await bench(ctx)
        del pending[index]

    return marked


def _clocked(dut: Elaboratable) -> Module:
    """Return a design that holds `dut` and surely uses the sync domain."""
    m = Module()
    m.submodules.dut = dut
    tick = Signal()
    m.d.sync += tick.eq(~tick)
    return m
