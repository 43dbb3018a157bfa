"""The board's ear by the link's specification: which frames it takes out of any bytes at all."""

from __future__ import annotations

import zlib

from spikeloom.golden.spec import link
from spikeloom.golden.spec.link import HostFrame

QUIET = link.QUIET_BITS // 10
"""Byte times in which nothing comes, after which a board surely hunts for a new frame."""


class Ear:
    """Hears a board's line byte by byte.

    Unlike a host's `Parser` it looks at each byte once: what lies within a frame that turns out to
    be wrong is lost with it.
    """

    def __init__(self) -> None:
        self._frame: bytearray | None = None  # what has come behind a SOF

    def byte(self, value: int, *, broken: bool = False) -> HostFrame | None:
        """Hear a byte (`broken`: without a stop bit); return the good frame that it ends."""
        if broken:
            self._frame = None
        elif self._frame is None:
            self._frame = bytearray() if value == link.SOF else None
        else:
            self._frame.append(value)
            return self._look()
        return None

    def quiet(self) -> None:
        """Hear nothing for `QUIET` byte times or more."""
        self._frame = None

    def _look(self) -> HostFrame | None:
        got, head = self._frame, HostFrame.HEADER.size
        kind, found = got[0] & 15, None
        length = got[head - 1] if len(got) >= head else 0
        if kind not in HostFrame.KINDS or length > HostFrame.length_max(kind):
            self._frame = None
        elif len(got) == head + length + link.CRC_BYTES:
            self._frame = None
            body = bytes(got[: -link.CRC_BYTES])
            if zlib.crc32(body) == int.from_bytes(got[-link.CRC_BYTES :], "little"):
                found = HostFrame.unpack(body)
        return found
