"""Faults that are known and not mended yet; a mended one fails tests/test_fuzz_files.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Why a fault stays for now, and the kept input (``target/file``) that still shows it."""

    why: str
    kept: str


KNOWN = {
    "picture: IndexError in golden/datasets/images.py:_crop": Known(
        "a border so uneven that no ink stands out of it: blank, and not refused as such",
        "picture/9d4c7664",
    ),
}
"""By the signature of its finding."""
