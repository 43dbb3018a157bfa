"""Labelled images for one network: down-sampled to its input, with a part held out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from spikeloom.golden import datasets
from spikeloom.golden.datasets import DataError, Dataset
from spikeloom.golden.spec.network import NetworkConfig

HELD_OUT = 1000
"""Images kept back from training where nobody says how many; a fifth of fewer than 5,000."""


def mnist(config: NetworkConfig, **options: Any) -> Dataset:
    """Return the digits that come along, as `load` does; `options` are its own."""
    return load("mnist", config, **options)


def load(
    source: str | Path,
    config: NetworkConfig,
    *,
    train: int | None = None,
    test: int | None = None,
    held_out: int | None = None,
    validate: bool = False,
    any_classes: bool = False,
) -> Dataset:
    """Load a data set, down-sampled to the input of `config`.

    Parameters
    ----------
    source : see `golden.datasets.load`.
    train, test : how many images, the first of each file; all where not given.
    held_out : how many of the last training images are kept back; without it `HELD_OUT`, a fifth
        where there are few, or what `train` leaves of them.
    validate : test on the held-out images in place of the test file's.
    any_classes : leave out the images of classes that the network has no output for.

    Raises
    ------
    DataError : as `golden.datasets.load` does; more classes than outputs; too few images.
    """
    data = datasets.load(source, shape=config.image)
    outputs = config.sizes[-1]
    if any_classes:
        data = _fitting(data, outputs)
    if data.classes > outputs:
        raise DataError(
            f"{data.source} has {data.classes} classes and {config.name!r} {outputs} outputs: "
            f"take a configuration with sizes[-1] = {data.classes}"
        )
    there = len(data.train)
    if held_out is None:
        held_out = min(HELD_OUT, there // 5, there if train is None else max(0, there - train))
    if not int(validate) <= held_out < there:
        raise DataError(
            f"{held_out} images held out of {there}: hold out {int(validate)} to {there - 1} "
            "(held_out, --held-out), the rest is to train on"
        )
    most = there - held_out
    count = most if train is None else train
    if not 1 <= count <= most:
        raise DataError(
            f"{count} images to train on: {data.source} has {there}, less {held_out} held out; "
            f"ask for 1 to {most}"
        )
    held = data.train[most:]
    tested = held if validate else data.test
    if test is not None and not 0 <= test <= len(tested):
        raise DataError(f"{test} images to test on: there are {len(tested)}, ask for no more")
    source = f"{data.name}, tested on held-out images" if validate else data.name
    parts = {"train": data.train[:count], "held": held, "test": tested[:test]}
    for name, part in parts.items():
        parts[name] = dataclasses.replace(part, name=name, source=source)
    return dataclasses.replace(data, **parts)


def _fitting(data: Dataset, classes: int) -> Dataset:
    return dataclasses.replace(
        data,
        train=data.train[data.train.labels < classes],
        test=data.test[data.test.labels < classes],
        classes=min(classes, data.classes),
    )
