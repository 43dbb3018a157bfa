"""Small configurations for tests: one plain table, and random ones that reach every option."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np

from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.wta import SOFTMAX

STREAMS = ("input", "thinning", "dropout", "label", "jitter", "noise")
"""Kinds of streams that have a generator of their own."""

LAYER: dict[str, Any] = {
    "weight_bits": 8,
    "reach": 0.5,
    "init_gain": 1.0,
    "update": 0.02,
    "error_threshold": 0.5,
    "dropout": 0.0,
}

TABLE: dict[str, Any] = {
    "name": "small",
    "description": "for tests",
    "image": [2, 3],
    "sizes": [6, 5, 3],
    "steps": 8,
    "random": {
        "seed": 1,
        "input": "lfsr64",
        "thinning": "lfsr64",
        "dropout": "lfsr32",
        "label": "lfsr32",
    },
    "input": {"rate": 0.4, "ramp": "linear", "dropout": 0.0},
    "neuron": {
        "reset": "subtract",
        "kernel_shift": 0,
        "floor": 4.0,
        "ceiling": 1.0,
        "start": 0.5,
    },
    "error": {"membranes": "shared", "gate": "hold", "kernel_shift": 0, "bits": 18},
    "label": {"train": "front", "rate": 0.5},
    "wta": {"kind": "none", "strength": 0.0},
    "learning": {"rule": "ssnn-bp", "decay": 0.5, "decay_from": 4},
    "layer": [LAYER, {**LAYER, "weight_bits": 12, "error_threshold": 1.0}],
}


def table(**changes: Any) -> dict[str, Any]:
    """Return a fresh TABLE with changes; `section__key=value` reaches into a section."""
    result = copy.deepcopy(TABLE)
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if key:
            result[section][key] = value
        else:
            result[section] = value
    return result


def other_values(cls: type, known: Collection[str]) -> dict[str, list[Any]]:
    """Return values that are not neutral of every key of a section that `known` does not name.

    Where tests draw each key by hand, it lets one that comes later be drawn as well.
    """
    found = {}
    for field in dataclasses.fields(cls):
        if field.metadata and field.name not in known:
            values = field.metadata.get("choices")
            if values is None:
                low, high = field.metadata["range"].low, field.metadata["range"].high
                middle = type(field.default)(low + (high - low) / 5)
                values = (low, min(low + 1, high), middle, high)
            found[field.name] = [value for value in values if value != field.default]
    return found


def random_config(rng: np.random.Generator, **changes: Any) -> NetworkConfig:
    """Draw a tiny network with every option at random; `changes` as in `table`."""
    while True:
        config = _draw(rng, changes)
        try:
            machine(config)
        except ConfigError:  # a threshold that rounds to 0 or does not fit: draw again
            continue
        return config


def _draw(rng: np.random.Generator, changes: dict[str, Any]) -> NetworkConfig:

    def one_of(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    hidden = [int(rng.integers(1, 7)) for _ in range(one_of(0, 1, 1, 1, 2, 3))]
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    sizes = [rows * columns, *hidden, int(rng.integers(2, 6))]
    layers = [
        {
            **LAYER,
            "weight_bits": int(rng.integers(2, 17)),
            "reach": one_of(0.125, 0.25, 0.5, 1.0, 4.0),
            "init_gain": one_of(0.5, 1.0, 3.0),
            "update": one_of(0.0, 0.0005, 0.01, 0.2, 1.0),
            "error_threshold": one_of(0.125, 0.25, 0.5, 1.0, 2.0),
            "dropout": one_of(0.0, 0.0, 0.3) if index < len(sizes) - 2 else 0.0,
            "leak": one_of(0.0, 0.0, 0.1, 0.25, 0.5),
            "drop": one_of(1.0, 1.0, 0.0, 0.5, 1.25, 8.0),
        }
        for index in range(len(sizes) - 1)
    ]
    kinds = {kind: one_of(*CATALOG) for kind in STREAMS}
    wta = one_of("none", "lateral", "feedforward", "recurrent", SOFTMAX)
    drawn = table(
        image=[rows, columns],
        sizes=sizes,
        steps=int(rng.integers(1, 16)),
        random={"seed": int(rng.integers(2**63)), **kinds},
        input__rate=one_of(0.4, 0.7, 1.0),
        input__ramp=one_of("linear", "constant"),
        input__dropout=one_of(0.0, 0.0, 0.4),
        input__jitter=one_of(0, 0, 1, 2, 3),
        neuron__reset=one_of("subtract", "zero"),
        neuron__kernel_shift=one_of(0, 0, 1, 3),
        neuron__floor=one_of(0.0, 1.0, 4.0),
        neuron__ceiling=one_of(0.0, 0.5, 1.0, 4.0),
        neuron__start=one_of(0.0, 0.5, 1.0),
        error__membranes=one_of("shared", "separate"),
        error__gate=one_of("hold", "discard", "open"),
        error__kernel_shift=one_of(0, 0, 1, 2),
        error__bits=one_of(20, 22, 30),
        error__cost=one_of(0.0, 0.0, 0.05, 0.5, 1.0),
        label__train=one_of("front", "constant", "random-front", "random"),
        label__rate=one_of(0.3, 0.5, 1.0),
        wta__kind=wta,
        wta__strength=one_of(0.5, 3.0, 10.0) if wta == SOFTMAX else one_of(0.1, 0.25, 1.0),
        stop={
            "train": one_of(0, 0, 1, 2, 4),
            "infer": one_of(0, 0, 1, 2, 4),
            "least": one_of(1, 1, 3, 20),
        },
        learning__rule=one_of("ssnn-bp", "ssnn-bp", "random-feedback", "rate"),
        layer=layers,
    )
    for name, value in changes.items():
        section, _, key = name.partition("__")
        drawn.setdefault(section, {})[key] = value
    return from_dict(drawn)
