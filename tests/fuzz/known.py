"""Faults that are known and not mended yet: signature to why. A mended one fails its test."""

from __future__ import annotations

KNOWN = {
    "idx-images: MemoryError in golden/datasets/idx.py:_bytes_of": "a gzip that unpacks to 1 GiB",
}
