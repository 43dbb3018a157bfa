"""The cache: entries whole or not at all, and an error that names the folder and the variable."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest

from spikeloom import cache
from spikeloom.outputs import OutputError


def write(work: Path) -> list[str]:
    (work / "kept").write_text("text")
    (work / "left").write_text("text")
    return ["kept"]


def test_an_entry_holds_what_was_named_and_is_made_once(tmp_path: Path):
    made = []
    for _ in range(2):
        place = cache.entry(tmp_path / "new" / "entry", lambda work: made.append(0) or write(work))
        assert (place / "kept").read_text() == "text"
        assert not (place / "left").exists()
    assert made == [0]


def test_what_fails_leaves_nothing_and_is_tried_again(tmp_path: Path):
    def fail(work: Path) -> list[str]:
        write(work)
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        cache.entry(tmp_path / "entry", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["entry.lock"]
    assert (cache.entry(tmp_path / "entry", write) / "kept").exists()


def test_a_cache_that_cannot_be_a_folder_is_named_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPIKELOOM_CACHE", str(tmp_path / "file"))
    message = r"cannot write in .*/file/verilated: .*; .* set SPIKELOOM_CACHE to another folder"
    with pytest.raises(OutputError, match=message):
        cache.text("text", ["x"], lambda: "text")
    with pytest.raises(OutputError, match=message):
        cache.keep_log(cache.folder("verilated") / "entry", "text")


def test_a_folder_that_may_only_be_read_gives_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    cache.entry(tmp_path / "there", write)
    monkeypatch.setattr(cache, "FileLock", refuse)
    cache.entry(tmp_path / "there", write)
    with pytest.raises(OutputError, match=rf"{tmp_path}: Permission denied .*; .* set "):
        cache.entry(tmp_path / "missing", write)


def test_a_disk_that_is_full_halfway_names_the_variable(tmp_path: Path):
    def fill(work: Path) -> list[str]:
        with Path("/dev/full").open("w") as full:
            full.write("a core")
        return []

    with pytest.raises(OutputError, match=rf"in {tmp_path}: No space left .* set SPIKELOOM_CACHE"):
        cache.entry(tmp_path / "entry", fill)
    assert [path.name for path in tmp_path.iterdir()] == ["entry.lock"]


def test_work_is_done_where_any_tool_takes_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    awkward = tmp_path / "two words, an ü"
    awkward.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(awkward))
    seen = []
    cache.entry(tmp_path / "entry", lambda work: seen.append(str(work)) or write(work))
    assert seen[0].isascii()
    assert " " not in seen[0]
    monkeypatch.setattr(cache, "_TEMPORARY", ())
    with pytest.raises(OutputError, match=r"two words, an ü.*: make takes no .*; set TMPDIR"):
        cache.entry(tmp_path / "other", write)
