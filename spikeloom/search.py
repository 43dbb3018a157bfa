"""A search for settings: what is drawn, from where, and the networks that come of it."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom import datasets
from spikeloom.errors import SpikeloomError
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.wta import SOFTMAX

DRAWS = 1000
"""How often settings are drawn until a network can be made of them."""

Ends = Sequence[float | str]
"""``(low, high)``, or ``(low, high, "log")``."""


class TuneError(SpikeloomError, ValueError):
    """A search that cannot be made or gone on with; the message says why."""


@dataclass(frozen=True)
class Span:
    """What a key may be: from `low` to `high`, evenly or evenly in its logarithm.

    whole : only whole numbers, the ends as often as the others.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def draw(self, u: float) -> float:
        """Return the value at `u`, 0 to 1: a whole number, or one of three digits."""
        low, high = self.low - 0.5 * self.whole, self.high + 0.5 * self.whole
        value = low * (high / low) ** u if self.log else low + u * (high - low)
        if self.whole:
            return int(min(max(round(value), self.low), self.high))
        return float(f"{value:.3g}")


@dataclass(frozen=True, kw_only=True)
class Search:
    """What decides every figure of a search.

    config : with what is fixed. keys : what is drawn. rungs : epochs of each. train, held_out : how
    many images, see `datasets.load`. seed : of the settings, and of each trial's training.
    """

    config: NetworkConfig
    keys: dict[str, Span]
    rungs: tuple[int, ...]
    data: str
    train: int | None
    held_out: int
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """What each rung is called."""
        return tuple(f"{epochs} epoch{'s' * (epochs != 1)}" for epochs in self.rungs)

    def images(self) -> Dataset:
        """Return the images, without a single test image."""
        return _images(self.data, self.config, self.train, self.held_out)

    def draw(self, number: int) -> dict[str, float]:
        """Return the settings of a trial, of which a network can be made."""
        random = np.random.default_rng([self.seed, number])
        for _ in range(DRAWS):
            found = {key: span.draw(random.random()) for key, span in self.keys.items()}
            try:
                machine(self.config.replace(**found))
            except ConfigError as error:
                why = error
            else:
                return found
        raise TuneError(f"no network in {DRAWS} draws, the last: {why}; narrow the ranges")

    def network(self, settings: Mapping[str, float], epochs: int) -> NetworkConfig:
        """Return the network of a trial, its schedule pressed into `epochs`."""
        config, whole = self.config.replace(**settings), self.rungs[-1]
        start = config.learning.decay_from - 1  # epochs before the first that decays
        pressed = max(1, round(start * epochs / whole))
        falls = max(0, whole - start) / max(1, epochs - pressed)
        return config.replace(
            **{"learning.decay_from": pressed + 1, "learning.decay": config.learning.decay**falls}
        )

    def told(self) -> dict[str, Any]:
        """Return it as its folder keeps it: images by what they are, wherever they lie."""
        images = self.images()
        told = dataclasses.asdict(self) | {
            "config": self.config.as_table(),
            "data": [part.fingerprint() for part in (images.train, images.held)],
        }
        return json.loads(json.dumps(told))


@functools.lru_cache(maxsize=1)  # of one search, in every process that works for it
def _images(data: str, config: NetworkConfig, train: int | None, held_out: int) -> Dataset:
    return datasets.load(data, config, train=train, test=0, held_out=held_out, validate=True)


def default_keys(config: NetworkConfig) -> dict[str, Ends]:
    """Return the ranges in which good networks were found, of what `config` uses."""
    last = config.depth
    found: dict[str, Ends] = {
        "input.rate": (0.3, 0.5),
        "error.cost": (0.003, 0.1, "log"),
        "learning.decay": (0.6, 0.9),
    }
    for layer in range(1, last):
        found[f"layer.{layer}.update"] = (5e-5, 7e-4, "log")
        found[f"layer.{layer}.error_threshold"] = (0.06, 0.6, "log")
    found[f"layer.{last}.update"] = (1e-4, 1.5e-3, "log")
    found[f"layer.{last}.error_threshold"] = (1.0, 2.0)
    return found | ({"wta.strength": (2.0, 10.0)} if config.wta.kind == SOFTMAX else {})


def spans(config: NetworkConfig, keys: Mapping[str, Ends]) -> dict[str, Span]:
    """Return what keys may be, checked against what `config` takes."""
    return {key: _span(config, key, ends) for key, ends in keys.items()}


def _span(config: NetworkConfig, key: str, ends: Ends) -> Span:
    value = config.value(key)
    if not isinstance(value, int | float):
        raise TuneError(f"{key} is no number, of which a range could be drawn: fix its value")
    whole = isinstance(value, int)
    low, high = (int(end) if whole and end == int(end) else end for end in ends[:2])
    if not low < high:
        raise TuneError(f"{key} from {low:g} to {high:g} is empty: give the lower end first")
    for end in (low, high):
        config.replace(**{key: end})
    log = "log" in ends[2:]
    if log and low <= 0:
        raise TuneError(f"{key} from {low:g} has no logarithm: begin above 0")
    return Span(low, high, log, whole)
