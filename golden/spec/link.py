"""The serial link: frames that carry the core's two byte streams over a UART without loss.

8 data bits, no parity, 1 stop bit. Every frame is, little-endian,

====================  ======  ==================================================================
field                 bytes   meaning
====================  ======  ==================================================================
SOF                   1       0xA5
kind, tag             1       bits 3..0 `Kind`, bits 7..4 tag
place                 2       bits 11..0 place in the reply stream, bits 15..12 frame number
taken                 0 or 2  only in frames of the board, see below
length                1       of the payload, 0 to 128
payload               0..128  bytes of a stream
CRC-32                4       the one of zlib, over everything between SOF and itself
====================  ======  ==================================================================

The host's frames (9 bytes beside the payload) and the board's (11) use them as follows. Frame
numbers are modulo 16, places in a stream and what is taken of it modulo 4096.

==========  =================================  =================================================
field       from the host                      from the board
==========  =================================  =================================================
seq         DATA: number of this frame         `expected`: number of the DATA frame it takes next
            since OPEN. Others: 0
ack         DATA, POLL, REWIND: end of what    `offset`: place of the payload's first byte, or,
            was received in order. OPEN:       without a payload, of the next byte
            where to begin, a random number
taken                                          command bytes that have left the board's buffer
                                               since OPEN
length      0 but for DATA                     0 for HELLO
==========  =================================  =================================================

RATE has a 16-bit divider in place of seq and ack; HELLO has `Hello` in place of `expected` and
`taken`.

The host keeps all clocks but two: the board speaks when a good frame asks for an answer, when reply
bytes wait, and when another quarter of its command buffer has been taken; it never repeats anything
unasked. Any good frame of the host is answered by a frame that bears its tag or a later one.

DATA    is taken if its seq is the expected one and its payload fits the buffer, else refused
        (kind REFUSED until another frame comes). No byte goes to the core before the CRC is good.
POLL    asks for an answer. REWIND does too, and sends the replies again that follow `ack`.
OPEN    empties both buffers, resets the core and begins both counts anew: seq and taken at 0, the
        reply stream at `ack`. The answer, HELLO, tells that place again and what the board is.
RATE    sets the bit rate to `clock_hz * divider / 2**16`. It is answered at the old rate.

`ack` frees the replies before it in the board's buffer; a full buffer stops the core. The host
sends no more bytes than the command buffer holds beyond `taken`, in no more than 7 frames beyond
`expected`. It puts a new tag into a POLL (or REWIND, OPEN, RATE) and all frames after it; a frame
that bears this tag was sent after the board had seen everything the host had sent before: what it
does not expect now is lost and is sent again.

While it obeys REWIND, OPEN or RATE, that is until the frame that it is sending ends (for RATE, and
the answer too), the board hears nothing. A frame with a wrong kind, length or CRC, or with a byte
without a stop bit, is as if it had not come. The board forgets a frame of which nothing comes for
`QUIET_BITS` bit times. After RATE it falls back to the rate it was built with when the line is
quiet for `FALLBACK_BITS` bit times before a good frame has come at the new one; at once where the
divider is under `DIVIDER_MIN`, or one bit of it changes by itself.

A worked example, tag 3: the host opens at place 0x123, then sends command bytes 01 (IDENTIFY).

>>> HostFrame(Kind.OPEN, 3, ack=0x123).pack().hex(" ")
'a5 34 23 01 00 12 79 1d 7d'
>>> HostFrame(Kind.DATA, 3, seq=0, ack=0x123, payload=bytes([1])).pack().hex(" ")
'a5 31 23 01 01 01 1b 0d 3a 87'
>>> BoardFrame(Kind.STATE, 3, expected=1, taken=1, offset=0x123).pack().hex(" ")
'a5 38 23 11 01 00 00 7a 2b ed 36'
"""

from __future__ import annotations

import enum
import struct
import zlib
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar

from spikeloom.errors import SpikeloomError

VERSION = 2
SOF = 0xA5
PAYLOAD_MAX = 128
CRC_BYTES = 4
"""Of the CRC-32 of `zlib`."""
QUIET_BITS = 1 << 8
"""Bit times without a byte after which the board hunts for a new frame: 25 bytes' time."""
FALLBACK_BITS = 1 << 19
"""Bit times without a byte after which an unused new rate is given up: 0.52 s at 1 Mbaud."""

