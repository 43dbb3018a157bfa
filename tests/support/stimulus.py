"""Inputs of the block benches: edge cases, seeded random ones, and machines of any shape."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from spikeloom.golden.lfsr import to_signed
from spikeloom.golden.spec.lfsr import WORD_BITS, Lfsr
from spikeloom.golden.spec.machine import Machine, clog2
from spikeloom.golden.spec.machine import machine as derive
from spikeloom.golden.spec.network import load
from spikeloom.golden.spec.neuron import Membrane
from spikeloom.hdl.hardware import BuiltLayer

MEMBRANE = Membrane(theta=40, start=20, floor=-160, ceiling=40)


def layer(n_pre: int, n_post: int, *, lanes: int, **changes: Any) -> BuiltLayer:
    """Return a layer of the given shape; `changes` are fields of `BuiltLayer`."""
    bits = changes.get("weight_bits", 8)
    lanes = min(lanes, n_post)
    fields: dict[str, Any] = {
        "index": 1,
        "n_pre": n_pre,
        "n_post": n_post,
        "weight_bits": bits,
        "weight_max": (1 << bits - 1) - 1,
        "train": MEMBRANE,
        "infer": MEMBRANE,
        "error_threshold": 30,
        "error_max": (1 << 17) - 1,
        "cost": 0,
        "dropout": 0,
        "inhibition": 0,
        "lanes": lanes,
        "words": -(-n_post // lanes),
        "banks": 1 << clog2(lanes),
        "ports": 2,
        "neurons": lanes,
    }
    return BuiltLayer(**fields | changes)


def machine(layers: tuple[BuiltLayer, ...] = (), **changes: Any) -> Machine:
    """Return a machine around `layers`; `section__key=value` changes its configuration.

    `sizes`, `steps`, `ramp_train`, ... change the configuration or the machine itself.
    """
    result = derive(load("tiny"))
    config = result.config
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if key:
            part = dataclasses.replace(getattr(config, section), **{key: value})
            config = dataclasses.replace(config, **{section: part})
        elif hasattr(config, name):
            config = dataclasses.replace(config, **{name: value})
    own = {name: value for name, value in changes.items() if hasattr(result, name)}
    return dataclasses.replace(result, config=config, layers=layers or result.layers, **own)


def edgy(rng: random.Random, limit: int) -> int:
    """Draw from -limit .. +limit, the rails, zero and their neighbours a quarter of the time."""
    if rng.random() < 0.25:
        return rng.choice((-limit, limit, 0, min(1, limit), -min(1, limit), 1 - limit, limit - 1))
    if rng.random() < 0.5:
        return rng.randint(-min(limit, 8), min(limit, 8))
    return rng.randint(-limit, limit)


def image(rng: random.Random, pixels: int) -> list[int]:
    """Draw an image: blank, all 255, a single pixel, or any share of non-zero pixels."""
    kind = rng.randrange(6)
    if kind < 2:
        return [255 * kind] * pixels
    if kind == 2:
        place = rng.randrange(pixels)
        return [rng.randint(1, 255) if i == place else 0 for i in range(pixels)]
    share = rng.random()
    return [
        rng.choice((1, 255, rng.randint(1, 255))) * (rng.random() < share) for _ in range(pixels)
    ]


def subset(rng: random.Random, count: int) -> list[int]:
    """Draw ascending indices below `count`: none, all, one, or any share."""
    kind = rng.randrange(5)
    if kind == 0:
        return []
    if kind == 1:
        return list(range(count))
    if kind == 2:
        return [rng.randrange(count)]
    share = rng.random()
    return [i for i in range(count) if rng.random() < share]


def bits_of(indices: list[int]) -> int:
    """Return the number whose set bits are `indices`."""
    return sum(1 << i for i in indices)


def state_before(lfsr: Lfsr, word: int, rng: random.Random) -> int:
    """Return a state (int64) whose next word is `word`: the step of equality is one in 65536."""
    state = (rng.getrandbits(lfsr.degree - WORD_BITS) << WORD_BITS | word) & lfsr.mask
    state = state or 1 << lfsr.degree - 1
    for _ in range(WORD_BITS):
        new, state = state & 1, state >> 1
        for tap in lfsr.taps[1:]:
            new ^= state >> tap - 1 & 1
        state |= new << lfsr.degree - 1
    return to_signed(state)


def random_state(lfsr: Lfsr, rng: random.Random) -> int:
    """Return any non-zero state (int64)."""
    return to_signed(rng.randint(1, lfsr.mask))
