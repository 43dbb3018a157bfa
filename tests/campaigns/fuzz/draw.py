"""Draws networks that reach every option and extreme of a configuration, with Hypothesis.

What Hypothesis takes for simple comes first everywhere: small layers, no options, blank data.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from spikeloom.golden.spec.learning import MAX_SHIFT
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.hardware import Hardware

Draw = Any
"""What Hypothesis hands to a composite strategy."""

SIZES = (*range(1, 10), 16, 17, 33, 36)
"""Neurons of a hidden layer: one at least; from 33 on drums are used."""


def rarely(usual: list[Any], extreme: list[Any]) -> st.SearchStrategy[Any]:
    """Draw one of the usual values, and an extreme one about every seventh time."""
    return st.sampled_from([*usual * max(1, round(6 * len(extreme) / len(usual))), *extreme])


@st.composite
def configs(draw: Draw) -> NetworkConfig:
    """Draw a network of the coincidence form that a core can have."""
    try:
        config = from_dict(draw(_tables()))
        machine(config)
    except ConfigError:  # a threshold that rounds to 0, or numbers beyond 32 bits
        reject()
    return config


def hardware(config: NetworkConfig) -> st.SearchStrategy[Hardware]:
    """Draw a way to build the core of a network."""
    return st.builds(
        Hardware,
        lanes=st.tuples(*(st.integers(1, size + 2) for size in config.sizes[1:])),
        ports=st.tuples(*(st.sampled_from([2, 1]) for _ in config.layers)),
        draws=st.integers(1, 8),
        neurons=st.sampled_from([0, 0, 1, 2, 3, 4]),
        counters=st.sampled_from([True, True, False]),
        registered=st.booleans(),
        buffered=st.booleans(),
        parts=st.sampled_from([1, 1, 2, 3]),
        drums=st.booleans(),
    )


@st.composite
def _tables(draw: Draw) -> dict[str, Any]:
    """Draw a configuration table; it may be invalid where two keys do not go together."""
    image = [draw(st.integers(1, 4)), draw(rarely([1, 2, 3, 4], [5, 9]))]
    hidden = draw(st.sampled_from([0, 1, 1, 1, 2, 3]))
    sizes = [image[0] * image[1]]
    sizes += [draw(rarely(list(SIZES[:9]), list(SIZES[9:]))) for _ in range(hidden)]
    sizes.append(draw(rarely([*range(2, 9)], [10, 16])))
    bits = [draw(st.integers(2, 16)) for _ in sizes[1:]]
    reach = [draw(rarely([1.0, 2.0, 4.0], [0.25, 0.5, 2**-10, 16.0])) for _ in bits]
    thetas = [2 ** (b - 1) / r for b, r in zip(bits, reach, strict=True)]
    # thresholds of error neurons: a share of the next layer's, or of a spike behind the last one
    units = [*thetas[1:], 256.0]
    layers = [
        draw(_layers(bits[k], reach[k], thetas[k], units[k], k == len(bits) - 1))
        for k in range(len(bits))
    ]
    needed = 2 + max(
        math.ceil(math.log2(1 + layer["error_threshold"] * unit))
        for layer, unit in zip(layers, units, strict=True)
    )
    generators = {
        kind: draw(st.sampled_from(list(CATALOG)))
        for kind in ("input", "thinning", "dropout", "label")
    }
    return {
        "name": "fuzzed",
        "description": "drawn by make fuzz",
        "image": image,
        "sizes": sizes,
        "steps": draw(rarely([4, 5, 6, 7, 8, 10, 12], [1, 2, 3, 16, 33])),
        "random": {"seed": draw(st.integers(0, 2**63 - 1)), **generators},
        "input": {
            "rate": draw(rarely([1.0, 0.8, 0.5], [0.0, 0.2])),
            "ramp": draw(st.sampled_from(["constant", "linear"])),
            "dropout": draw(st.sampled_from([0.0, 0.0, 0.2, 0.5])),
        },
        "neuron": draw(_neurons()),
        "error": {
            "membranes": draw(st.sampled_from(["shared", "separate"])),
            "gate": draw(st.sampled_from(["open", "hold", "discard"])),
            "kernel_shift": draw(rarely([0, 0, 0, 1, 2, 4], [8])),
            "bits": min(30, max(10, needed + draw(st.sampled_from([0, 1, 4, 12])))),
        },
        "label": {
            "train": draw(st.sampled_from(["constant", "front", "random", "random-front"])),
            "rate": draw(rarely([1.0, 0.8, 0.5], [0.0])),
        },
        "wta": {
            "kind": draw(st.sampled_from(["none", "none", "lateral", "feedforward", "recurrent"])),
            "strength": draw(rarely([0.0, 0.1, 0.25, 0.5], [16.0])),
        },
        "stop": {
            "train": draw(rarely([1, 0, 2, 1], [4, 4095])),
            "infer": draw(rarely([1, 0, 2, 1], [4, 4095])),
            "least": draw(rarely([1, 2], [5, 4096])),
        },
        "learning": {
            "rule": draw(st.sampled_from(["ssnn-bp", "ssnn-bp", "random-feedback"])),
            "decay": 0.5,
            "decay_from": 4,
        },
        "layer": layers,
    }


@st.composite
def _layers(
    draw: Draw, bits: int, reach: float, theta: float, unit: float, last: bool
) -> dict[str, Any]:
    """Draw a layer's table."""
    update = draw(rarely([1.0, 0.5, 0.2, 0.05], [0.0, 0.001]))
    threshold = draw(rarely([0.25, 0.05, 0.5, 1.0], [0.0, 4.0]))
    return {
        "weight_bits": bits,
        "reach": reach,
        "init_gain": 1.0,
        "update": min(update, (1 << MAX_SHIFT) / theta),
        "error_threshold": max(threshold, 1 / unit, 2**-10),
        "dropout": 0.0 if last else draw(st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.5])),
        "leak": draw(rarely([0.0, 0.0, 0.1, 0.25], [0.5, 2.0**-15])),
        "drop": draw(rarely([1.0, 1.0, 1.25, 0.5], [0.0, 8.0])),
    }


@st.composite
def _neurons(draw: Draw) -> dict[str, Any]:
    """Draw the forward neurons' table."""
    return {
        "reset": draw(st.sampled_from(["subtract", "zero"])),
        "kernel_shift": draw(rarely([0, 0, 0, 0, 1, 2, 4], [8])),
        "floor": draw(rarely([1.0, 4.0], [0.0, 64.0])),
        "ceiling": draw(rarely([1.0, 0.5, 2.0], [0.0, 64.0])),
        "start": draw(st.sampled_from([1.0, 0.5, 0.0])),
    }