DEFAULT_BAUD = 1_000_000
BAUD_MAX = 3_000_000
USUAL_BAUDS = (1_000_000, 3_000_000, 2_000_000, 921_600, 500_000, 115_200)
"""Where a host looks for a board that does not answer at the rate it was built with."""
DIVIDER_BITS = 16
DIVIDER_MIN = 64
"""1,024 clocks to a bit; of slower ones `FALLBACK_BITS` would be minutes."""
CLOCKS_PER_BIT_MIN = 5
BAUD_ERROR_MAX = 0.01
"""Of the rate wanted, relative; what two ends may differ and still read each other's tenth bit."""

TAGS, SEQS, OFFSETS = 1 << 4, 1 << 4, 1 << 12
"""What tags, frame numbers and places in a stream are modulo of."""
FLYING_MAX = SEQS // 2 - 1
"""DATA frames that may be sent beyond the expected one."""
BUFFER_MIN, BUFFER_MAX = PAYLOAD_MAX, OFFSETS // 4
"""Bytes of the board's buffers: more, and an old frame could be taken for a new one."""
CLOCK_BITS = 12
CLOCK_UNIT = 100_000
"""Hz, in which a board tells its clock: half of it is 0.4 % of the slowest board's 12 MHz."""


class Kind(enum.IntEnum):
    """Kind of a frame; host and board have their own, so that an echo is no answer."""

    DATA = 1
    POLL = 2
    REWIND = 3
    OPEN = 4
    RATE = 5
    STATE = 8
    REFUSED = 9
    HELLO = 10


class FrameError(SpikeloomError, ValueError):
    """A frame that cannot be packed."""


@dataclass(frozen=True)
class HostFrame:
    """What the host sends; `seq`, `ack` and `tag` are given modulo what they are counted in."""

    kind: Kind
    tag: int
    seq: int = 0
    ack: int = 0
    payload: bytes = b""

    KINDS: ClassVar = (Kind.DATA, Kind.POLL, Kind.REWIND, Kind.OPEN, Kind.RATE)
    HEADER: ClassVar = struct.Struct("<BHB")

    @classmethod
    def rate(cls, tag: int, divider: int) -> Self:
        """Return the frame that sets a divider."""
        return cls(Kind.RATE, tag, *divmod(divider, OFFSETS))

    @property
    def divider(self) -> int:
        """The divider that RATE sets."""
        return self.seq * OFFSETS + self.ack

    def pack(self) -> bytes:
        """Return the frame as it goes over the line; `FrameError` if its payload is too long."""
        return _pack(self, self.seq, self.ack)

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Return a frame, given what is between SOF and CRC."""
        kind, place, _ = cls.HEADER.unpack_from(body)
        payload = bytes(body[cls.HEADER.size :])
        return cls(Kind(kind & 15), kind >> 4, *divmod(place, OFFSETS), payload)

    @classmethod
    def length_max(cls, kind: int) -> int:
        """Return how many bytes of payload a kind may have."""
        return PAYLOAD_MAX if kind == Kind.DATA else 0


@dataclass(frozen=True)
class BoardFrame:
    """What the board sends."""

    kind: Kind
    tag: int
    expected: int = 0
    offset: int = 0
    taken: int = 0
    payload: bytes = b""

    KINDS: ClassVar = (Kind.STATE, Kind.REFUSED, Kind.HELLO)
    HEADER: ClassVar = struct.Struct("<BHHB")

    def pack(self) -> bytes:
        """Return the frame as it goes over the line; `FrameError` if its payload is too long."""
        return _pack(self, self.expected, self.offset, self.taken)

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Return a frame, given what is between SOF and CRC."""
        kind, place, taken, _ = cls.HEADER.unpack_from(body)
        payload = bytes(body[cls.HEADER.size :])
        return cls(Kind(kind & 15), kind >> 4, *divmod(place, OFFSETS), taken, payload)

    @classmethod
    def length_max(cls, kind: int) -> int:
        """Return how many bytes of payload a kind may have."""
        return 0 if kind == Kind.HELLO else PAYLOAD_MAX


Frame = TypeVar("Frame", HostFrame, BoardFrame)


def _pack(frame: HostFrame | BoardFrame, seq: int, offset: int, *taken: int) -> bytes:
    if len(frame.payload) > (most := frame.length_max(frame.kind)):
        raise FrameError(
            f"{len(frame.payload)} bytes do not fit a frame of kind {frame.kind.name}: "
            f"it carries {most}"
        )
    kind, place = frame.tag << 4 | frame.kind, seq * OFFSETS + offset
    body = frame.HEADER.pack(kind, place, *taken, len(frame.payload)) + frame.payload
    return bytes([SOF]) + body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")


