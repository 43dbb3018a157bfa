"""Checkpoints of a training run between two epochs: plain .npz without pickles."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloom.golden.files import replacing
from spikeloom.golden.paper.config import PaperConfig

FORMAT = "spikeloom-paper-checkpoint"
VERSION = 1

UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, MemoryError, SyntaxError,
    AttributeError, NotImplementedError, tokenize.TokenError,
)  # fmt: skip
"""What NumPy and the archive raise where a file is damaged."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be written or gone on from; the message says why."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run after `len(accuracy)` epochs.

    Attributes
    ----------
    weights, velocities : float32[n_pre, n_post] per crossbar.
    accuracy, seconds : per epoch.
    """

    weights: list[np.ndarray]
    velocities: list[np.ndarray]
    accuracy: list[float]
    seconds: list[float]


def save(path: Path, config: PaperConfig, data: str, library: str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; `path` holds either what it held before or all of the new one.

    data : fingerprint of the images and labels that the run is about. library : the array library
    that draws its random numbers.
    """
    arrays = {f"weights{i}": w for i, w in enumerate(checkpoint.weights, start=1)}
    arrays |= {f"velocity{i}": v for i, v in enumerate(checkpoint.velocities, start=1)}
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
    fields = _read(path)
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
        return Checkpoint(
            [fields[f"weights{i}"] for i in range(1, config.depth + 1)],
            [fields[f"velocity{i}"] for i in range(1, config.depth + 1)],
            fields["accuracy"].tolist(),
            fields["seconds"].tolist(),
        )
    except KeyError as error:
        raise CheckpointError(f"{path}: damaged: {error.args[0]} is missing") from error


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise CheckpointError(f"{path}: one array, not an .npz of several")
            with archive:
                return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except UNREADABLE as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: damaged, or not an .npz: {error}") from error
