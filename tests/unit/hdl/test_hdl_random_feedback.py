"""Generated feedback against golden's matrix, access by access."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.sim import Simulator

from spikeloom.golden.rules.random_feedback import signs
from spikeloom.hdl.rules.random_feedback import Signs
from tests.support import stimulus

LATENCY = 2


@pytest.mark.parametrize(("n_pre", "n_post", "lanes"), [(12, 10, 4), (7, 3, 1), (64, 47, 16)])
def test_sums_are_those_of_the_matrix(n_pre: int, n_post: int, lanes: int, rng):
    """Sums of any error spikes, none among them, word after word of rows without a pause."""
    layer = stimulus.layer(n_pre, n_post, lanes=lanes, index=2, feedback=256, weight_bits=2)
    component, matrix = Signs(layer), signs(n_pre, n_post).astype(np.int64)
    words = -(-n_pre // layer.banks)
    expected, seen = [], []

    async def drive(ctx):
        access = component.request.access
        for _ in range(20):
            chosen = np.flatnonzero(rng.random(n_post) < rng.choice([0.0, 0.2, 1.0]))
            errors = rng.choice([-1, 1], len(chosen))
            for word in range(words):
                rows = np.arange(word * layer.banks, (word + 1) * layer.banks)
                rows = rows[rows < n_pre]
                wanted = matrix[np.ix_(rows, chosen)] @ errors
                expected.append((word, wanted.tolist()))
                every = list(zip(chosen.tolist(), errors.tolist(), strict=True)) or [None]
                for number, entry in enumerate(every):
                    ctx.set(component.request.asked, 1)
                    ctx.set(access.row, word)
                    ctx.set(access.first, number == 0)
                    ctx.set(access.last, number == len(every) - 1)
                    ctx.set(access.valid, entry is not None)
                    if entry is not None:
                        ctx.set(access.word, entry[0] // layer.lanes)
                        ctx.set(access.column, entry[0] % layer.lanes)
                        ctx.set(access.minus, entry[1] < 0)
                    assert ctx.get(component.request.ready)
                    await ctx.tick()
            ctx.set(component.request.asked, 0)
            await ctx.tick().repeat(int(rng.integers(1, 4)))
        await ctx.tick().repeat(LATENCY + 1)

    async def watch(ctx):
        soon = 0
        while True:
            sums = component.sums
            _, _, valid, word, coming, *lanes = await ctx.tick().sample(
                sums.valid, sums.word, sums.soon, *sums.currents
            )
            if valid:
                assert soon == word
                seen.append((word, lanes[: n_pre - word * layer.banks]))
            soon = coming

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    assert seen == expected
