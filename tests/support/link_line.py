"""A serial line in virtual time, with faults: between a host and a board of the tests."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from spikeloom.golden.spec import link
from tests.support.link_board import IDLE, Board

Fault = Callable[[int], list[int | None]]
"""What becomes of a byte: bytes instead, None for one without a stop bit."""


@dataclass
class Noise:
    """Random faults, each with a probability per byte; `garbage` is also before and between."""

    rng: random.Random
    flip: float = 0.0
    drop: float = 0.0
    double: float = 0.0
    garbage: float = 0.0
    broken: float = 0.0

    def __call__(self, byte: int) -> list[int | None]:
        out: list[int | None] = []
        if self.rng.random() < self.garbage:
            out += [self.rng.choice((link.SOF, self.rng.getrandbits(8))) for _ in range(3)]
        if self.rng.random() < self.drop:
            return out
        if self.rng.random() < self.broken:
            return [*out, None]
        if self.rng.random() < self.flip:
            byte ^= 1 << self.rng.randrange(8)
        return [*out, *[byte] * (1 + (self.rng.random() < self.double))]


class SimulatedLine:
    """A line in virtual time, one byte's time per step (`boards.host.frames.Line`).

    Parameters
    ----------
    board : at its other end.
    latency : byte times between a byte's arrival and the host's reading of it.

    Attributes
    ----------
    up, down : what becomes of a byte to the board and from it.
    busy, steps : byte times in which a byte went to the board, and all.
    """

    name = "simulated"

    def __init__(self, board: Board, *, latency: int = 0) -> None:
        self.board, self.latency = board, latency
        self.up: Fault = lambda byte: [byte]
        self.down: Fault = lambda byte: [byte]
        self.busy = self.steps = 0
        self.closed = False
        self._time = 0.0
        self._baud = link.DEFAULT_BAUD
        self._out: deque[int | None] = deque()
        self._in = bytearray()

    def step(self, most: int = 1) -> None:
        """Pass one byte's time; some more if nothing happens."""
        if self._out:
            passed, byte = 1, self._out.popleft()
            self.busy += 1
            sent = self.board.step(byte or 0, broken=byte is None)
        else:
            passed, sent = self.board.idle(most)
        self.steps += passed
        self._time += 10 * passed / self._baud
        for byte in sent:
            self._in += bytes(b for b in self.down(byte) if b is not None)

    def read(self, timeout: float) -> bytes:
        end = self._time + timeout
        while not self._in and (left := end - self._time) > 0:
            self.step(min(IDLE, math.ceil(left * self._baud / 10)))
        for _ in range(self.latency if self._in else 0):
            self.step()
        data = bytes(self._in)
        self._in.clear()
        return data

    def write(self, data: bytes) -> None:
        for byte in data:
            self._out += self.up(byte)

    def set_baud(self, baud: int) -> None:
        while self._out:
            self.step()
        self._baud = baud
        self.board.set_host_baud(baud)

    def now(self) -> float:
        return self._time

    def close(self) -> None:
        self.closed = True
