"""Whether an output can be written, asked before the work that fills it."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from tempfile import TemporaryFile

from spikeloom.errors import SpikeloomError

_LEAST = 1 << 16
"""Bytes that are written to see whether there is room."""


class OutputError(SpikeloomError, ArgumentTypeError):
    """An output that cannot be written; argparse tells it with the option that named it."""


def file(name: str | Path) -> Path:
    """Make the folder of a file that is to be written; `OutputError` where it cannot be."""
    path = Path(name)
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name a file in it")
    try:
        _try(path.parent)
        if path.exists():
            path.open("ab").close()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; name another file") from None
    return path


def folder(name: str | Path, otherwise: str = "name another folder") -> Path:
    """Make a folder that is to be written in; `OutputError` says what to do where it cannot be."""
    path = Path(name)
    try:
        _try(path)
    except OSError as error:
        raise OutputError(f"cannot write in {path}: {error.strerror}; {otherwise}") from None
    return path


def _try(folder: Path) -> None:
    """Write what is gone at once: permissions alone tell nothing of file systems, and of root."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as trial:
        trial.write(bytes(_LEAST))
        trial.flush()
