"""Deliberate faults of the core, and how to build the core with one of them."""

from __future__ import annotations

from typing import Any

import pytest
from mutants import Mutant

from spikeloom.hdl import (
    backward,
    core,
    crossbar,
    encoder,
    layer,
    network,
    neuron,
    spikes,
    streams,
)

HDL = (backward, core, crossbar, encoder, layer, network, neuron, spikes, streams)
"""The modules that the core is put together in, or that hold its memories."""

DROPOUT = Mutant(
    "layer",
    "with m.If(self.start):  # an inferred",
    "with m.If(0):  # an inferred",
    "training begins while dropout is still drawn",
)

NEIGHBOURS = Mutant(
    "crossbar",
    "Mux(self.access.host, 0, self.down)",
    "self.down",
    "a weight written by the host changes its neighbours where errors still wait",
)

# Mutant, and what a configuration needs so that it shows soon.
FAULTS: list[tuple[Mutant, dict[str, Any]]] = [
    (
        Mutant("core", "value > best", "value >= best", "ties go to the highest class"),
        {},
    ),
    (
        Mutant(
            "backward",
            "waiting | self._pending[i - 1] | below.fresh_fire",
            "waiting | self._pending[i - 1]",
            "charge is not served when its gate opens",
        ),
        {
            "error__gate": "hold",
            "error__kernel_shift": 0,
            "layer__error_threshold": 0.05,
            "neuron__start": 0.0,
            "label__train": "constant",
            "label__rate": 0.5,
            "wta__kind": "none",
            "steps": 12,
        },
    ),
    (
        Mutant(
            "backward",
            "waiting | self._pending[i - 1] | below.fresh_fire",
            "waiting | below.fresh_fire",
            "charge of several thresholds is not served in later steps",
        ),
        {"error__gate": "open", "steps": 12},
    ),
    (
        Mutant(
            "neuron",
            "Mux(negative, charge + ((1 << shift) - 1), charge)",
            "charge",
            "pools round downward",
        ),
        {"neuron__kernel_shift": 2},
    ),
    (
        Mutant("crossbar", "Mux(wide < -limit, -limit, wide)", "wide", "the lower rail is missing"),
        {"wta__kind": "none"},
    ),
    (
        Mutant("lfsr", "other.eq(seed)", "other.eq(other)", "inference goes on from where it was"),
        {},
    ),
    (
        Mutant(
            "core",
            "m.d.comb += net.empty.eq(1)",
            "pass",
            "an image adds to the one that was not used",
        ),
        {},
    ),
    (
        Mutant("wta", "Mux(mine[lane], strength, 0)", "0", "a neuron inhibits itself"),
        {"wta__kind": "lateral", "wta__strength": 0.25},
    ),
]


def replaced(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put what a mutant's module defines in the place of the sound definitions, everywhere."""
    with mutant.applied() as module:
        for user in HDL:
            for name, sound in vars(user).items():
                if getattr(sound, "__module__", None) == f"spikeloom.hdl.{mutant.module}":
                    monkeypatch.setattr(user, name, getattr(module, name))
        if mutant.module == "core":
            monkeypatch.setattr(core, "Core", module.Core)
