"""Files that are never half written, and archives of arrays that are read with a bound."""

from __future__ import annotations

import glob
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from spikeloom.errors import SpikeloomError

DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, MemoryError, SyntaxError,
    AttributeError, NotImplementedError, RuntimeError, tokenize.TokenError,
)  # fmt: skip
"""What `read_arrays` may raise of a file that is damaged or no archive, beside `ArchiveError`."""


FOLDERS_OPEN = os.name != "nt"


class ArchiveError(SpikeloomError, ValueError):
    """An archive that is sound and not what was asked for; the message says in what."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes `path`'s place, on the disk, where the block ends without an error.

    `path` holds either what it held before or all of the new one, whenever the power goes. What a
    killed process left of an earlier try is cleared away.
    """
    partial = partial_of(path, os.getpid())
    _clear(path)
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def partial_of(path: Path, pid: int) -> Path:
    """Return the file that process `pid` writes before it takes `path`'s place."""
    return path.with_name(f"{path.name}.{pid}.partial")


def _clear(path: Path) -> None:
    """Remove the partial files of `path` whose processes are no more, where that can be told."""
    if os.name == "nt":  # there, asking for a process by signal 0 ends it
        return
    for partial in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):
        pid = partial.suffixes[-2][1:]
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            partial.unlink(missing_ok=True)
        except (ValueError, OverflowError, PermissionError):
            continue  # of no process, or of somebody else's that runs


def _sync(folder: Path) -> None:
    """Make the renaming last, where the system can sync a folder: Windows cannot even open one."""
    if not FOLDERS_OPEN:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_arrays(path: Path, most: int) -> dict[str, np.ndarray]:
    """Read all arrays of an .npz, and never a pickle.

    Parameters
    ----------
    most : bytes that its members may have when unpacked; a larger one is refused unread.

    Raises
    ------
    OSError : there is no such file, or it cannot be read.
    ArchiveError : it is larger, or holds what is no array.
    `DAMAGED` : it is damaged, or no archive at all.
    """
    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ArchiveError("one array, not an .npz of several")
        with archive:
            if (size := sum(member.file_size for member in archive.zip.infolist())) > most:
                raise ArchiveError(f"unpacks to {size} bytes, expected {most} at most")
            fields = {name: archive[name] for name in archive.files}
    for name, value in fields.items():
        if not isinstance(value, np.ndarray):  # NumPy gives what is no array as bytes
            raise ArchiveError(f"{name} is no array")
    return fields


def pick_array(
    fields: dict[str, np.ndarray], name: str, dtype: type, shape: tuple[int | None, ...]
) -> np.ndarray:
    """Return one of an archive's arrays; `ArchiveError` where it is missing or another.

    shape : None stands for any size.
    """
    if name not in fields:
        raise ArchiveError(f"{name} is missing")
    array = fields[name]
    fits = len(array.shape) == len(shape) and all(
        want in (None, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits:
        wanted = " x ".join("n" if size is None else str(size) for size in shape)
        raise ArchiveError(
            f"{name} is {array.dtype}{list(array.shape)}, expected {np.dtype(dtype).name}[{wanted}]"
        )
    return array
