"""Checkpoints: everything that a run needs to go on, as a plain .npz without pickles.

An engine's name is not in it: a run may go on in another engine, and must reach the same bits.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden.datasets import Part
from spikeloom.golden.files import DAMAGED, ArchiveError, pick_array, read_arrays, replacing
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.streams import streams
from spikeloom.run import Point, Run

FORMAT = "spikeloom-checkpoint"
VERSION = 2
TEXT = 1 << 14
"""Bytes that a file's text and headers have at most."""


_RUN = {
    "data": np.str_,
    "seed": np.int64,
    "epoch": np.int64,
    "position": np.int64,
    "presentations": np.int64,
    "train_images": np.int64,
}


class CheckpointError(SpikeloomError, ValueError):
    """A checkpoint that cannot be written, read, or gone on from; the message says why."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Checkpoint:
    """A run between two samples, with all that it needs to go on.

    Attributes
    ----------
    config : of the network. run : where the run stands.
    weights : int16[n_pre, n_post] per crossbar.
    stream_states : of all streams, in the order of `golden.spec.streams.streams`.
    """

    config: NetworkConfig
    run: Run
    weights: list[np.ndarray]
    stream_states: list[int]

    def check_network(self, config: NetworkConfig) -> None:
        """Raise `CheckpointError` unless this is a checkpoint of `config`'s network."""
        mine, theirs = self.config.digest(), config.digest()
        if mine != theirs:
            raise CheckpointError(
                f"the checkpoint is of configuration {self.config.name!r} with digest {mine}, "
                f"{config.name!r} has {theirs}: take the configuration that it was made with"
            )

    def check_run(self, train: Part, seed: int | None = None) -> None:
        """Raise `CheckpointError` unless going on with these is going on with the same run."""
        run, print_ = self.run, train.fingerprint()
        if seed is not None and seed != run.seed:
            raise CheckpointError(
                f"the checkpoint's run has seed {run.seed}, asked for is {seed}: leave the "
                "seed out to go on with it"
            )
        if run.train_images and (run.train_images, run.data) != (len(train), print_):
            raise CheckpointError(
                f"the checkpoint was trained on {run.train_images} images (fingerprint "
                f"{run.data}), these are {len(train)} ({print_}): give the same "
                "data and numbers of images"
            )


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; `path` holds either what it held before or all of the new one."""
    path = Path(path)
    arrays = {"format": np.str_(FORMAT), "version": np.int64(VERSION)}
    arrays |= {name: kind(getattr(checkpoint.run, name)) for name, kind in _RUN.items()}
    arrays["config"] = np.str_(json.dumps(checkpoint.config.as_table()))
    arrays |= {f"weights{i}": w for i, w in enumerate(checkpoint.weights, start=1)}
    arrays["stream_states"] = np.array(checkpoint.stream_states, np.uint64)
    points = [(p.presentations, p.images, p.right) for p in checkpoint.run.curve]
    arrays["curve"] = np.array(points, np.int64).reshape(-1, 3)
    try:
        with replacing(path) as file:
            np.savez(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}") from error


def check_free(path: Path, resume: Path | None) -> None:
    """Raise `CheckpointError` where writing `path` would destroy a file that is not resumed."""
    if path.is_file() and not (resume and resume.exists() and path.samefile(resume)):
        raise CheckpointError(
            f"{path} exists already: go on from it with --resume {path}, or name another file"
        )


def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint; `CheckpointError` says why it is refused."""
    path = Path(path)
    try:
        fields = _read(path)
        _check_kind(fields)
        return _build(fields)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except ArchiveError as error:
        raise CheckpointError(f"{path}: damaged: {error}") from None


def _read(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an archive, which are stored unpacked: hardly more than its file has.

    Of one that was packed again, text and headers may be larger.
    """
    try:
        return read_arrays(path, path.stat().st_size + TEXT)
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror or error}") from error
    except ArchiveError as error:
        raise CheckpointError(f"{error}: not a checkpoint") from error
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


def _build(fields: dict[str, np.ndarray]) -> Checkpoint:
    built = _machine(_scalar(fields, "config", np.str_))
    return Checkpoint(
        config=built.config,
        run=_run(fields),
        weights=_weights(fields, built),
        stream_states=_stream_states(fields, built.config),
    )


def _machine(text: str) -> Machine:
    try:
        return machine(from_dict(json.loads(text)))
    except (ConfigError, ValueError, RecursionError, TypeError) as error:
        raise CheckpointError(f"its configuration cannot be used: {error}") from None


def _run(fields: dict[str, np.ndarray]) -> Run:
    values = {name: _scalar(fields, name, kind) for name, kind in _RUN.items()}
    for name in ("seed", "epoch", "position", "presentations", "train_images"):
        if values[name] < 0:
            raise CheckpointError(f"damaged: {name} is {values[name]}, less than 0")
    if values["position"] >= max(1, values["train_images"]):
        raise CheckpointError(
            f"damaged: position {values['position']} in an epoch of {values['train_images']}"
        )
    curve = pick_array(fields, "curve", np.int64, (None, 3))
    if (curve[:, 1] < 1).any():
        raise CheckpointError("damaged: a point of the curve of no images")
    return Run(**values, curve=[Point(*row) for row in curve.tolist()])


def _weights(fields: dict[str, np.ndarray], built: Machine) -> list[np.ndarray]:
    weights = []
    for layer in built.layers:
        array = pick_array(fields, f"weights{layer.index}", np.int16, (layer.n_pre, layer.n_post))
        if (largest := int(np.abs(array.astype(np.int32)).max())) > layer.weight_max:
            raise CheckpointError(
                f"damaged: weights{layer.index} reach {largest}, {layer.weight_bits}-bit weights "
                f"at most {layer.weight_max}"
            )
        weights.append(array)
    return weights


def _stream_states(fields: dict[str, np.ndarray], config: NetworkConfig) -> list[int]:
    every = streams(config)
    states = pick_array(fields, "stream_states", np.uint64, (len(every),)).tolist()
    for stream, state in zip(every, states, strict=True):
        if not 0 < state <= stream.lfsr.mask:
            raise CheckpointError(
                f"damaged: stream {stream.name} is at {state:#x}, no state of {stream.lfsr.name}"
            )
    return states


def _scalar(fields: dict[str, np.ndarray], name: str, kind: type) -> Any:
    if name not in fields:
        raise CheckpointError(f"damaged: {name} is missing")
    array = fields[name]
    if array.dtype.kind == "U" and array.itemsize:
        codes = np.dtype(np.uint32).newbyteorder(array.dtype.byteorder)
        if (array.reshape(-1).view(codes) > sys.maxunicode).any():  # Python's own calls break on it
            raise CheckpointError(f"damaged: {name} is no text")
    if array.shape != () or not isinstance(array[()], kind):
        raise CheckpointError(
            f"damaged: {name} is {array.dtype}{list(array.shape)}, expected one {kind.__name__}"
        )
    return array.item()
