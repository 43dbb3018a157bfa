"""Checkpoints: everything that a run needs to go on, as a plain .npz without pickles.

An engine's name is not in it: a run may go on in another engine, and must reach the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden.files import DAMAGED, ArchiveError, pick_array, read_arrays, replacing
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.streams import streams

FORMAT = "spikeloom-checkpoint"
VERSION = 1

_SLACK = 1 << 24  # bytes of a checkpoint beside its weights; a curve of 600,000 points is less

_SCALARS = {
    "config_name": np.str_,
    "config_digest": np.str_,
    "data": np.str_,
    "seed": np.int64,
    "epoch": np.int64,
    "position": np.int64,
    "train_images": np.int64,
}


class CheckpointError(SpikeloomError, ValueError):
    """A checkpoint that cannot be written, read, or gone on from; the message says why."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Checkpoint:
    """A run between two samples.

    Attributes
    ----------
    config_name, config_digest : of the network.
    seed : of the run; decides initial weights, streams and order of samples.
    epoch, position : samples 0 .. position-1 of epoch `epoch` (from 0) are done.
    train_images, data : how many images an epoch has, and their `data.fingerprint`.
    weights : int16[n_pre, n_post] per crossbar.
    stream_states : of all streams, in the order of `golden.spec.streams.streams`.
    curve : int64[points, 3]; presentations so far, images evaluated, images right.
    """

    config_name: str
    config_digest: str
    seed: int
    epoch: int
    position: int
    train_images: int
    data: str
    weights: list[np.ndarray]
    stream_states: list[int]
    curve: np.ndarray


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; `path` holds either what it held before or all of the new one."""
    path = Path(path)
    arrays = {name: kind(getattr(checkpoint, name)) for name, kind in _SCALARS.items()}
    arrays |= {f"weights{i}": w for i, w in enumerate(checkpoint.weights, start=1)}
    arrays["stream_states"] = np.array(checkpoint.stream_states, np.uint64)
    arrays["curve"] = checkpoint.curve
    try:
        with replacing(path) as file:
            np.savez(
                file,
                allow_pickle=False,
                format=np.str_(FORMAT),
                version=np.int64(VERSION),
                **arrays,
            )
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}") from error


def check_free(path: Path, resume: Path | None) -> None:
    """Raise `CheckpointError` where writing `path` would destroy a file that is not resumed."""
    if path.is_file() and not (resume and resume.exists() and path.samefile(resume)):
        raise CheckpointError(
            f"{path} exists already: go on from it with --resume {path}, or name another file"
        )


def load(path: str | Path, machine: Machine) -> Checkpoint:
    """Read a checkpoint of `machine`'s network; `CheckpointError` says why it is refused."""
    path = Path(path)
    try:
        fields = _read(path, 2 * machine.config.weight_count + _SLACK)
        _check_kind(fields)
        checkpoint = _build(fields, machine)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return checkpoint


def _read(path: Path, most: int) -> dict[str, np.ndarray]:
    """Read the arrays of an archive; refuse one of more than `most` bytes before it is unpacked."""
    try:
        return read_arrays(path, most)
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror or error}") from error
    except ArchiveError as error:
        raise CheckpointError(f"{error}: not a checkpoint of this network") from error
    except (ValueError, EOFError) as error:
        raise CheckpointError("not a checkpoint: no .npz archive of arrays") from error
    except DAMAGED as error:
        raise CheckpointError(f"damaged: {error}") from error


def _check_kind(fields: dict[str, np.ndarray]) -> None:
    if str(fields.get("format")) != FORMAT:
        names = ", ".join(sorted(fields)) or "nothing"
        raise CheckpointError(f"an .npz of another program, it holds {names}: not a checkpoint")
    version = fields.get("version")
    if version is None or version.shape != () or int(version) != VERSION:
        raise CheckpointError(
            f"format version {version}, this program reads {VERSION}: use the spikeloom that "
            "wrote it, or train again"
        )


def _build(fields: dict[str, np.ndarray], machine: Machine) -> Checkpoint:
    config = machine.config
    scalars = {name: _scalar(fields, name, kind) for name, kind in _SCALARS.items()}
    if scalars["config_digest"] != config.digest():
        raise CheckpointError(
            f"of configuration {scalars['config_name']!r} with digest {scalars['config_digest']}, "
            f"{config.name!r} has {config.digest()}: take the configuration that it was made with"
        )
    for name, least in (("seed", 0), ("epoch", 0), ("position", 0), ("train_images", 1)):
        if scalars[name] < least:
            raise CheckpointError(f"damaged: {name} is {scalars[name]}, less than {least}")
    if scalars["position"] >= scalars["train_images"]:
        raise CheckpointError(
            f"damaged: position {scalars['position']} in an epoch of {scalars['train_images']}"
        )
    weights = []
    for layer in machine.layers:
        array = _array(fields, f"weights{layer.index}", np.int16, (layer.n_pre, layer.n_post))
        if (largest := int(np.abs(array.astype(np.int32)).max())) > layer.weight_max:
            raise CheckpointError(
                f"damaged: weights{layer.index} reach {largest}, {layer.weight_bits}-bit weights "
                f"at most {layer.weight_max}"
            )
        weights.append(array)
    every = streams(config)
    states = _array(fields, "stream_states", np.uint64, (len(every),)).tolist()
    for stream, state in zip(every, states, strict=True):
        if not 0 < state <= stream.lfsr.mask:
            raise CheckpointError(
                f"damaged: stream {stream.name} is at {state:#x}, no state of {stream.lfsr.name}"
            )
    curve = _array(fields, "curve", np.int64, (None, 3))
    return Checkpoint(**scalars, weights=weights, stream_states=states, curve=curve)


def _array(
    fields: dict[str, np.ndarray], name: str, dtype: type, shape: tuple[int | None, ...]
) -> np.ndarray:
    try:
        return pick_array(fields, name, dtype, shape)
    except ArchiveError as error:
        raise CheckpointError(f"damaged: {error}") from None


def _scalar(fields: dict[str, np.ndarray], name: str, kind: type) -> Any:
    if name not in fields:
        raise CheckpointError(f"damaged: {name} is missing")
    array = fields[name]
    if array.shape != () or not isinstance(array[()], kind):
        raise CheckpointError(
            f"damaged: {name} is {array.dtype}{list(array.shape)}, expected one {kind.__name__}"
        )
    return array.item()
