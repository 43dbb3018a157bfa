"""Runs a case on the RTL and compares every reply with golden's."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from amaranth.sim import SimulatorContext

from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.protocol import Feature
from spikeloom.hdl import core
from tests.bench import pysim
from tests.campaigns.fuzz.case import Case
from tests.campaigns.fuzz.reference import Exchange, Reference

AFTERWARDS = 50
"""Clocks after the last reply in which the core must not send anything."""


class DifferenceError(AssertionError):
    """Golden and the RTL differ, or the RTL hangs; says at which command."""


@dataclass(frozen=True)
class Outcome:
    """What a case that passed has compared.

    Attributes
    ----------
    commands, reply_bytes : compared. weights, counts : of the numbers in them, those that were
        weights and spike counts. cycles : clocks that were simulated.
    events : see `Reference`.
    """

    commands: int
    reply_bytes: int
    weights: int
    counts: int
    cycles: int
    events: Counter[str]


def exchanges(case: Case) -> tuple[list[Exchange], Reference]:
    """Return a case's commands with golden's replies, and golden as it is afterwards.

    Behind the case's own commands every weight, the digest and every register are read.
    `CaseError` if a command is malformed.
    """
    features = Feature.COUNTERS if case.hardware.counters else Feature(0)
    numbers = machine(case.config)
    reference = Reference(numbers, features)
    layers = [("read_weights", layer.index, 0, layer.n_pre) for layer in numbers.layers]
    names = [("read", name) for name in reference.registers]
    commands = [*case.commands, *layers, ("digest",), *names]
    return [reference.answer(command) for command in commands], reference


def run(case: Case) -> Outcome:
    """Run a case; `DifferenceError` tells the first reply that is not golden's.

    Amaranth's own simulator is the engine: a small core is simulated there in less time than it
    takes to compile (measured: 3 s of processor time against more than 20 s).
    """
    wanted, reference = exchanges(case)
    numbers, stalls = reference.machine, case.stalls
    dut = core.Core(case.config, case.hardware)
    data = b"".join(exchange.data for exchange in wanted)
    clocks = 0

    async def send(ctx: SimulatorContext) -> None:
        await pysim.put(ctx, dut.i, data, stall=stalls.commands / 256, seed=stalls.seed)

    async def receive(ctx: SimulatorContext) -> None:
        seeds = random.Random(stalls.seed)
        for number, exchange in enumerate(wanted):
            if exchange.reply.nbytes and stalls.pause:
                await ctx.tick().repeat(stalls.pause)
            found = await pysim.collect(
                ctx,
                dut.o,
                exchange.reply.nbytes,
                stall=stalls.replies / 256,
                seed=seeds.getrandbits(32),
            )
            try:
                exchange.check(bytes(found))
            except AssertionError as error:
                raise DifferenceError(f"command {number}, {_lines(error)}") from None
        # every reply was taken, so anything that comes now is one too many
        ctx.set(dut.o.ready, 1)
        for _ in range(AFTERWARDS):
            *_, valid = await ctx.tick().sample(dut.o.valid)
            if valid:
                raise DifferenceError("the core sent a byte that nobody asked for")

    async def count(ctx: SimulatorContext) -> None:
        nonlocal clocks
        async for _ in ctx.tick():
            clocks += 1

    limit = cycle_limit(numbers, wanted, case)
    try:
        pysim.run(dut, send, receive, monitors=[count], max_cycles=limit)
    except pysim.SimulationTimeoutError as error:
        raise DifferenceError(f"the core hangs: {error}") from None
    except pysim.StreamRuleError as error:
        raise DifferenceError(f"the core breaks the streams' rule: {error}") from None
    kinds = Counter()
    for exchange in wanted:
        kinds[exchange.reply.dtype.str] += exchange.reply.size
    return Outcome(
        commands=len(wanted),
        reply_bytes=sum(exchange.reply.nbytes for exchange in wanted),
        weights=kinds["<i2"],
        counts=kinds["<u2"],
        cycles=clocks,
        events=reference.events,
    )


def _lines(error: AssertionError) -> str:
    """Return NumPy's message without its empty lines."""
    return "\n".join(line for line in str(error).splitlines() if line.strip())


def cycle_limit(machine: Machine, wanted: list[Exchange], case: Case) -> int:
    """Return clocks after which a core that has not finished a case must be stuck."""
    accesses = sum(
        layer.words * (layer.n_pre + 12) + layer.n_post * (layer.words + layer.n_pre + 1) + 60
        for layer in case.hardware.of(machine)
    )
    config = machine.config
    sample = config.steps * (accesses + config.sizes[0] + 100) + sum(config.sizes) + 200
    samples = sum(command[0] in ("train", "infer") for command in case.commands)
    digests = 1 + sum(command[0] == "digest" for command in case.commands)
    moved = sum(len(exchange.data) + exchange.reply.nbytes for exchange in wanted)
    slowest = max(case.stalls.commands, case.stalls.replies) / 256
    idle = len(wanted) * (20 + case.stalls.pause) + digests * 8 * config.weight_count
    return int((moved * 8 + 100) / (1 - slowest)) + samples * sample + idle
