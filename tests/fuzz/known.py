"""Faults that are known and not mended yet: signature to why. A mended one fails its test."""

from __future__ import annotations

KNOWN = {
    "configuration: RecursionError in golden/spec/network.py:load": "arrays nested 1,000 deep",
    "configuration: ValueError in golden/spec/network.py:load": "a number of 5,000 digits",
    "paper-checkpoint: TokenError in golden/paper/checkpoint.py:<dictcomp>": "an unclosed header",
    "idx-images: MemoryError in golden/datasets/idx.py:_bytes_of": "a gzip that unpacks to 1 GiB",
    "picture: MemoryError in golden/datasets/images.py:_grey": "a PNG chunk that promises 2 GiB",
}
