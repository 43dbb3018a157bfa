"""Checkpoints of a training run between two epochs: plain .npz without pickles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden.files import DAMAGED, ArchiveError, pick_array, read_arrays, replacing
from spikeloom.golden.paper.config import PaperConfig

FORMAT = "spikeloom-paper-checkpoint"
VERSION = 1

_SLACK = 1 << 24  # bytes of a checkpoint beside its weights; a million epochs are less


class CheckpointError(SpikeloomError, ValueError):
    """A checkpoint that cannot be written or gone on from; the message says why."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run after `len(accuracy)` epochs.

    Attributes
    ----------
    weights, states : per crossbar, float32[n_pre, n_post] and the optimiser's, `learning.start`.
    accuracy, seconds : per epoch.
    """

    weights: list[np.ndarray]
    states: list[np.ndarray]
    accuracy: list[float]
    seconds: list[float]


def save(path: Path, config: PaperConfig, data: str, library: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; `path` holds either what it held before or all of the new one.

    data : fingerprint of the images and labels that the run is about. library : the array library
    that draws its random numbers.
    """
    arrays = {f"weights{i}": w for i, w in enumerate(checkpoint.weights, start=1)}
    arrays |= {f"velocity{i}": s for i, s in enumerate(checkpoint.states, start=1)}
    try:
        with replacing(path) as file:
            np.savez(
                file,
                allow_pickle=False,
                format=np.str_(FORMAT),
                version=np.int64(VERSION),
                config=np.str_(config.digest()),
                data=np.str_(data),
                library=np.str_(library),
                accuracy=np.array(checkpoint.accuracy, np.float64),
                seconds=np.array(checkpoint.seconds, np.float64),
                **arrays,
            )
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}") from error


def load(path: Path, config: PaperConfig, data: str, library: str) -> Checkpoint:
    """Read a checkpoint of the same configuration, data and library, as given to `save`.

    `CheckpointError` says why not.
    """
    shapes = list(pairwise(config.sizes))
    moments = (2,) if config.optimiser == "adam" else ()
    # weights and the optimiser's state, four bytes each
    fields = _read(path, 12 * sum(pre * post for pre, post in shapes) + _SLACK)
    if str(fields.get("format")) != FORMAT:
        names = ", ".join(sorted(fields)) or "nothing"
        raise CheckpointError(f"{path}: holds {names}: not a checkpoint of the paper's model")
    if str(fields.get("version")) != str(VERSION):
        raise CheckpointError(
            f"{path}: format version {fields.get('version')}, this program reads {VERSION}: "
            "remove it to train again"
        )
    for name, ours in (("config", config.digest()), ("data", data)):
        if (theirs := str(fields.get(name))) != ours:
            raise CheckpointError(
                f"{path}: its {name} has the digest {theirs[:16]}, this run's has {ours[:16]}: "
                "name another file, or remove this one to train again"
            )
    if (theirs := str(fields.get("library", "numpy"))) != library:
        raise CheckpointError(
            f"{path}: was trained with {theirs}, and {library} draws other random numbers: go on "
            f"with {theirs}, or remove this one to train again"
        )
    try:
        weights, states = (
            [
                pick_array(fields, f"{name}{i}", np.float32, (*more, *shape))
                for i, shape in enumerate(shapes, start=1)
            ]
            for name, more in (("weights", ()), ("velocity", moments))
        )
        accuracy = pick_array(fields, "accuracy", np.float64, (None,))
        seconds = pick_array(fields, "seconds", np.float64, accuracy.shape)
    except ArchiveError as error:
        raise CheckpointError(f"{path}: damaged: {error}") from None
    return Checkpoint(weights, states, accuracy.tolist(), seconds.tolist())


def _read(path: Path, most: int) -> dict[str, np.ndarray]:
    try:
        return read_arrays(path, most)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except ArchiveError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except DAMAGED as error:
        raise CheckpointError(f"{path}: damaged, or not an .npz: {error}") from error
