"""The cache of what is made once per content: entries appear whole, and are taken only as written.

The one module that reads ``SPIKELOOM_CACHE``.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from spikeloom import outputs
from spikeloom.outputs import OutputError

LOCK_SECONDS = 3600.0
"""How long to wait for another process that makes the same entry."""

_OTHERWISE = "it keeps what is built: set SPIKELOOM_CACHE to another folder"
_MANIFEST = "manifest.json"
_TEXT = "top.v"

# GNU make builds in no folder with a space in its path; Verilator writes an umlaut in octal.
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)
_TEMPORARY = ("/tmp", "/var/tmp")


def folder(kind: str) -> Path:
    """Return the folder of one kind of entries: in ``$SPIKELOOM_CACHE``, or the user's cache."""
    chosen = os.environ.get("SPIKELOOM_CACHE") or platformdirs.user_cache_dir("spikeloom")
    return Path(chosen).resolve() / kind


def digest(parts: Iterable[str]) -> str:
    """Return what names an entry that depends on these texts and on nothing else."""
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:32]


def entry(place: Path, make: Callable[[Path], Iterable[str]]) -> Path:
    """Return a cache entry, a folder; it is made where it is missing or not as it was written.

    Any number of processes may ask at once: one makes it, the others wait.

    Parameters
    ----------
    place : of the entry, named by its content (`digest`) in a folder that is made if it is missing.
    make : given an empty folder, whose path any tool takes; returns the names of the files in it
        that are the entry.

    Raises
    ------
    OutputError : nothing can be written there, or another process holds the entry for too long.
    """
    if valid(place):
        return place
    with _explained(place.parent):
        outputs.folder(place.parent, _OTHERWISE)
        with FileLock(f"{place}.lock", timeout=LOCK_SECONDS):
            if not valid(place):
                with workplace() as work:
                    _publish(work, make(work), place)
    return place


def text(kind: str, parts: Iterable[str], make: Callable[[], str]) -> str:
    """Return what `make` returns, from the cache where it can.

    Parameters
    ----------
    kind : of text, part of the entry's name.
    parts : say what the text depends on, but for the code of the module that defines `make`: an
        entry of other code is not taken.
    """

    def write(work: Path) -> list[str]:
        (work / _TEXT).write_text(make())
        return [_TEXT]

    code = Path(inspect.getfile(make)).read_text()
    place = folder("verilated") / f"{kind}-{digest([*parts, code])}"
    return (entry(place, write) / _TEXT).read_text()


def keep_log(place: Path, printed: str) -> Path:
    """Keep what tools printed that made no entry of `place`; return the file."""
    path = place.with_name(f"{place.name}.failed.log")
    with _explained(place.parent):
        outputs.folder(path.parent, _OTHERWISE)
        path.write_text(printed)
    return path


def valid(place: Path) -> bool:
    """Say whether a cache entry is there and every file in it is as it was written."""
    try:
        return all(_file_digest(place / name) == told for name, told in _sums(place).items())
    except (OSError, ValueError, RecursionError):
        return False


@contextmanager
def workplace() -> Iterator[Path]:
    """Give an empty folder whose path any tool takes; it is removed afterwards."""
    for name in (tempfile.gettempdir(), *_TEMPORARY):
        path = os.path.realpath(name)
        if _PLAIN.fullmatch(path) and os.access(path, os.W_OK):
            with tempfile.TemporaryDirectory(prefix="spikeloom-", dir=path) as work:
                yield Path(work)
            return
    raise OutputError(
        f"nothing can be built in {tempfile.gettempdir()!r}: make takes no path with a space or a "
        "letter that is not English; set TMPDIR to a folder without"
    )


def _publish(work: Path, names: Iterable[str], place: Path) -> None:
    """Move files into an entry; it appears whole or not at all, and replaces a corrupt one."""
    for stale in place.parent.glob(f"{place.name}.tmp-*"):  # of a process that was killed
        shutil.rmtree(stale, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{place.name}.tmp-", dir=place.parent))
    try:
        for name in names:
            shutil.move(work / name, staging / name)
        sums = {path.name: _file_digest(path) for path in staging.iterdir()}
        (staging / _MANIFEST).write_text(json.dumps(sums))
        shutil.rmtree(place, ignore_errors=True)
        staging.replace(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sums(place: Path) -> dict[str, str]:
    """Return the digest of each file of a cache entry; `ValueError` for what is no manifest."""
    found = json.loads((place / _MANIFEST).read_text())
    if not isinstance(found, dict) or not found or any(Path(name).name != name for name in found):
        raise ValueError("not the names of files of this entry")
    return found


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _explained(place: Path) -> Iterator[None]:
    """Say which folder cannot be written, and what to do."""
    try:
        yield
    except Timeout as error:
        raise OutputError(
            f"another process has held {error.lock_file} for {LOCK_SECONDS:.0f} s: end it, or set "
            "SPIKELOOM_CACHE to another folder"
        ) from None
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise OutputError(
            f"cannot write in {place}: {error.strerror or error}{where}; {_OTHERWISE}"
        ) from error
