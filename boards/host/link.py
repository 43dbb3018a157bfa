"""The host's end of the serial link: a transport that loses nothing (`golden.spec.link`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from spikeloom.golden.spec.link import DEFAULT_BAUD, Hello

SILENCE = 3.0
"""Seconds without a good frame, while the board is being asked, after which it is lost."""
PATIENCE = 60.0
"""Seconds in which no byte moves, while the board answers, after which its core is stuck."""


class LinkError(RuntimeError):
    """A board that does not answer, or not as the link lays down."""


class CoreStuckError(LinkError):
    """The board answers, but its core neither takes bytes nor sends any."""


class Line(Protocol):
    """Raw bytes both ways: a serial port (`boards.host.port.Port`) or a simulated line."""

    name: str

    def read(self, timeout: float) -> bytes:
        """Return what has come, at once if there is any, else b"" after `timeout` seconds."""

    def write(self, data: bytes) -> None:
        """Send bytes; need not wait until they are on the line."""

    def set_baud(self, baud: int) -> None:
        """Change the bit rate, after what was written before has left."""

    def discard(self) -> None:
        """Forget what has come and was not read."""

    def now(self) -> float:
        """Return seconds, as `time.monotonic` does."""

    def close(self) -> None:
        """Give the line back."""


@dataclass
class Statistics:
    """What went over the line since the link was opened.

    Attributes
    ----------
    frames, received : good frames, to the board and from it.
    resent : DATA frames sent again. polls : POLL and REWIND frames.
    crc_errors : wrong frames from the board. skipped : bytes from it that were in no good frame.
    bytes_out, bytes_in : bytes on the line. payload_out, payload_in : bytes of the streams, once.
    seconds : spent in `LinkTransport.transfer`.
    """

    frames: int = 0
    received: int = 0
    resent: int = 0
    polls: int = 0
    crc_errors: int = 0
    skipped: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    payload_out: int = 0
    payload_in: int = 0
    seconds: float = 0.0


class LinkTransport:
    """A core behind a serial line (`boards.host.device.Transport`).

    Parameters
    ----------
    line : carries bytes; it is closed with the transport.
    baud : bit rate to ask for once the board is found, None for the one it is found at.
    default : bit rate to look for the board at first.
    silence, patience : see `SILENCE` and `PATIENCE`.
    """

    hello: Hello
    baud: int
    statistics: Statistics

    def __init__(
        self,
        line: Line,
        *,
        baud: int | None = None,
        default: int = DEFAULT_BAUD,
        silence: float = SILENCE,
        patience: float = PATIENCE,
    ) -> None:
        raise NotImplementedError

    @classmethod
    def open(cls, port: str, *, baud: int | None = None, **options: float) -> Self:
        """Open a serial port by name and find the board on it; `PortError`, `LinkError`."""
        raise NotImplementedError

    def transfer(self, data: bytes, reply: int) -> bytes:
        """Send `data` and return the next `reply` bytes of the core, or raise `LinkError`.

        It returns once the board holds all of `data` and the reply is complete: further replies to
        `data` may be asked for in a later call, so that the next images travel meanwhile.
        """
        raise NotImplementedError

    def reopen(self) -> None:
        """Reset the link and the core (weights stay), whatever state they are in."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the line back; a second call does nothing."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