@dataclass(frozen=True)
class Hello:
    """What a board says of itself.

    `expected` of HELLO has the binary logarithms of the buffers' sizes in units of `BUFFER_MIN`
    (commands in bits 1..0, replies in 3..2), `taken` the clock (11..0) and the version (15..12).
    `FrameError` for a clock that does not fit.

    Attributes
    ----------
    version : of the link.
    commands, replies : bytes that its two buffers hold.
    clock_hz : of the clock that bit rates are divided from, to the next `CLOCK_UNIT`.
    """

    version: int
    commands: int
    replies: int
    clock_hz: int

    def __post_init__(self) -> None:
        if round(self.clock_hz / CLOCK_UNIT) >> CLOCK_BITS:
            most = (CLOCK_UNIT << CLOCK_BITS) - CLOCK_UNIT
            raise FrameError(
                f"a clock of {self.clock_hz / 1e6:g} MHz is more than HELLO can tell: choose one "
                f"of {most / 1e6:g} MHz at most"
            )

    def pack(self) -> tuple[int, int]:
        """Return `expected` and `taken` of HELLO."""
        sizes = [(size // BUFFER_MIN).bit_length() - 1 for size in (self.commands, self.replies)]
        clock = round(self.clock_hz / CLOCK_UNIT)
        return sizes[0] | sizes[1] << 2, self.version << CLOCK_BITS | clock

    @classmethod
    def unpack(cls, frame: BoardFrame) -> Self:
        """Read a HELLO."""
        version, clock = divmod(frame.taken, 1 << CLOCK_BITS)
        sizes = (BUFFER_MIN << (frame.expected & 3), BUFFER_MIN << (frame.expected >> 2))
        return cls(version, *sizes, clock * CLOCK_UNIT)


def divider(clock_hz: int, baud: int) -> int:
    """Return what a UART adds per clock to a 16-bit accumulator that overflows once a bit.

    `ValueError` if a clock gives less than `CLOCKS_PER_BIT_MIN` clocks to a bit, or misses the rate
    by more than `BAUD_ERROR_MAX`.
    """
    if not 0 < baud * CLOCKS_PER_BIT_MIN <= clock_hz:
        raise ValueError(
            f"{baud} baud cannot be had from {clock_hz / 1e6:g} MHz: "
            f"at most {clock_hz // CLOCKS_PER_BIT_MIN} baud"
        )
    found = round((baud << DIVIDER_BITS) / clock_hz)
    real = rate(clock_hz, found)
    if abs(real - baud) > BAUD_ERROR_MAX * baud:
        raise ValueError(
            f"{baud} baud cannot be had from {clock_hz / 1e6:g} MHz: the nearest is {real:.0f} baud"
        )
    return found


def rate(clock_hz: int, divider: int) -> float:
    """Return the bit rate that a divider gives, in baud."""
    return clock_hz * divider / (1 << DIVIDER_BITS)


def ahead(place: int, other: int, modulus: int = OFFSETS) -> int:
    """Return how far a place in a stream is ahead of another (negative: behind)."""
    half = modulus // 2
    return (place - other + half) % modulus - half


class Parser(Generic[Frame]):
    """Finds frames in what comes over a line, whatever else is there.

    After a wrong frame it looks for another from the byte behind that SOF on, so bytes that only
    look like a SOF cost no frame that follows them in full.

    Parameters
    ----------
    frame : `HostFrame` or `BoardFrame`, whose frames it looks for.

    Attributes
    ----------
    bad : frames so far with a wrong CRC, or cut short (`quiet`).
    skipped : bytes so far that were no part of a good frame.
    """

    def __init__(self, frame: type[Frame]) -> None:
        self._frame = frame
        self._head = 1 + frame.HEADER.size
        self._pending = bytearray()
        self.bad = 0
        self.skipped = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Return the good frames that are complete once `data` has come."""
        self._pending += data
        return self._frames()

    def quiet(self) -> list[Frame]:
        """Give up a frame that has not come to its end; return those found within it."""
        found = []
        while self._pending:
            self.bad += 1
            self._skip(1)
            found += self._frames()
        return found

    def _frames(self) -> list[Frame]:
        found, pending = [], self._pending
        while True:
            start = pending.find(SOF)
            self._skip(len(pending) if start < 0 else start)
            if len(pending) < self._head:
                return found
            kind, length = pending[1] & 15, pending[self._head - 1]
            if kind not in self._frame.KINDS or length > self._frame.length_max(kind):
                self._skip(1)
                continue
            end = self._head + length
            if len(pending) < end + CRC_BYTES:
                return found
            body = bytes(pending[1:end])
            if zlib.crc32(body) == int.from_bytes(pending[end : end + CRC_BYTES], "little"):
                found.append(self._frame.unpack(body))
                del pending[: end + CRC_BYTES]
            else:
                self.bad += 1
                self._skip(1)

    def _skip(self, count: int) -> None:
        self.skipped += count
        del self._pending[:count]
