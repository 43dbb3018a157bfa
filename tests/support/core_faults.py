"""Deliberate faults of the core, and how to build the core with one of them."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from spikeloom.hdl import core, rules
from spikeloom.hdl.hardware import DEFAULT, Hardware
from tests.campaigns.mutation.planted import Mutant

DROPOUT = Mutant(
    "forward",
    "with m.If(self.sample.start):  # an inferred",
    "with m.If(0):  # an inferred",
    "training begins while dropout is still drawn",
)

NEIGHBOURS = Mutant(
    "crossbar",
    "keep.eq(self.change.keep & ~self.access.host)",
    "keep.eq(self.change.keep)",
    "a weight written by the host changes its neighbours where errors still wait",
)

ONE = Hardware(neurons=1)

_LAYER = {
    "weight_bits": 8,
    "reach": 0.5,
    "init_gain": 1.0,
    "update": 0.2,
    "error_threshold": 0.5,
    "dropout": 0.0,
}
SLOW_SECOND = {
    "steps": 12,
    "image": [2, 2],
    "sizes": [4, 9, 7],
    "layer": [_LAYER, _LAYER],
    "neuron__start": 1.0,
    "input__rate": 1.0,
    "error__bits": 30,
}
SLOW_HARDWARE = Hardware(neurons=1, lanes=(9, 1))
"""With it the second layer takes many times as long as the first, whose spikes have to wait."""

# Mutant, what a configuration needs so that it shows soon, and how the core is built; lanes, ports
# and draws are drawn where no lanes are told.
FAULTS: list[tuple[Mutant, dict[str, Any], Hardware]] = [
    (
        Mutant("commands", "value > best", "value >= best", "ties go to the highest class"),
        {},
        DEFAULT,
    ),
    (
        Mutant(
            "feedback",
            "above.waiting | pending | opened",
            "above.waiting | pending",
            "charge is not served when its gate opens",
        ),
        {
            "image": [1, 3],
            "sizes": [3, 8, 2],
            "layer": [{**_LAYER, "error_threshold": 0.05}] * 2,
            "learning__rule": "ssnn-bp",
            "stop__train": 0,
            "input__jitter": 0,
            "input__rate": 1.0,
            "error__cost": 0.0,
            "error__gate": "hold",
            "error__kernel_shift": 0,
            "neuron__start": 0.0,
            "neuron__kernel_shift": 0,
            "label__train": "constant",
            "label__rate": 0.5,
            "wta__kind": "none",
            "steps": 12,
        },
        DEFAULT,
    ),
    (
        Mutant(
            "feedback",
            "above.waiting | pending | opened",
            "above.waiting | opened",
            "charge of several thresholds is not served in later steps",
        ),
        {"error__gate": "open", "steps": 12},
        DEFAULT,
    ),
    (
        Mutant(
            "neuron",
            "Mux(negative, charge + ((1 << shift) - 1), charge)",
            "charge",
            "pools round downward",
        ),
        {"neuron__kernel_shift": 2},
        DEFAULT,
    ),
    (
        Mutant(
            "crossbar",
            "clip(words[lane] + change, layer.weight_max)",
            "Mux((new := words[lane] + change) > layer.weight_max, layer.weight_max, new)",
            "the lower rail is missing",
        ),
        {"wta__kind": "none"},
        DEFAULT,
    ),
    (
        Mutant(
            "lfsr",
            "with m.If(self.restart):",
            "with m.If(0):",
            "inference goes on from where it was",
        ),
        {},
        DEFAULT,
    ),
    (
        Mutant(
            "commands",
            "m.d.comb += self.network.image.empty.eq(1)",
            "pass",
            "an image adds to the one that was not used",
        ),
        {},
        DEFAULT,
    ),
    (
        Mutant("wta", "Mux(mine[lane], strength, 0)", "0", "a neuron inhibits itself"),
        {"wta__kind": "lateral", "wta__strength": 0.25},
        DEFAULT,
    ),
    (
        Mutant("feedback", "old | fired.spikes", "fired.spikes", "a gate shuts again"),
        {"error__gate": "hold", "steps": 12},
        DEFAULT,
    ),
    (
        Mutant(
            "columns",
            "bits.eq(self.errors.positive | self.errors.negative)",
            "bits.eq(self.errors.positive)",
            "negative error spikes do not go down",
        ),
        {"error__gate": "open", "steps": 12},
        DEFAULT,
    ),
    (
        Mutant(
            "forward",
            "waiting & (room | ~access1.last)",
            "waiting",
            "a word of sums overwrites the one before",
        ),
        {"steps": 12},
        ONE,
    ),
    (
        Mutant(
            "layer",
            "pause.eq(crossbar.access.last if folded else 0)",
            "pause.eq(0)",
            "no gap in which sums are cleared",
        ),
        {"steps": 12},
        ONE,
    ),
    (
        Mutant(
            "forward",
            "(begun - scanned)[:3] < ring",
            "1",
            "words of spikes overwrite those that wait",
        ),
        SLOW_SECOND,
        SLOW_HARDWARE,
    ),
    (
        Mutant(
            "vectors",
            "Mux(blank, 0, read.data.as_value())",
            "read.data",
            "spikes of the sample before wait in a drum",
        ),
        {"steps": 12, "wta__kind": "none"},
        Hardware(drums=True),
    ),
    (
        Mutant(
            "encoder",
            "running & (step != self.known)",
            "running",
            "steps are drawn that are not run",
        ),
        {"steps": 12, "stop__train": 1},
        DEFAULT,
    ),
    (
        Mutant(
            "sample",
            "(ended | waiting) & ~undecided, last",
            "ended | waiting, last",
            "a step is over before it is decided whether it was the last",
        ),
        {"steps": 12, "stop__train": 1},
        DEFAULT,
    ),
]


def replaced(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put what a mutant's module defines in the place of the sound definitions, everywhere."""
    users = [user for name, user in sys.modules.items() if name.startswith(core.__package__ + ".")]
    with mutant.applied() as module:
        for user in users:
            for name, sound in vars(user).items():
                if getattr(sound, "__module__", None) == f"spikeloom.hdl.{mutant.module}":
                    monkeypatch.setattr(user, name, getattr(module, name))
        for name, sound in rules.RULES.items():
            if sound.__module__ == f"spikeloom.hdl.{mutant.module}":
                monkeypatch.setitem(rules.RULES, name, getattr(module, sound.__name__))
