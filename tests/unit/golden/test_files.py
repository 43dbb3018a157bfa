"""Archives of arrays: read whole, in bounded memory, or refused with the reason."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spikeloom.golden import files
from spikeloom.golden.files import (
    DAMAGED,
    ArchiveError,
    partial_of,
    pick_array,
    read_arrays,
    replacing,
)
from spikeloom.golden.paper import checkpoint
from spikeloom.golden.paper.config import PaperConfig

CONFIG = PaperConfig(sizes=(4, 3, 2))
LARGE = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.savez(tmp_path / "some.npz", a=np.arange(6).reshape(2, 3), b=np.str_("text"))
    return tmp_path / "some.npz"


def test_all_arrays_of_an_archive_are_read(path: Path):
    fields = read_arrays(path, LARGE)
    assert sorted(fields) == ["a", "b"]
    np.testing.assert_array_equal(fields["a"], [[0, 1, 2], [3, 4, 5]])
    assert str(fields["b"]) == "text"


def test_an_archive_is_refused_before_it_is_unpacked_beyond_its_bound(path: Path):
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    assert read_arrays(path, size)
    with pytest.raises(ArchiveError, match=f"^unpacks to {size} bytes, expected {size - 1} at"):
        read_arrays(path, size - 1)


def test_a_single_array_is_no_archive(tmp_path: Path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(ArchiveError, match=r"^one array, not an .npz of several$"):
        read_arrays(tmp_path / "one.npy", LARGE)


def test_a_member_that_is_no_array_is_named(path: Path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("note", b"spikes")
    with pytest.raises(ArchiveError, match=r"^note is no array$"):
        read_arrays(path, LARGE)


@pytest.mark.parametrize("cut", [0, 10, 300, -1])
def test_a_damaged_archive_raises_what_is_listed(path: Path, cut: int):
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DAMAGED):
        read_arrays(path, LARGE)


def test_an_array_is_picked_by_name_type_and_shape(path: Path):
    fields = read_arrays(path, LARGE)
    assert pick_array(fields, "a", np.int64, (2, 3)) is fields["a"]
    assert pick_array(fields, "a", np.int64, (None, 3)) is fields["a"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("c", np.int64, (2, 3)), "c is missing"),
        (("a", np.int16, (2, 3)), "a is int64[2, 3], expected int16[2 x 3]"),
        (("a", np.int64, (3, 3)), "a is int64[2, 3], expected int64[3 x 3]"),
        (("a", np.int64, (None,)), "a is int64[2, 3], expected int64[n]"),
    ],
)
def test_an_array_of_another_kind_is_refused(path: Path, asked: tuple, message: str):
    with pytest.raises(ArchiveError) as error:
        pick_array(read_arrays(path, LARGE), *asked)
    assert str(error.value) == message


# Files that replace others


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "run.npz"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            there = [partial.name for partial in tmp_path.glob("*.partial")]
            assert there == [f"run.npz.{os.getpid()}.partial"]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"old"
    with replacing(path) as file:
        file.write(b"new")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"new"]


def test_folders_are_not_synced_where_they_cannot_be_opened(tmp_path: Path, monkeypatch):
    def refuse(*args: object) -> int:
        raise PermissionError(13, "as Windows says of a folder")

    monkeypatch.setattr(files.os, "open", refuse)
    with pytest.raises(PermissionError), replacing(tmp_path / "a"):
        pass
    monkeypatch.setattr(files, "FOLDERS_OPEN", False)
    with replacing(tmp_path / "b") as file:
        file.write(b"new")
    assert (tmp_path / "b").read_bytes() == b"new"


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    path, living, others = tmp_path / "run.npz", os.getppid(), tmp_path / "other.npz"
    stale = partial_of(path, ended.pid)
    kept = [partial_of(path, living), partial_of(others, ended.pid), tmp_path / "run.npz.x.partial"]
    for partial in (stale, *kept):
        partial.write_bytes(b"half")
    with replacing(path) as file:
        file.write(b"new")
    assert sorted(tmp_path.iterdir()) == sorted([path, *kept])


# The float model's checkpoints


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    arrays = [np.ones((4, 3), np.float32), np.ones((3, 2), np.float32)]
    made = checkpoint.Checkpoint(arrays, arrays, [0.5, 0.75], [1.0, 2.0])
    checkpoint.save(tmp_path / "run.npz", CONFIG, "data", "numpy", made)
    return tmp_path / "run.npz"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weights1", np.ones((3, 4), np.float32), "float32[3, 4], expected float32[4 x 3]"),
        ("velocity2", np.ones((3, 2)), "float64[3, 2], expected float32[3 x 2]"),
        ("accuracy", np.ones((2, 2)), "float64[2, 2], expected float64[n]"),
        ("seconds", np.ones(1), "float64[1], expected float64[2]"),
    ],
)
def test_an_array_of_a_float_checkpoint_that_does_not_fit_is_named(
    saved: Path, name: str, value: np.ndarray, message: str
):
    with np.load(saved) as archive:
        np.savez(saved, **(dict(archive) | {name: value}))
    with pytest.raises(checkpoint.CheckpointError) as error:
        checkpoint.load(saved, CONFIG, "data", "numpy")
    assert str(error.value) == f"{saved}: damaged: {name} is {message}"


def test_a_float_checkpoint_larger_than_its_network_is_refused(saved: Path):
    with np.load(saved) as archive:
        np.savez(saved, more=np.zeros(1 << 22), **archive)
    with pytest.raises(checkpoint.CheckpointError, match=r"unpacks to \d+ bytes, expected \d+ at"):
        checkpoint.load(saved, CONFIG, "data", "numpy")
    larger = dataclasses.replace(CONFIG, sizes=(4000, 3000, 2))
    with pytest.raises(checkpoint.CheckpointError, match="its config has the digest"):
        checkpoint.load(saved, larger, "data", "numpy")
