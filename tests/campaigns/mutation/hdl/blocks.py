"""The blocks that are mutated, each in a few sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from amaranth.lib import wiring

from tests.bench import (
    bench_competition,
    bench_crossbar,
    bench_encoder,
    bench_fold,
    bench_frames,
    bench_learning,
    bench_lfsr,
    bench_link,
    bench_neuron,
    bench_registers,
    bench_spikes,
    bench_stopping,
    bench_vectors,
    bench_weights,
    bench_wta,
)
from tests.bench.bench import Case
from tests.campaigns.mutation.hdl import contracts
from tests.campaigns.mutation.hdl.core import HARDWARE, CoreSubject, configurations
from tests.campaigns.mutation.hdl.equivalence import Contract
from tests.campaigns.mutation.hdl.stimuli import aimed
from tests.campaigns.mutation.hdl.subject import BlockSubject, Subject


def _pick(cases: list[Case], *places: int) -> list[Case]:
    return [cases[place] for place in places]


def _crossbars() -> list[Case]:
    every = bench_crossbar.cases()
    return _pick(every, 1, 4, 8)


def _vectors() -> list[Case]:
    return [
        *_pick(bench_vectors.register_cases(), 0),
        *_pick(bench_vectors.memory_cases(), 3),
    ]


CASES: dict[str, Callable[[], Iterable[Case]]] = {
    "lfsr": lambda: _pick(bench_lfsr.cases(), 1, 2, -2),
    "neuron": lambda: map(aimed, _pick(bench_neuron.forward_cases(), 1, 2, 7)),
    "error": lambda: map(aimed, _pick(bench_neuron.error_cases(), 1, 2, 5, 9)),
    "crossbar": _crossbars,
    "encoder": lambda: [
        *map(aimed, _pick(bench_encoder.cases(), 0, 5)),
        *_pick(bench_encoder.jitter_cases(), 0),
    ],
    "dropout": lambda: map(aimed, _pick(bench_encoder.dropout_cases(), 1)),
    "learning": lambda: map(aimed, _pick(bench_learning.cases(), 1)),
    "wta": lambda: _pick(bench_wta.cases(), 10, 11),
    "competition": lambda: _pick(bench_competition.cases(), 0, 1),
    "stopping": lambda: _pick(bench_stopping.cases(), 0),
    "fold": lambda: _pick(bench_fold.cases(), 0, 4),
    "spikes": lambda: _pick(bench_spikes.cases(), 0, 5),
    "vectors": _vectors,
    "weights": lambda: _pick(bench_weights.cases(), 0),
    "registers": lambda: bench_registers.cases(),
    "streams": lambda: _pick(bench_registers.streams_cases(), 0),
    "uart": lambda: _pick(bench_link.cases(), 1),
    "link": lambda: bench_frames.cases(),
}
"""Sizes of every block."""

CONTRACTS: dict[str, Callable[[wiring.Component], Contract]] = {
    "forward": lambda component: contracts.forward(component.words),
    "error": lambda component: contracts.error(component.words),
    "competition": lambda component: contracts.competition(component.words),
    "scanner": lambda component: contracts.scanner,
    "registers": lambda component: contracts.registers,
}
"""What the callers of a block keep to, by the first word of its cases' names."""

NAMES = (*CASES, "core")


def subjects(block: str) -> list[Subject]:
    """Return what is mutated of a block."""
    if block == "core":
        return [CoreSubject(config, HARDWARE[name]) for name, config in configurations().items()]
    return [
        BlockSubject(block, case, CONTRACTS.get(case.name.partition("_")[0]))
        for case in CASES[block]()
    ]
