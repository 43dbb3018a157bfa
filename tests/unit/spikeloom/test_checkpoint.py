"""Checkpoints: what is written comes back, and what is not one is refused with the reason."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import checkpoint as checkpoints
from spikeloom.checkpoint import Checkpoint, CheckpointError, load, save
from spikeloom.engines.engine import first_states
from spikeloom.golden import initial
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import load as load_config
from spikeloom.run import Point, Run


@pytest.fixture
def tiny() -> Machine:
    return machine(load_config("tiny"))


@pytest.fixture
def made(tiny: Machine, seed: int) -> Checkpoint:
    return Checkpoint(
        config=tiny.config,
        run=Run(seed, 2, 17, 217, 100, "00112233aabbccdd", [Point(0, 50, 5), Point(100, 50, 31)]),
        weights=initial.weights(tiny, seed),
        stream_states=first_states(tiny.config, seed),
    )


@pytest.fixture
def path(tmp_path: Path, made: Checkpoint) -> Path:
    path = tmp_path / "run.npz"
    save(path, made)
    return path


def rewrite(path: Path, **changes: Any) -> None:
    """Write a checkpoint with some fields changed; None leaves one out."""
    with np.load(path) as archive:
        fields = dict(archive)
    fields.update(changes)
    np.savez(path, **{name: value for name, value in fields.items() if value is not None})


def test_a_checkpoint_comes_back_as_it_was(path: Path, made: Checkpoint):
    found = load(path)
    assert found.config == made.config
    assert found.run == made.run
    for mine, theirs in zip(made.weights, found.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs, strict=True)
    assert found.stream_states == made.stream_states


def test_numpy_alone_reads_a_checkpoint_without_pickles(path: Path):
    with np.load(path, allow_pickle=False) as archive:
        assert {str(archive[name].dtype.kind) for name in archive.files} <= set("iuU")


def test_equal_runs_make_equal_files(path: Path, made: Checkpoint, tmp_path: Path):
    save(tmp_path / "again.npz", made)
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    path: Path, made: Checkpoint, monkeypatch: pytest.MonkeyPatch
):
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointError, match=r"cannot write .*run.npz: No space left on device"):
        save(path, made)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["run.npz"]


def refused(path: Path, match: str) -> None:
    with pytest.raises(CheckpointError, match=match) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_refused(tmp_path: Path, tiny: Machine):
    refused(tmp_path / "none.npz", "No such file")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 not quite a zip"])
def test_what_is_no_zip_is_refused(tmp_path: Path, tiny: Machine, content: bytes):
    path = tmp_path / "odd.npz"
    path.write_bytes(content)
    refused(path, "not a checkpoint|damaged")


def test_one_array_is_refused(tmp_path: Path, tiny: Machine):
    np.save(tmp_path / "one.npy", np.zeros(3))
    refused(tmp_path / "one.npy", "one array, not an .npz")


def test_a_pickle_is_refused_unread(tmp_path: Path, tiny: Machine):
    path = tmp_path / "pickle.npz"
    np.savez(path, format=np.array([{"a": 1}], dtype=object))
    refused(path, "not a checkpoint: no .npz archive of arrays")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(path: Path, tiny: Machine, part: float):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refused(path, "damaged|not a checkpoint")


def test_a_flipped_bit_is_noticed_by_its_checksum(path: Path, tiny: Machine):
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.getinfo("weights1.npy").header_offset
    data[start + 400] ^= 1
    path.write_bytes(data)
    refused(path, "damaged: .*CRC")


def test_what_would_unpack_to_more_than_its_file_is_refused_unread(path: Path):
    with np.load(path) as archive:
        np.savez_compressed(path, **dict(archive) | {"weights9": np.zeros(1 << 24, np.int8)})
    refused(path, r"unpacks to \d+ bytes, expected \d+ at most")


def test_an_npz_of_another_program_is_refused(tmp_path: Path, tiny: Machine):
    np.savez(tmp_path / "other.npz", a=np.zeros(3), b=np.ones(2))
    refused(tmp_path / "other.npz", "another program, it holds a, b")


def test_another_format_version_is_refused(path: Path, tiny: Machine):
    rewrite(path, version=np.int64(1))
    refused(path, "format version 1, this program reads 2: use the spikeloom that wrote it")


def test_another_configuration_is_refused_with_both_digests(made: Checkpoint, tiny: Machine):
    other = load_config("mnist-196-32-10")
    match = f"'tiny' with digest {tiny.config.digest()}.*has {other.digest()}: take the"
    with pytest.raises(CheckpointError, match=match):
        made.check_network(other)
    made.check_network(tiny.config.with_seed(99))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"weights1": None}, "weights1 is missing"),
        ({"seed": None}, "seed is missing"),
        ({"weights1": np.zeros((16, 49), np.int16)}, r"weights1 is int16\[16, 49\], expected"),
        (
            {"weights2": np.zeros((16, 10), np.int32)},
            r"weights2 is int32\[16, 10\], expected int16",
        ),
        ({"weights1": np.full((49, 16), -128, np.int16)}, "reach 128, 8-bit weights at most 127"),
        ({"stream_states": np.ones(6, np.uint64)}, r"stream_states is uint64\[6\], expected"),
        ({"stream_states": np.zeros(7, np.uint64)}, "stream input is at 0x0, no state of lfsr"),
        ({"stream_states": np.full(7, 2**63, np.uint64)}, "is at 0x8000000000000000, no state"),
        ({"epoch": np.int64(-1)}, "epoch is -1, less than 0"),
        ({"presentations": np.int64(-3)}, "presentations is -3, less than 0"),
        ({"position": np.int64(100)}, "position 100 in an epoch of 100"),
        ({"seed": np.float64(1.5)}, r"seed is float64\[\], expected one int64"),
        ({"curve": np.zeros((3, 2), np.int64)}, r"curve is int64\[3, 2\], expected int64\[n x 3\]"),
        ({"curve": np.zeros((2, 3), np.int64)}, "a point of the curve of no images"),
        ({"config": None}, "config is missing"),
        ({"config": np.str_("{")}, "its configuration cannot be used: "),
        ({"config": np.str_("3")}, "its configuration cannot be used: "),
        ({"config": np.str_('{"name": "x"}')}, "its configuration cannot be used: missing key"),
        ({"config": np.array([0x110000], "<u4").view("<U1")[0:1].reshape(())}, "config is no text"),
    ],
)
def test_a_field_that_cannot_be_is_named(path: Path, tiny: Machine, changes: dict, match: str):
    rewrite(path, **changes)
    refused(path, match)


def test_a_file_that_is_not_resumed_is_not_overwritten(tmp_path):
    path, other = tmp_path / "run.npz", tmp_path / "other.npz"
    path.write_bytes(b"hours of work")
    other.write_bytes(b"")
    for resume in (None, other, tmp_path / "gone.npz"):
        with pytest.raises(CheckpointError, match="exists already: go on from it with --resume"):
            checkpoints.check_free(path, resume)
    checkpoints.check_free(path, path)
    checkpoints.check_free(tmp_path / "new.npz", None)
