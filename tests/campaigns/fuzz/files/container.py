"""Forms in which an input becomes files, so that mutations get behind checksums.

A container is a row of members: a byte of name's length, the name, four bytes of size (least
significant first), the content. What is cut short is taken as far as it goes.
"""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile

import numpy as np


def pack(members: dict[str, bytes]) -> bytes:
    """Return members as a container."""
    return b"".join(
        bytes([len(name)]) + name.encode() + struct.pack("<I", len(content)) + content
        for name, content in members.items()
    )


def unpack(data: bytes) -> list[tuple[str, bytes]]:
    """Return the members of any bytes."""
    members, at = [], 0
    while at < len(data) and len(members) < 64:
        end = at + 1 + data[at]
        name = data[at + 1 : end].decode("latin-1")
        size = int.from_bytes(data[end : end + 4], "little")
        members.append((name, data[end + 4 : end + 4 + size]))
        at = end + 4 + size
    return members


def as_zip(data: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a container's members as a sound zip archive."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # two members of one name
        for name, content in unpack(data):
            archive.writestr(zipfile.ZipInfo(name or "empty"), content, compress_type=method)
    return buffer.getvalue()


def as_gzip(data: bytes) -> bytes:
    """Return a sound gzip of the bytes, always the same."""
    return gzip.compress(data, 1, mtime=0)


def npy(value: np.ndarray | np.generic) -> bytes:
    """Return an array as an .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(value), allow_pickle=False)
    return buffer.getvalue()


def members_of(archive: bytes) -> bytes:
    """Return the members of a zip as a container."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return pack({name: files.read(name) for name in files.namelist()})
