"""The training runs that are killed: the golden engine's and the paper's float model's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from spikeloom import datasets
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.paper import training
from spikeloom.golden.paper.config import PaperConfig
from spikeloom.golden.spec.network import load
from spikeloom.network import Network

FILE = "run.npz"
SEED = 3

FLOAT = PaperConfig(sizes=(49, 16, 4), steps=8, batch=10, epochs=40, learning_rate=0.1)


@dataclass(frozen=True)
class Kind:
    """A training run that is killed.

    Attributes
    ----------
    command : trains, with the checkpoint `path`; goes on from it where it is there.
    finish : goes on from a checkpoint to the end, here, and returns all that the run decides.
    """

    name: str
    command: Callable[[Path], list[str]]
    finish: Callable[[Path], tuple[object, ...]]


def integer(name: str, images: int, epochs: int) -> Kind:
    """Return a run of the golden engine, by ``spikeloom train``."""

    def command(path: Path) -> list[str]:
        resume = ["--resume", str(path)] if path.exists() else []
        return [
            *(sys.executable, "-c", "from spikeloom.cli.entry import main; main()"),
            *("train", name, "--engine", "golden", "--seed", str(SEED), "--save", str(path)),
            *("--train", str(images), "--held-out", "8", "--test", "0", "--epochs", str(epochs)),
            *resume,
        ]

    @cache
    def digits() -> Dataset:
        return datasets.mnist(load(name), train=images, test=0, held_out=8)

    def finish(path: Path) -> tuple[object, ...]:
        network, data = Network.load(path, show=False), digits()
        more = epochs - network.run.epoch
        network.fit(data.train, epochs=more, validation=data.held)
        end = network.checkpoint()
        weights = [w.tobytes() for w in end.weights]
        return *weights, tuple(end.stream_states), tuple(end.run.curve), end.run.presentations

    return Kind(f"spikeloom train {name}", command, finish)


def train_float(path: Path) -> training.Result:
    """Train the float model, going on from `path` where it is there."""
    rng = np.random.default_rng(SEED)
    images = rng.integers(0, 256, (60, 49), dtype=np.uint8)
    labels = rng.integers(0, 4, 60)
    return training.train(FLOAT, images, labels, images[:20], labels[:20], checkpoint=path)


def finish_float(path: Path) -> tuple[object, ...]:
    """Go on with a copy of a checkpoint of the float model."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / FILE
        copy.write_bytes(path.read_bytes())
        result = train_float(copy)
    return *(w.tobytes() for w in result.weights), tuple(result.accuracy)


KINDS = {
    "tiny": integer("tiny", 40, 40),
    "large": integer("mnist-784-128-10", 8, 30),
    "float": Kind(
        "the paper's float model",
        lambda path: [sys.executable, "-m", "tests.campaigns.crash", "--float", str(path)],
        finish_float,
    ),
}
