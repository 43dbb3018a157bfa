"""Benches for one component, clock by clock, in Amaranth's simulator and in cocotb alike.

A bench is a set of drivers, generators that yield the pins they want in the next clock and get
back every pin as it stood at the end of it, and a check that sees the same. Drivers only send:
what is expected is computed from what the check sees, so a fault of a driver cannot hide one of
the component. All pins are unsigned integers, arrays and structures packed as in the ports.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.sim import SimulatorContext
from cocotb.triggers import Timer

from tests.bench import pysim

Pins = Mapping[str, int]
Driver = Generator[Pins, Pins, None]

HALF_PERIOD = 5  # ns
DRAIN = 8
"""Clocks after the last driver has ended, for what is still in the pipeline."""


class StuckError(AssertionError):
    """The drivers of a bench had not ended within the clocks it was given."""


class Bench:
    """Base of all benches: drivers side by side, a check per clock, a check at the end.

    Parameters
    ----------
    component : tells the pins, their directions and shapes; it is not simulated here.
    seed : of `self.rng`, from which everything random must come.
    """

    clocks = 20_000
    """More than the drivers ever need: what takes longer hangs."""

    def __init__(self, component: wiring.Component, seed: int) -> None:
        flat = component.signature.members.flatten()
        members = {_joined(path): member for path, member in flat if member.is_port}
        self.inputs = [name for name, m in members.items() if m.flow is wiring.In]
        self.pins = list(members)
        self.shapes = {name: m.shape for name, m in members.items()}
        self.rng = random.Random(seed)
        self.clock = 0

    def drivers(self) -> Iterable[Driver]:
        """Return the drivers; the run is over when all of them have ended."""
        raise NotImplementedError

    def background(self) -> Iterable[Driver]:
        """Return drivers that never end; they go on while the pipeline drains."""
        return ()

    def check(self, seen: Pins) -> None:
        """Look at one clock; raise `AssertionError` at what must not be."""
        raise NotImplementedError

    def finish(self) -> None:
        """Look back once the run is over; raise `AssertionError` where something is missing."""

    def run(self) -> Driver:
        """Yield all input pins clock after clock; the simulator sends back what it saw."""
        running = [_Live(driver) for driver in self.drivers()]
        lasting = [_Live(driver) for driver in self.background()]
        left = DRAIN
        while left:
            pins = dict.fromkeys(self.inputs, 0)
            for live in running + lasting:
                pins |= live.pins
            seen = yield pins
            self.check(seen)
            self.clock += 1
            if self.clock > self.clocks:
                raise StuckError(f"not finished after {self.clocks} clocks")
            for live in running + lasting:
                live.go_on(seen)
            running = [live for live in running if not live.ended]
            left = DRAIN if running else left - 1
        self.finish()

    def expect(self, what: str, got: object, wanted: object) -> None:
        """Raise `AssertionError` with the clock and both values unless they are equal."""
        if got != wanted:
            raise AssertionError(f"clock {self.clock}: {what} is {got!r}, expected {wanted!r}")

    def pack(self, pin: str, **fields: int) -> int:
        """Return a structure's bits; fields that are not named are 0."""
        return pack(self.shapes[pin], fields)

    def fields(self, pin: str, bits: int) -> dict[str, int]:
        """Return a structure's fields."""
        return {
            name: bits >> field.offset & (1 << field.width) - 1 for name, field in self.shapes[pin]
        }


class _Live:
    """A driver and the pins it holds."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.pins: Pins = {}
        self.ended = False
        self.go_on(None)

    def go_on(self, seen: Pins | None) -> None:
        """Let the driver see the clock that is over, and take its pins for the next."""
        try:
            self.pins = self._driver.send(seen)
        except StopIteration:
            self.pins, self.ended = {}, True


def _joined(path: Iterable[str | int]) -> str:
    """Return the name of a port, as in Verilog: ``i__valid`` is `valid` of `i`."""
    return "__".join(map(str, path))


def pack(layout: data.StructLayout, fields: Mapping[str, int]) -> int:
    """Return the bits of a structure; fields that are not named are 0."""
    bits = 0
    for name, value in fields.items():
        field = layout[name]
        bits |= (value & (1 << field.width) - 1) << field.offset
    return bits


def lanes(bits: int, width: int, count: int, *, signed: bool = False) -> list[int]:
    """Return the elements of an array of `count` numbers of `width` bits."""
    words = [bits >> width * lane & (1 << width) - 1 for lane in range(count)]
    half = 1 << width - 1
    return [word - 2 * half if signed and word >= half else word for word in words]


def join(words: Iterable[int], width: int) -> int:
    """Return an array's bits; the reverse of `lanes`, numbers are cut to `width` bits."""
    bits = 0
    for lane, word in enumerate(words):
        bits |= (int(word) & (1 << width) - 1) << width * lane
    return bits


