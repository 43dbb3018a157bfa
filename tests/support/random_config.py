"""Random small networks that reach every option and extreme of a configuration, from a seed."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from spikeloom.golden.spec.learning import MAX_SHIFT
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.golden.spec.neuron import NeuronConfig
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.stopping import LEAST, MARGINS
from spikeloom.golden.spec.wta import SOFTMAX
from spikeloom.hdl.hardware import DEFAULT, Hardware
from tests.support.configurations import STREAMS, other_values

INT32_LIMIT = 1 << 30
"""Membranes, pools and inhibition of a drawn network stay below it: golden counts in int32."""


def random_config(rng: np.random.Generator, **fixed: Any) -> NetworkConfig:
    """Draw a valid network of the coincidence form.

    Parameters
    ----------
    fixed : values for `section__key` (or plain keys such as `steps`) in place of drawn ones;
        `layer__key` is for all layers but the last.
    """
    while True:
        table = _table(rng)
        for name, value in fixed.items():
            section, _, key = name.rpartition("__")
            if section == "layer":
                for layer in table["layer"][:-1]:
                    layer[key] = value
            else:
                (table[section] if section else table)[key] = value
        try:
            config = from_dict(table)
            if _fits(machine(config)):
                return config
        except ConfigError:  # a threshold that rounds to 0 or does not fit: draw again
            continue


def random_lanes(
    config: NetworkConfig, rng: np.random.Generator, hardware: Hardware = DEFAULT
) -> Hardware:
    """Return `hardware` with other lanes, ports and draws: no result must change."""
    return dataclasses.replace(
        hardware,
        lanes=tuple(int(rng.integers(1, n_post + 3)) for n_post in config.sizes[1:]),
        ports=tuple(int(rng.integers(1, 3)) for _ in config.layers),
        draws=int(rng.integers(1, 6)),
    )


def random_hardware(config: NetworkConfig, rng: np.random.Generator) -> Hardware:
    """Return any way to build a core: its results must not change, but for counters left out."""
    hardware = Hardware(
        neurons=int(rng.choice([0, 0, 1, 2, 3, 4])),
        counters=bool(rng.random() < 0.7),
        registered=bool(rng.random() < 0.5),
        buffered=bool(rng.random() < 0.5),
        parts=int(rng.choice([1, 1, 2, 3])),
        drums=bool(rng.random() < 0.5),
    )
    return random_lanes(config, rng, hardware)


_KINDS = [0.2, 0.1, 0.2, 0.4, 0.1]


def random_weights(machine: Machine, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw weights of every crossbar, int16[n_pre, n_post]: spread out, small, or at the rails."""
    result = []
    for layer in machine.layers:
        shape, top = (layer.n_pre, layer.n_post), layer.weight_max
        kind = rng.choice(["uniform", "small", "rails", "positive", "negative"], p=_KINDS)
        if kind == "small":
            top = max(1, top // 8)
        weights = rng.integers(-top, top + 1, shape)
        if kind == "rails":
            weights = rng.choice([-top, 0, top], shape)
        elif kind == "positive":
            weights = np.abs(weights)
        elif kind == "negative":
            weights = -np.abs(weights)
        result.append(weights.astype(np.int16))
    return result


def random_images(pixels: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return images uint8[pixels]: blank, full, one pixel, and some with a random part lit."""
    one = np.zeros(pixels, np.uint8)
    one[rng.integers(pixels)] = rng.integers(1, 256)
    images = [np.zeros(pixels, np.uint8), np.full(pixels, 255, np.uint8), one]
    for share in (0.4, 0.7, 0.7, 0.9):
        lit = rng.random(pixels) < share
        images.append((rng.integers(1, 256, pixels) * lit).astype(np.uint8))
    return images


def describe(config: NetworkConfig) -> str:
    """Return a configuration as one line per section, to repeat a failure from."""
    table = dataclasses.asdict(config)
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())


def _fits(machine: Machine) -> bool:
    """Tell whether nothing in the machine comes near the limits of the golden model's int32."""
    config, largest = machine.config, 0
    for layer in machine.layers:
        limits = [abs(v) for s in (layer.train, layer.infer) for v in dataclasses.astuple(s)]
        current = layer.n_pre * layer.weight_max + layer.inhibition * layer.n_post
        error = layer.n_post * layer.weight_max << config.error.kernel_shift
        largest = max(largest, max(limits) + (current << config.neuron.kernel_shift + 1), error)
    return largest < INT32_LIMIT


def _table(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a configuration table; it may be invalid where two keys do not go together."""

    def one_of(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    def rarely(extreme: float, *usual: float) -> float:
        return extreme if rng.random() < 0.15 else one_of(*usual)

    hidden = [int(rng.integers(1, 10)) for _ in range(one_of(0, 1, 1, 2))]
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    sizes = [rows * columns, *hidden, int(rng.integers(2, 8))]
    if rng.random() < 0.25:
        sizes[int(rng.integers(1, len(sizes)))] = one_of(2, 4, 8)
    bits = [int(rng.integers(2, 17)) for _ in sizes[1:]]
    reach = [rarely(one_of(2**-10, 16), 0.25, 0.5, 1.0, 2.0, 4.0) for _ in bits]
    theta = [2 ** (b - 1) / r for b, r in zip(bits, reach, strict=True)]
    layers = []
    for index in range(len(bits)):
        last = index == len(bits) - 1
        # in units of the error neuron: one unit, or a share of a spike or of the next threshold
        unit = 256 if last else theta[index + 1]
        update = rarely(one_of(0.0, 0.001), 0.05, 0.2, 0.5, 1.0)
        layers.append(
            {
                "weight_bits": bits[index],
                "reach": reach[index],
                "init_gain": 1.0,
                "update": min(update, (1 << MAX_SHIFT) / theta[index]),
                "error_threshold": rarely(max(1 / unit, 2**-10), 0.05, 0.25, 0.5, 1.0),
                "dropout": one_of(0.0, 0.0, 0.0, 0.2, 0.5) if not last else 0.0,
            }
        )
    needed = 2 + max(
        math.ceil(math.log2(1 + layer["error_threshold"] * unit))
        for layer, unit in zip(layers, [*theta[1:], 256], strict=True)
    )
    drawn = ("reset", "kernel_shift", "floor", "ceiling", "start")
    others = {
        key: one_of(*values)
        for key, values in other_values(NeuronConfig, drawn).items()
        if rng.random() < 0.4
    }
    generators = {kind: one_of(*CATALOG) for kind in STREAMS}
    wta = one_of("none", "none", "lateral", "feedforward", "recurrent", SOFTMAX)
    return {
        "name": "random",
        "description": "drawn by tests/support/random_config.py",
        "image": [rows, columns],
        "sizes": sizes,
        "steps": int(rarely(one_of(1, 2), *range(4, 13))),
        "random": {"seed": int(rng.integers(2**63)), **generators},
        "input": {
            "rate": rarely(one_of(0.0, 0.2), 0.5, 0.8, 1.0),
            "ramp": one_of("linear", "constant"),
            "dropout": one_of(0.0, 0.0, 0.2, 0.5),
            "jitter": one_of(0, 0, 1, 2, 3),
        },
        "neuron": {
            "reset": one_of("subtract", "zero"),
            "kernel_shift": one_of(0, 0, 0, 0, 1, 2, 4),
            "floor": rarely(one_of(0.0, 64.0), 1.0, 4.0),
            "ceiling": rarely(one_of(0.0, 64.0), 0.5, 1.0, 2.0),
            "start": one_of(0.0, 0.5, 1.0),
            **others,
        },
        "error": {
            "membranes": one_of("shared", "separate"),
            "gate": one_of("hold", "discard", "open"),
            "kernel_shift": one_of(0, 0, 0, 1, 2, 4),
            "bits": one_of(*(min(30, max(10, needed + more)) for more in (0, 0, 1, 4, 12))),
            "cost": rarely(1.0, 0.0, 0.0, 0.02, 0.1, 0.5),
        },
        "label": {
            "train": one_of("front", "constant", "random-front", "random"),
            "rate": rarely(0.0, 0.5, 0.8, 1.0),
        },
        "wta": {
            "kind": wta,
            "strength": rarely(
                16.0, *((0.5, 3.0, 10.0) if wta == SOFTMAX else (0.0, 0.1, 0.25, 0.5))
            ),
        },
        "stop": {
            "train": int(rarely(MARGINS.high, 0, 0, 1, 2, 4)),
            "infer": int(rarely(MARGINS.high, 0, 0, 1, 2, 4)),
            "least": int(rarely(LEAST.high, 1, 1, 2, 5)),
        },
        "learning": {
            "rule": str(rng.choice(["ssnn-bp", "ssnn-bp", "random-feedback"])),
            "decay": 0.5,
            "decay_from": 4,
        },
        "layer": layers,
    }
