"""Short tests in Amaranth's own simulator: streams with random stalls, and runs that end."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Elaboratable
from amaranth.lib import stream
from amaranth.sim import Simulator, SimulatorContext

PERIOD = 1e-6
"""Seconds per clock cycle: any value will do, this one reads well in a waveform."""

Bench = Callable[[SimulatorContext], Coroutine[Any, Any, None]]


class SimulationTimeoutError(AssertionError):
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
    dut: Elaboratable,
    *benches: Bench,
    monitors: Iterable[Bench] = (),
    vcd: Path | None = None,
    max_cycles: int = 100_000,
) -> None:
    """Simulate a component until every bench has returned.

    The component may be without a clock: the sync domain exists in any case, so that a bench can
    wait for ``ctx.tick()``.

    Parameters
    ----------
    dut : the component; it can be simulated once.
    benches : ``async def bench(ctx)``; they run side by side.
    monitors : the same, but the run does not wait for them to return.
    vcd : file for the waveform, or None.
    max_cycles : clock cycles that the benches have.

    Raises
    ------
    SimulationTimeoutError : names the benches that had not returned by then.
    """
    simulator = Simulator(_clocked(dut))
    simulator.add_clock(PERIOD)
    critical = [_Started(bench) for bench in benches]
    background = [_Started(monitor) for monitor in monitors]
    started = critical + background
    for bench in started:
        simulator.add_testbench(bench.run, background=bench in background)
    try:
        with contextlib.nullcontext() if vcd is None else simulator.write_vcd(str(vcd)):
            for _ in range(2 * max_cycles):  # half a clock period each
                unfinished = simulator.advance()
                for bench in started:
                    if bench.error is not None:
                        raise bench.error
                if not unfinished:
                    return
        names = ", ".join(bench.name for bench in critical if not bench.done)
        raise SimulationTimeoutError(f"not finished after {max_cycles} cycles: {names}")
    finally:
        for bench in started:
            bench.close()


class _Started:
    """A bench that tells how it ended, and that can be put away unfinished.

    Amaranth's ``until`` and ``repeat`` complain where they are collected as garbage, and a bench
    that fails first leaves the others not even begun; either would fail an unrelated test.
    """

    def __init__(self, bench: Bench) -> None:
        self.name = getattr(bench, "__name__", repr(bench))
        self.done = False
        self.error: BaseException | None = None
        self._bench = bench
        self._coroutine: Coroutine[Any, Any, None] | None = None

    async def run(self, ctx: SimulatorContext) -> None:
        self._coroutine = self._bench(ctx)
        try:
            await self._coroutine
            self.done = True
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error

    def close(self) -> None:
        if self._coroutine is not None:
            with contextlib.suppress(RuntimeError):
                self._coroutine.close()


def _clocked(dut: Elaboratable) -> Module:
    """Return a design that holds `dut` and surely uses the sync domain."""
    m = Module()
    m.submodules.dut = dut
    tick = Signal()
    m.d.sync += tick.eq(~tick)
    return m
