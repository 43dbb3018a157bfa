"""Samples end when the golden model's do: the component, clock by clock, and whole cores."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth import Signal
from amaranth.sim import SimulatorContext

from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import Hardware
from tests.bench import bench_stopping, pysim
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of
from tests.support.byte_program import Program, check, cycle_limit
from tests.support.configurations import LAYER, table
from tests.support.random_config import random_images, random_weights


@pytest.mark.parametrize("case", bench_stopping.cases(), ids=lambda case: case.name)
def test_known_steps_and_decisions_are_golden_in_their_clock(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("mutant", of("stopping"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_stopping.cases(module), 1))


def samples(program: Program, count: int, rng: np.random.Generator) -> set[int]:
    """Train and infer with margins that change; return how many steps were run, of all samples."""
    config = program.machine.config
    images = random_images(config.sizes[0], rng)
    ran = set()
    for _ in range(count):
        for key, values in {
            "stop.train": (0, 1, 2, 4, config.steps + 1, 4095),
            "stop.infer": (0, 1, 2, 4, config.steps + 1, 4095),
            "stop.least": (0, 1, 1, 3, config.steps, 4096),
            "steps": (config.steps, config.steps, max(1, config.steps // 2)),
        }.items():
            program.write(key, int(rng.choice(values)))
        for _ in range(3):  # the next image comes while a sample runs
            program.image(images[rng.integers(len(images))])
            if rng.random() < 0.5:
                program.infer()
            else:
                program.train(int(rng.integers(config.sizes[-1])))
            ran.add(int.from_bytes(program.exchanges[-1].reply[-2:], "little"))
        program.digest()
        program.read_registers()
    program.read_all_weights()
    return ran


@pytest.mark.parametrize(
    ("sizes", "changes"),
    [
        ([16, 4], {}),
        ([16, 8, 2], {"steps": 1}),
        ([16, 8, 4], {"input__dropout": 0.3}),
        ([16, 7, 4], {"label__train": "random", "wta": {"kind": "recurrent", "strength": 0.25}}),
        ([16, 7, 6, 5, 6, 4], {}),
    ],
)
def test_a_core_ends_samples_with_golden_and_nothing_of_them_is_left(sizes, changes, rng):
    given = {"image": [4, 4], "sizes": sizes, "steps": 12, "stop": {"train": 2, "infer": 2}}
    layer = {**LAYER, "reach": 2.0, "update": 1.0, "error_threshold": 0.25}
    given |= {"input__rate": 0.8, "layer": [layer] * (len(sizes) - 1), **changes}
    built = machine(from_dict(table(**given)))
    ran: set[int] = set()
    while len(ran) < min(4, built.config.steps):  # else these weights make too few spikes
        program = Program(built)
        program.load_weights(random_weights(built, rng))
        ran = samples(program, 12, rng)
    core = Core(built.config, Hardware(lanes=(3, 4), draws=int(rng.integers(1, 5))))
    check(core, program, stall=float(rng.choice([0.0, 0.5])))


def test_a_core_that_is_reset_in_the_middle_of_a_sample_begins_anew(rng):
    layer = {**LAYER, "reach": 2.0, "update": 1.0, "error_threshold": 0.25}
    given = {"image": [4, 4], "sizes": [16, 8, 4], "steps": 12, "layer": [layer] * 2}
    built = machine(from_dict(table(stop={"train": 2, "infer": 2}, input__rate=0.8, **given)))
    weights = random_weights(built, rng)
    cut, program = Program(built), Program(built)
    for each in (cut, program):
        each.load_weights(weights)
        each.image(np.full(16, 255, np.uint8))
        each.train(1)
    samples(program, 2, rng)
    reset, whole = Signal(), []
    core = Core(built.config, Hardware(lanes=(3, 4)), reset=reset)

    async def send(ctx: SimulatorContext) -> None:
        for clocks in rng.integers(1, 300, 5).tolist():
            await pysim.put(ctx, core.i, cut.data)
            await ctx.tick().until(core.busy)
            await ctx.tick().repeat(clocks)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            await ctx.tick().repeat(2)
        whole.append(True)
        await pysim.put(ctx, core.i, program.data)

    async def receive(ctx: SimulatorContext) -> None:
        while not whole:
            await ctx.tick()
        found = bytes(await pysim.collect(ctx, core.o, program.reply_bytes))
        assert next(program.differences(found), None) is None

    pysim.run(core, send, receive, max_cycles=cycle_limit(built, program) + 10_000)
