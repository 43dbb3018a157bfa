"""Faults that are known and not mended yet; a mended one fails test_fuzz_files.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Why a fault stays for now, and the kept input (``target/file``) that still shows it."""

    why: str
    kept: str


KNOWN: dict[str, Known] = {}
"""By the signature of its finding."""
