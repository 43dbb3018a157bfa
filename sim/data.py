"""Labelled images for one network: down-sampled to its input, with a part held out."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from spikeloom.golden import datasets
from spikeloom.golden.datasets import DataError, Dataset
from spikeloom.golden.spec.network import NetworkConfig

HELD_OUT = 1000
"""Images kept back from training where nobody says how many."""


def load(
    config: NetworkConfig,
    source: str | Path = "mnist",
    *,
    train: int | None = None,
    test: int | None = None,
    held_out: int | None = None,
) -> Dataset:
    """Load a data set for `config`.

    Without `held_out`, `HELD_OUT` of the last training images are kept back, or what `train`
    leaves of them. Raises `DataError` as `golden.datasets.load` does, and for more classes than
    the network has outputs.
    """
    data = datasets.load(source, test=test, shape=config.image)
    outputs = config.sizes[-1]
    if data.classes > outputs:
        raise DataError(
            f"{data.source} has {data.classes} classes and {config.name!r} {outputs} outputs: "
            f"take a configuration with sizes[-1] = {data.classes}"
        )
    there = len(data.train_images)
    if held_out is None:
        held_out = min(HELD_OUT, there if train is None else max(0, there - train))
    if not 0 <= held_out < there:
        raise DataError(
            f"{held_out} images held out of {there}: hold out 0 to {there - 1}, the rest is to "
            "train on"
        )
    most = there - held_out
    count = most if train is None else train
    if not 1 <= count <= most:
        raise DataError(
            f"{count} images to train on: {data.source} has {there}, less {held_out} held out; "
            f"ask for 1 to {most}"
        )
    return dataclasses.replace(
        data,
        train_images=data.train_images[:count],
        train_labels=data.train_labels[:count],
        held_images=data.train_images[most:],
        held_labels=data.train_labels[most:],
    )


def fingerprint(data: Dataset) -> str:
    """Return 16 hex digits that tell the images and labels to train on from any others."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(repr(data.train_images.shape).encode())
    digest.update(np.ascontiguousarray(data.train_images))
    digest.update(np.ascontiguousarray(data.train_labels))
    return digest.hexdigest()
