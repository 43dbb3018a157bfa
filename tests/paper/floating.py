"""Runs of the paper's float model (`golden.paper`) on any data set."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.golden.paper import (
    ArrayError,
    PaperConfig,
    PaperNetwork,
    Progress,
    namespace,
    train,
)
from spikeloom.golden.paper.training import TEST, TEST_BATCH
from tests.paper import images, stats
from tests.paper.errors import PaperError
from tests.paper.job import Job, Place, Tell


def job(
    data: str,
    model: PaperConfig,
    *,
    train: int | None = None,
    test: int | None = None,
    title: str = "float model",
) -> Job:
    """Return a run of the float model on the first `train` and `test` images of a data set."""
    config = {"data": data, "train": train, "test": test, "model": model.to_dict()}
    weights = sum(a * b for a, b in pairwise(model.sizes))
    # Input spikes are drawn pixel by pixel, which costs as much as thousands of weights each.
    work = images.trained(config, model.epochs) * model.steps * (5000 * model.sizes[0] + weights)
    shape = "-".join(map(str, model.sizes))
    return Job(
        "float",
        config,
        title=f"{title}, {shape}, T = {model.steps}, {images.title(data)}, seed {model.seed}",
        cost=work / 3.5e11,
    )


def check(xp: str, device: str | None) -> None:
    """Raise `PaperError` where an array library or its device is not there."""
    try:
        namespace(xp, device)
    except ArrayError as error:
        raise PaperError(str(error)) from error


def run(config: dict[str, Any], place: Place, tell: Tell) -> dict[str, Any]:
    """Train and test the float model, as a run of a sweep.

    config : what `job` makes. Returns `accuracy` on the test images after each epoch, 0 to 1;
    `right`, which of the `images` test images were right at the end (`stats.pack`); and `data`,
    the fingerprint of the images.
    """
    data = images.loaded(config, place)
    model = PaperConfig.from_dict(config["model"])
    network, accuracy, checkpoint = trained(model, data, place, tell, Job("float", config).key)
    found = counts(network, data.test.images).argmax(axis=1) == data.test.labels
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return {
        "accuracy": accuracy,
        "right": stats.pack(found),
        "images": len(found),
        "data": images.fingerprint(data),
    }


def trained(
    model: PaperConfig, data: images.Dataset, place: Place, tell: Tell, name: str
) -> tuple[PaperNetwork, list[float], Path | None]:
    """Train a float model on a place's arrays, going on where a run of this name stopped.

    Returns the network, its accuracy on the test images after each epoch, and the checkpoint,
    which is to be removed when the run's result is known.
    """
    path = None
    if place.partial is not None:
        path = Path(place.partial) / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)

    def progress(now: Progress) -> None:
        tell((now.epoch - 1 + now.images / now.total) / now.epochs)

    arrays = namespace(place.xp, place.device)
    result = train(
        model,
        data.train.images,
        data.train.labels,
        data.test.images,
        data.test.labels,
        xp=arrays,
        progress=progress,
        checkpoint=path,
    )
    return PaperNetwork(model, arrays, result.weights), result.accuracy, path


def counts(network: PaperNetwork, pictures: np.ndarray) -> np.ndarray:
    """Return the spikes that count per class, as the model's own test counts them.

    pictures : uint8[n, rows, cols]. Returns float32[n, classes].
    """
    arrays = network.arrays
    random = arrays.random(network.config.seed, TEST)
    return np.concatenate(
        [arrays.get(network.counts(random, arrays.put(batch))) for batch in batches(pictures)]
    )


def batches(pictures: np.ndarray) -> list[np.ndarray]:
    """Return pictures as the model takes them: float32[up to TEST_BATCH, pixels], 0 to 1."""
    flat = pictures.reshape(len(pictures), -1)
    return [
        flat[first : first + TEST_BATCH].astype(np.float32) / np.float32(255)
        for first in range(0, len(flat), TEST_BATCH)
    ]
