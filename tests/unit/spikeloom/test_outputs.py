"""Outputs that cannot be written are refused before the work that fills them."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from spikeloom import outputs
from spikeloom.errors import SpikeloomError
from spikeloom.outputs import OutputError


def test_the_folder_of_an_output_is_made(tmp_path: Path):
    assert outputs.file(tmp_path / "a" / "b.json") == tmp_path / "a" / "b.json"
    assert outputs.folder(str(tmp_path / "c" / "d")) == tmp_path / "c" / "d"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "c", "d"]


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path):
    path = tmp_path / "kept"
    path.write_text("old")
    outputs.file(path)
    assert path.read_text() == "old"


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path):
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*x\.json: .*; name another file"):
        outputs.file(taken / "x.json")
    with pytest.raises(OutputError, match=r"cannot write in .*taken: .*; name another folde"):
        outputs.folder(taken)
    with pytest.raises(OutputError, match="is a folder: name a file in it"):
        outputs.file(tmp_path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no file system that refuses root")
def test_a_file_system_that_takes_nothing_is_refused_to_root_too():
    for check in (outputs.file, outputs.folder):
        with pytest.raises(OutputError, match="cannot write"):
            check("/proc/x/y")


def test_argparse_and_the_command_line_both_tell_it():
    assert issubclass(OutputError, SpikeloomError)
    assert issubclass(OutputError, ArgumentTypeError)


def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    @contextmanager
    def full(dir: Path) -> Iterator[BinaryIO]:
        with Path("/dev/full").open("wb") as file:
            yield file

    monkeypatch.setattr(outputs, "TemporaryFile", full)
    with pytest.raises(OutputError, match="No space left on device; name another folder"):
        outputs.folder(tmp_path)