class Stalls:
    """Random back-pressure in moods: now none, now some, now a lot, for a few dozen clocks each."""

    def __init__(self, rng: random.Random, moods: tuple[float, ...] = (0.0, 0.0, 0.5, 0.9)) -> None:
        self._rng, self._moods = rng, moods
        self._left, self._mood = 0, 0.0

    def __call__(self) -> bool:
        """Say whether this clock stalls."""
        if not self._left:
            self._mood, self._left = self._rng.choice(self._moods), self._rng.randint(1, 40)
        self._left -= 1
        return self._rng.random() < self._mood


def ready(pin: str, stalls: Callable[[], bool]) -> Driver:
    """Drive a ready input for ever, low where it stalls (for `Bench.background`)."""
    while True:
        yield {pin: not stalls()}


class InOrder:
    """Compares what a component sends with what the model expects, in order, none left over."""

    def __init__(self, bench: Bench, what: str) -> None:
        self._bench, self._what = bench, what
        self._expected: deque[Any] = deque()
        self.count = 0

    def expect(self, item: Any) -> None:
        """Append what the model says comes next."""
        self._expected.append(item)

    def see(self, item: Any) -> None:
        """Compare what came."""
        what = f"{self._what} number {self.count}"
        if not self._expected:
            raise AssertionError(f"clock {self._bench.clock}: {what} is {item!r}, expected none")
        self._bench.expect(what, item, self._expected.popleft())
        self.count += 1

    def finish(self) -> None:
        """Check that nothing is missing."""
        if self._expected:
            raise AssertionError(
                f"{self._what}: {len(self._expected)} after number {self.count} never came, "
                f"the next one is {self._expected[0]!r}"
            )


class Held:
    """Checks the rule of a handshake: what is offered and not taken stays as it is."""

    def __init__(self, bench: Bench, what: str) -> None:
        self._bench, self._what = bench, what
        self._offered: Any = None

    def see(self, offered: Any, taken: bool) -> None:
        """Compare with the clock before; `offered` is None where nothing is offered."""
        if self._offered is not None:
            self._bench.expect(f"{self._what}, not taken before,", offered, self._offered)
        self._offered = None if taken else offered


def simulate(component: wiring.Component, bench: Bench) -> Bench:
    """Run a bench in Amaranth's simulator; return it."""
    flat = component.signature.flatten(component)
    values = {_joined(path): Value.cast(value) for path, _, value in flat}
    raw = [value.as_unsigned() for value in values.values()]

    async def stepping(ctx: SimulatorContext) -> None:
        run = bench.run()
        before: dict[str, int] = {}
        pins = next(run)
        while True:
            for name, value in pins.items():
                if before.get(name) != value:
                    ctx.set(values[name], value)
            before = dict(pins)
            _, _, *seen = await ctx.tick().sample(*raw)
            try:
                pins = run.send(dict(zip(values, seen, strict=True)))
            except StopIteration:
                return

    pysim.run(component, stepping, max_cycles=bench.clocks + 2 * DRAIN)
    return bench


@dataclass(frozen=True)
class Case:
    """One component with its bench: `name` is the prefix of its ports in a set of blocks."""

    name: str
    component: Callable[[], wiring.Component]
    bench: Callable[[wiring.Component, int], Bench]


def run_case(case: Case, seed: int) -> Bench:
    """Run a case in Amaranth's simulator."""
    component = case.component()
    return simulate(component, case.bench(component, seed))


def run_cases(cases: Iterable[Case], seed: int) -> None:
    """Run cases one after the other, up to the first that fails."""
    for case in cases:
        run_case(case, seed)


async def reset(dut: Any) -> None:
    """Hold a cocotb design's reset for two clocks, all of its other inputs as they are."""
    dut.rst.value = 1
    for level in (0, 1, 0, 1, 0):
        dut.clk.value = level
        await Timer(HALF_PERIOD, unit="ns")
    dut.rst.value = 0


async def cosimulate(dut: Any, case: Case, seed: int, *, cut: int | None = None) -> Bench:
    """Reset a cocotb design and run a bench on its block whose ports start with the case's name.

    Pins are set while the clock is low and read before it rises. `cut` leaves the bench, and the
    block in whatever state it is, after that many clocks.
    """
    bench = case.bench(case.component(), seed)
    handles = {name: getattr(dut, f"{case.name}__{name}") for name in bench.pins}
    for name in bench.inputs:
        handles[name].value = 0
    await reset(dut)
    run = bench.run()
    before: dict[str, int] = {}
    pins = next(run)
    while cut is None or bench.clock < cut:
        for name, value in pins.items():
            if before.get(name) != value:
                handles[name].value = int(value)
        before = dict(pins)
        await Timer(HALF_PERIOD, unit="ns")
        seen = {name: int(handle.value) for name, handle in handles.items()}
        dut.clk.value = 1
        await Timer(HALF_PERIOD, unit="ns")
        dut.clk.value = 0
        try:
            pins = run.send(seen)
        except StopIteration:
            break
    return bench
