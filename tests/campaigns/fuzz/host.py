"""The host's driver on a hostile line: only errors that have a name, and none later than promised.

Time is the line's own: it passes as bytes do.
"""

from __future__ import annotations

import random
from collections import Counter

import numpy as np

from spikeloom.boards.host.device import Device, DeviceError
from spikeloom.boards.host.frames import LinkError
from spikeloom.boards.host.link import WAIT_MAX, LinkTransport
from spikeloom.golden.spec.link import (
    DEFAULT_BAUD,
    OFFSETS,
    SEQS,
    TAGS,
    BoardFrame,
    HostFrame,
    Kind,
    Parser,
)
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.protocol import Feature
from spikeloom.golden.spec.registers import identity
from tests.campaigns.fuzz import rig
from tests.campaigns.fuzz.script import Event, Script
from tests.campaigns.fuzz.session import damaged

SILENCE, PATIENCE = 0.3, 1.0
"""What the host is told to wait at most, in seconds."""
STILL = SILENCE + PATIENCE + WAIT_MAX + 1.0
"""Seconds without a byte that moves, after which a transfer must have been given up."""
READ_SECONDS = 0.004
"""What a read takes at least: a babbling line would keep the test busy rather than the host."""
OPENING = 60.0
"""Seconds in which a host has found a board or given up: it looks at six rates, twice, three times
over where it is asked for a rate that the board does not take."""
NAMED = (LinkError, DeviceError)
"""What a host may raise."""


class HostError(AssertionError):
    """A host that waits too long, or raises what has no name."""


class HostileLine:
    """A line that plays a script (`spikeloom.boards.host.frames.Line`).

    Attributes
    ----------
    limit : seconds at which the host must have ended what it does.
    moved : seconds at which a good frame last said something new; `limit` alone counts if None.
    counts : of bytes and of reads.
    """

    name = "hostile"

    def __init__(self, script: Script) -> None:
        self._events, self._next = script.events, 0
        self._left: float | None = None  # seconds until the next event comes
        self._now, self._baud = 0.0, DEFAULT_BAUD
        self._written, self._parser = bytearray(), Parser(HostFrame)
        self._frame = HostFrame(Kind.POLL, 0)
        self._expected = self._taken = self._place = 0
        self._said: tuple[int, int, int] | None = None
        self.limit = 0.0
        self.moved: float | None = None
        self.counts: Counter[str] = Counter()
        self._identity = identity(machine(rig.network()), Feature.COUNTERS).pack()

    def read(self, timeout: float) -> bytes:
        """Return what comes next, if it comes within `timeout` seconds."""
        self.counts["reads"] += 1
        limit = self.limit if self.moved is None else min(self.limit, self.moved + STILL)
        if self._now > limit:
            since = "" if self.moved is None else f", {self._now - self.moved:.3g} s after a move"
            raise HostError(f"the host still reads at {self._now:.3g} s{since}: it hangs")
        event = self._events[self._next % len(self._events)]
        if self._left is None:
            self._left = event[1] / 1000
        if self._left > timeout:
            self._left -= timeout
            self._now += timeout
            return b""
        self._now += self._left
        self._left, self._next = None, self._next + 1
        data = self._bytes(event)
        self._now += max(READ_SECONDS, 10 * len(data) / self._baud)
        self.counts["host_bytes"] += len(data)
        return data

    def write(self, data: bytes) -> None:
        """Take bytes as a sound board would, to know what such a one would say."""
        self._written += data
        self._now += 10 * len(data) / self._baud
        for frame in self._parser.feed(data):
            self._frame = frame
            self.counts["host_frames"] += 1
            if frame.kind == Kind.OPEN:
                self._expected, self._taken, self._place = 0, 0, frame.ack
            elif frame.kind == Kind.DATA and frame.seq == self._expected % SEQS:
                self._expected += 1
                self._taken += len(frame.payload)

    def set_baud(self, baud: int) -> None:
        """Change the bit rate."""
        self._baud = baud

    def now(self) -> float:
        """Return the line's seconds."""
        return self._now

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    def _bytes(self, event: Event) -> bytes:
        match event:
            case ["bytes", _, text]:
                return bytes.fromhex(text)
            case ["echo", _]:
                data = bytes(self._written)
                self._written.clear()
                return data
            case ["hello", _, sizes, words, offset, damage]:
                place = (self._place + offset) % OFFSETS
                tag = self._frame.tag
                return _wire(BoardFrame(Kind.HELLO, tag, sizes, place, words % 2**16), damage)
            case ["answer", _, tag, expected, taken, offset, kind, payload, damage]:
                sent = self._identity if payload == "identity" else bytes.fromhex(payload)
                frame = BoardFrame(
                    Kind(kind),
                    (self._frame.tag + tag) % TAGS,
                    (self._expected + expected) % SEQS,
                    (self._place + offset) % OFFSETS,
                    (self._taken + taken) % OFFSETS,
                    sent,
                )
                self._place += len(sent)
                said = (frame.expected, frame.taken, frame.offset)
                if damage is None and (sent or said != self._said):
                    self._said = said
                    self.moved = None if self.moved is None else self._now
                return _wire(frame, damage)
        return b""


def _wire(frame: BoardFrame, damage: Event | None) -> bytes:
    return bytes(byte for byte, broken in damaged(frame.pack(), damage) if not broken)


class Watched:
    """A transport that says how long each transfer may take.

    A board that goes on by one byte within the host's patience, again and again, is slow but no
    reason to give up: so much is allowed for each byte.
    """

    def __init__(self, link: LinkTransport, line: HostileLine) -> None:
        self._link, self._line = link, line

    def transfer(self, data: bytes, reply: int) -> bytes:
        """Transfer as the link does."""
        moves = 2 * len(data) + reply + 4
        self._line.limit = self._line.now() + moves * STILL
        self._line.moved = self._line.now()
        self._line.counts["transfers"] += 1
        found = self._link.transfer(data, reply)
        self._line.moved = None
        return found


def replay(script: Script) -> Counter[str]:
    """Play a script and count what passed; `HostError` where the host fails."""
    line = HostileLine(script)
    ended = "deeds_done"
    try:
        _play(script, line)
    except NAMED as error:
        ended = f"ended_{type(error).__name__}"
    except HostError:
        raise
    except Exception as error:
        raise HostError(f"the host raised {type(error).__name__}: {error}") from error
    return Counter({"host_scripts": 1, ended: 1}) + line.counts


def _play(script: Script, line: HostileLine) -> None:
    numbers = machine(rig.network())
    line.limit = line.now() + OPENING
    below = random.Random(0).randrange  # what is found once is found again
    options = {"silence": SILENCE, "patience": PATIENCE, "below": below}
    link = LinkTransport(line, baud=script.baud or None, **options)
    watched = Watched(link, line)
    images = np.arange(8, dtype=np.uint8).reshape(2, 4) * 30
    device: Device | None = None
    for deed in script.deeds:
        if deed == "transfer":
            watched.transfer(bytes(20), 5)
            continue
        if deed == "reopen":
            line.limit = line.now() + OPENING
            link.reopen()
            continue
        device = device or Device(watched, numbers)
        match deed:
            case "identity":
                device.check_identity()
            case "train":
                device.train_digests(images, np.array([0, 1]))
            case "infer":
                device.infer(images)
            case "weights":
                _ = device.weights
            case "load":
                device.weights = [np.ones((x.n_pre, x.n_post), np.int16) for x in numbers.layers]
            case "digest":
                device.digest()
            case "states":
                device.stream_states = device.stream_states
            case "counters":
                device.check_status()
                device.counters()
            case "reset":
                device.reset()
                device.clear()
