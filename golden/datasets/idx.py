"""IDX files: the format of MNIST and of every set that imitates it.

A file is ``00 00 TYPE RANK``, then RANK sizes of four bytes, most significant first, then the
elements, last index fastest. Images are rank 3 and labels rank 1; both are unsigned bytes
(TYPE 08). Any departure from that is a `DataError`: a file that is nearly right would train a
network on nearly the right digits.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from spikeloom.errors import SpikeloomError

_UBYTE = 0x08
_TYPES = {
    0x08: "unsigned byte",
    0x09: "signed byte",
    0x0B: "16-bit integer",
    0x0C: "32-bit integer",
    0x0D: "32-bit float",
    0x0E: "64-bit float",
}
_KINDS = {1: "labels", 3: "images"}
_CHUNK = 1 << 20  # bytes; a promise is not believed in one piece


class DataError(SpikeloomError, ValueError):
    """A data file or picture that cannot be used; the message names it and says what to do."""


def find(directory: Path, name: str) -> Path:
    """Return ``directory/name`` or ``directory/name.gz``; `DataError` where neither exists."""
    candidates = (directory / name, directory / f"{name}.gz")
    for path in candidates:
        if path.is_file():
            return path
    raise DataError(
        f"{directory}: no file {candidates[0].name} and no {candidates[1].name}; a data directory "
        "holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
        "t10k-labels-idx1-ubyte, each plain or with .gz"
    )


def read_images(path: Path) -> np.ndarray:
    """Read a file of images: uint8[n, rows, cols], writable, C-contiguous.

    `DataError` where it is not a sound rank-3 IDX file of bytes with at least one image.
    """
    return _read(path, rank=3)


def read_labels(path: Path, *, classes: int | None = None) -> np.ndarray:
    """Read a file of labels: uint8[n], writable, C-contiguous.

    Where ``classes`` is given, each must lie below it. `DataError` where one does not, or where
    the file is not a sound rank-1 IDX file of bytes.
    """
    labels = _read(path, rank=1)
    if classes is not None and (bad := np.flatnonzero(labels >= classes)).size:
        raise DataError(
            f"{path}: label {labels[bad[0]]} at index {bad[0]} is out of range, expected 0 to "
            f"{classes - 1} ({bad.size} such labels); is this the label file of another data set?"
        )
    return labels


def _read(path: Path, *, rank: int) -> np.ndarray:
    """Read the header, and then one byte more than it promises at most."""
    header = 4 + 4 * rank
    with _opened(path) as stream:
        shape = _shape(path, stream.read(header), rank)
        elements, most = bytearray(), prod(shape) + 1
        while part := stream.read(min(_CHUNK, most - len(elements))):
            elements += part
        # What follows in a gzip is not unpacked to be counted.
        rest = None if path.suffix == ".gz" else os.fstat(stream.fileno()).st_size - header
    _check_size(path, shape, len(elements), rest)
    return np.frombuffer(elements, np.uint8).reshape(shape)


def _shape(path: Path, data: bytes, rank: int) -> tuple[int, ...]:
    """Return the sizes in a header, or in what there is of one."""
    kind = _KINDS[rank]
    if data[:2] == b"\x1f\x8b":
        raise DataError(
            f"{path}: gzip data where plain IDX {kind} were expected; add .gz to the file's name"
        )
    if len(data) >= 2 and data[:2] != b"\0\0":
        raise DataError(
            f"{path}: wrong magic number {data[:4].hex(' ')}, expected 00 00 08 {rank:02x} (IDX "
            f"{kind}); this is not an IDX file, give the original one"
        )
    if len(data) < 4:
        raise DataError(
            f"{path}: truncated, {len(data)} bytes found, expected at least the 4 of the magic "
            "number; copy or download the file again"
        )
    if data[2] != _UBYTE:
        raise DataError(
            f"{path}: element type {data[2]:#04x} ({_TYPES.get(data[2], 'unknown')}), expected "
            f"{_UBYTE:#04x} ({_TYPES[_UBYTE]}); convert the {kind} to bytes"
        )
    if data[3] != rank:
        found = _KINDS.get(data[3], "data")
        raise DataError(
            f"{path}: rank {data[3]} ({found}) where rank {rank} ({kind}) was expected; is the "
            "file mislabelled, that is, is another file stored under this name?"
        )
    if len(data) < (header := 4 + 4 * rank):
        raise DataError(
            f"{path}: truncated, {len(data)} bytes found, expected a header of {header}; copy or "
            "download the file again"
        )
    return tuple(int(size) for size in np.frombuffer(data, ">u4", rank, offset=4))


def _check_size(path: Path, shape: tuple[int, ...], found: int, rest: int | None) -> None:
    """Check the header's sizes against the bytes that follow it.

    found : how many were read. rest : how many there are; None where nobody knows.
    """
    sizes = " x ".join(str(size) for size in shape)
    expected = prod(shape)
    if expected == 0:
        raise DataError(f"{path}: empty, the header says {sizes}; give a file with elements")
    if found < expected:
        raise DataError(
            f"{path}: truncated, {found} bytes of elements found, expected {expected} ({sizes}); "
            "copy or download the file again"
        )
    if found > expected:
        more = "more" if rest is None else rest
        trailing = "" if rest is None else f"{rest - expected} "
        raise DataError(
            f"{path}: {trailing}trailing bytes, expected {expected} ({sizes}) and found "
            f"{more}; copy or download the file again"
        )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a plain or compressed file; what goes wrong while it is read is a `DataError`."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: corrupt gzip ({error}), expected a compressed IDX file; copy or download "
            "the file again"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
