"""The cache of what is built: entries appear whole, and are taken only as they were written."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spikeloom import outputs
from spikeloom.sim.rtl import toolchain

_MANIFEST = "manifest.json"
_OTHERWISE = "it keeps what is built: set SPIKELOOM_CACHE to another folder"


def directory(kind: str = "verilated") -> Path:
    """Return the folder of one kind of entries, made if it is missing; it can be written in."""
    return outputs.folder(toolchain.cache_directory().resolve() / kind, _OTHERWISE)


def digest(parts: Iterable[str]) -> str:
    """Return what names an entry that depends on these texts and on nothing else."""
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:32]


def publish(source: Path, names: list[str], entry: Path) -> None:
    """Move files into a cache entry; it appears whole or not at all, and replaces a corrupt one."""
    staging = Path(tempfile.mkdtemp(prefix=f"{entry.name}.tmp-", dir=entry.parent))
    for name in names:
        shutil.move(source / name, staging / name)
    manifest = {name: _file_digest(staging / name) for name in names}
    (staging / _MANIFEST).write_text(json.dumps(manifest))
    shutil.rmtree(entry, ignore_errors=True)
    staging.replace(entry)


@contextmanager
def work_folder(entry: Path) -> Iterator[Path]:
    """Give a folder to build an entry in, and remove it; the caller holds the entry's lock."""
    for stale in entry.parent.glob(f"{entry.name}.tmp-*"):  # of a process that was killed
        shutil.rmtree(stale, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f"{entry.name}.tmp-", dir=entry.parent))
    try:
        yield work
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise outputs.OutputError(
            f"cannot write in {entry.parent}: {error.strerror}; {_OTHERWISE}"
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def sums(entry: Path) -> dict[str, str]:
    """Return the digest of each file of a cache entry; `ValueError` for what is no manifest."""
    found = json.loads((entry / _MANIFEST).read_text())
    if not isinstance(found, dict) or not found or any(Path(name).name != name for name in found):
        raise ValueError("not the names of files of this entry")
    return found


def valid(entry: Path) -> bool:
    """Say whether a cache entry is there and every file in it is as it was written."""
    try:
        return all(_file_digest(entry / name) == told for name, told in sums(entry).items())
    except (OSError, ValueError, RecursionError):
        return False


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
