"""Faults that are known and not mended yet: signature to why. A mended one fails its test."""

from __future__ import annotations

KNOWN: dict[str, str] = {}
