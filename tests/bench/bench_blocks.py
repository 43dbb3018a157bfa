"""The block benches in cocotb: sets of blocks that share a build, and a test for each kind.

The plusargs say which set was built and which seed to use. Every bench is begun, cut short by a
reset in the middle, and run whole from there.
"""

from __future__ import annotations

import cocotb

from tests.bench import (
    bench_competition,
    bench_crossbar,
    bench_encoder,
    bench_fold,
    bench_layer,
    bench_learning,
    bench_lfsr,
    bench_neuron,
    bench_spikes,
    bench_stopping,
    bench_vectors,
    bench_wta,
)
from tests.bench.bench import Case, cosimulate

CUT = 61
"""Clocks after which a bench's first run is cut short."""


def lfsr(wide: bool) -> list[Case]:
    every = bench_lfsr.cases()
    return every if wide else [every[1], every[-1]]


def encoder(wide: bool) -> list[Case]:
    cases, jitter = bench_encoder.cases(), bench_encoder.jitter_cases()
    dropout = bench_encoder.dropout_cases()
    few = [cases[0], cases[5], cases[9], jitter[0], dropout[1]]
    return [*cases, *jitter, *dropout] if wide else few


def forward(wide: bool) -> list[Case]:
    every = bench_neuron.forward_cases()
    return every if wide else every[1:3]


def error(wide: bool) -> list[Case]:
    every = bench_neuron.error_cases()
    return every if wide else [every[1], every[4]]


def wta(wide: bool) -> list[Case]:
    every = bench_wta.cases()
    return every[4:] if wide else every[9:12]


def competition(wide: bool) -> list[Case]:
    every = bench_competition.cases()
    return every if wide else every[:1]


def stopping(wide: bool) -> list[Case]:
    every = bench_stopping.cases()
    return every if wide else every[:1]


def crossbar(wide: bool) -> list[Case]:
    every = bench_crossbar.cases()
    return every if wide else [every[1], every[6], every[-1]]


def learning(wide: bool) -> list[Case]:
    every = bench_learning.cases()
    return every if wide else every[1:2]


def spikes(wide: bool) -> list[Case]:
    every = bench_spikes.cases()
    return every if wide else [every[0], every[5]]


def fold(wide: bool) -> list[Case]:
    every = bench_fold.cases()
    return every if wide else every[:1]


def vectors(wide: bool) -> list[Case]:
    registers, memories = bench_vectors.register_cases(), bench_vectors.memory_cases()
    return [*registers, *memories] if wide else [registers[0], memories[3]]


def layer(wide: bool) -> list[Case]:
    forward, feedback = bench_layer.forward_cases(), bench_layer.feedback_cases()
    return [*forward, *feedback] if wide else [forward[0], feedback[1]]


KINDS = (
    *(lfsr, encoder, forward, error, wta, competition, stopping),
    *(crossbar, learning, spikes, fold, vectors, layer),
)
WIDE = {
    "streams": (lfsr, learning, spikes, fold, vectors, layer),
    "ends": (encoder, wta, competition, stopping),
    "neurons": (forward, error),
    "crossbars": (crossbar,),
}


def blocks(name: str) -> dict[str, list[Case]]:
    """Return the blocks of a set by kind: "few" of every kind, or all of the kinds in `WIDE`."""
    if name == "few":
        return {kind.__name__: kind(False) for kind in KINDS}
    return {kind.__name__: kind(True) for kind in WIDE[name]}


def check(kind: str):
    """Return the cocotb test of one kind; a set without it has no use for the test."""

    @cocotb.test(name=f"check_{kind}")
    async def test(dut) -> None:
        seed = int(cocotb.plusargs["seed"])
        for case in blocks(cocotb.plusargs["set"])[kind]:
            dut._log.info("%s", case.name)
            await cosimulate(dut, case, seed, cut=CUT)
            await cosimulate(dut, case, seed)

    return test


check_lfsr, check_encoder, check_wta = check("lfsr"), check("encoder"), check("wta")
check_forward, check_error = check("forward"), check("error")
check_crossbar, check_learning, check_spikes = check("crossbar"), check("learning"), check("spikes")
check_fold, check_vectors, check_layer = check("fold"), check("vectors"), check("layer")
check_competition, check_stopping = check("competition"), check("stopping")
