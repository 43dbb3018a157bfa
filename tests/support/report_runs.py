"""Runs of small networks that a report can be made of."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np

from spikeloom.golden import datasets, initial
from spikeloom.golden.datasets import Dataset, Part
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.report import Checked, Findings, collect
from spikeloom.run import Point, Run
from spikeloom.training import Evaluation

EVERY_KEY = [
    "learning-curve",
    "confusion",
    "mistakes",
    "fields",
    "changes",
    "raster",
    "histograms",
    "spikes",
    "cycles",
]
"""Figures of a run that has all that a report can show."""


def tiny(sizes: tuple[int, ...] = (49, 16, 10), **keys: object) -> NetworkConfig:
    """Return `tiny` with other layers: the last one as it is, all others as its first."""
    config = load("tiny")
    hidden, last = config.layers
    layers = (*[hidden] * (len(sizes) - 2), last)
    return dataclasses.replace(config, sizes=sizes, layers=layers, **keys)


def relabelled(data: Dataset, classes: int) -> Dataset:
    """Return the same digits with labels for as many classes as asked."""

    def other(part: Part) -> Part:
        labels = (np.arange(len(part)) % classes).astype(np.uint8)
        return dataclasses.replace(part, labels=labels)

    return dataclasses.replace(
        data, train=other(data.train), test=other(data.test), classes=classes
    )


def trained(config: NetworkConfig, data: Dataset, **given: object) -> Findings:
    """Train on half of the digits, test, and collect."""
    derived = machine(config)
    network = Network(derived)
    network.weights = initial.weights(derived, 3)
    network.train(data.train.images[:100], data.train.labels[:100])
    keys = {
        "engine": "golden",
        "run": Run(3, 1, 0, 200, len(data.train), "", [Point(50, 40, 12), Point(200, 40, 22)]),
        "tested": Evaluation(network.infer(data.test.images), data.test.labels, network.ran),
        "weights": network.weights,
        "images_per_second": 4321.0,
        "command": "spikeloom train tiny --seed 3",
        "samples": 30,
    }
    return collect(config, train=data.train, test=data.test, **(keys | given))


@cache
def small_digits() -> Dataset:
    """Return digits for `tiny`: 200 to train on, 150 to test on."""
    return datasets.load("mnist", train=200, test=150, shape=(7, 7))


@cache
def whole_run() -> Findings:
    """Return a run of `tiny` with everything that a report can show."""
    run = trained(tiny().with_seed(3), small_digits(), verification=Checked(True, 944, 77))
    return dataclasses.replace(run, cycles_per_image=987.5)
