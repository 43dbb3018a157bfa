"""Data sets as the description of their format says, apart from the code under test."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def idx(array: np.ndarray) -> bytes:
    """Encode an array of bytes."""
    header = bytes([0, 0, 8, array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder: Path, images: dict[str, np.ndarray], classes: int) -> None:
    """Write images of ``train`` and ``t10k``, uint8[n, rows, columns]; labels take turns."""
    folder.mkdir()
    for name, pixels in images.items():
        labels = np.arange(len(pixels), dtype=np.uint8) % classes
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx(pixels))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels))
