"""A serial port as a line of bytes, with errors that say what to do."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import serial
from serial.tools import list_ports

from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.link import DEFAULT_BAUD

TICK = 0.01
"""Seconds that one wait for a byte may last: how late the end of a timeout may be noticed."""
WRITE_SECONDS = 5.0
"""Seconds in which the system must take what is written."""

BUSY = (errno.EBUSY, errno.EAGAIN)
DENIED = (errno.EACCES, errno.EPERM)
ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


class PortError(SpikeloomError, RuntimeError):
    """A port that cannot be opened, or that is gone."""


class Port:
    """An open serial port, for this process alone (`boards.host.frames.Line`).

    Parameters
    ----------
    name : of the port; "/dev/ttyUSB1", "COM3", a pseudo-terminal.
    baud : bit rate to begin with.

    Raises
    ------
    PortError : there is no such port, it is no serial port, somebody else has it, or it may not be
        opened; any later call, where the port has gone.
    """

    def __init__(self, name: str, baud: int = DEFAULT_BAUD) -> None:
        self.name = name
        try:
            self._serial = serial.Serial(
                name, baud, timeout=TICK, write_timeout=WRITE_SECONDS, exclusive=True
            )
        except (OSError, ValueError) as error:  # a SerialException is an OSError
            raise PortError(_refused(name, error)) from None
        # Adapters of FTDI's collect bytes for 16 ms otherwise; others, and pseudo-terminals, do not
        # know of it.
        with contextlib.suppress(OSError, ValueError, AttributeError, NotImplementedError):
            self._serial.set_low_latency_mode(True)

    def read(self, timeout: float) -> bytes:
        """Return what has come, at once if there is any, else b"" after `timeout` seconds."""
        end = self.now() + timeout
        with self._present():
            data = self._serial.read(self._serial.in_waiting)
            while not data and self.now() < end:
                data = self._serial.read(1)
            return data + self._serial.read(self._serial.in_waiting)

    def write(self, data: bytes) -> None:
        """Send bytes; return as soon as the system has them."""
        with self._present():
            self._serial.write(data)

    def set_baud(self, baud: int) -> None:
        """Change the bit rate, once what was written before has left."""
        if baud == self._serial.baudrate:
            return
        with self._present():
            self._serial.flush()
        try:
            self._serial.baudrate = baud
        except (OSError, ValueError) as error:
            raise PortError(f"{self.name} cannot run at {baud} baud: {_text(error)}") from None

    def now(self) -> float:
        """Return seconds of a clock that only goes forward."""
        return time.monotonic()

    def close(self) -> None:
        """Give the port back; a second call does nothing."""
        with contextlib.suppress(OSError):
            self._serial.close()

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Turn what a port that has gone raises into a `PortError`."""
        try:
            yield
        except serial.SerialTimeoutException:
            raise PortError(
                f"{self.name} took nothing for {WRITE_SECONDS:g} s: is its adapter stuck? Plug it "
                "in again"
            ) from None
        except (OSError, TypeError) as error:  # TypeError: closed meanwhile
            raise PortError(
                f"{self.name} has gone ({_text(error)}): is the cable pulled, or did another "
                "program open the port? Plug it in and start again"
            ) from None


def _refused(name: str, error: OSError | ValueError) -> str:
    """Return why a port was not opened, and what to do."""
    code = getattr(error, "errno", None)
    if code in DENIED:
        return _denied(name)
    if code in BUSY:
        return f"{name} is in use by another program: end it (a terminal, another spikeloom?)"
    if code in ABSENT or (os.name == "posix" and not Path(name).exists()):
        return f"there is no port {name}; {_known(name)}"
    return f"{name} is no serial port ({_text(error)}); {_known('')}"


def _denied(name: str) -> str:
    """Return which group may open a device."""
    message = f"{name} may not be opened by this user"
    try:
        group = Path(name).group()
    except (OSError, KeyError, NotImplementedError):  # the last one on Windows
        return f"{message}, or another program has it"
    return (
        f"{message}: it belongs to group {group!r}. Join it with 'sudo usermod -a -G {group} "
        "$USER', then log in again"
    )


def _known(name: str) -> str:
    """Return the ports that there are, and the one whose name is nearest."""
    ports = {port.device: port.description for port in list_ports.comports()}
    if not ports:
        return "no serial port was found: is the board plugged in?"
    near = difflib.get_close_matches(name, ports, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    listed = ", ".join(f"{device} ({text})" for device, text in sorted(ports.items()))
    return f"{guess}ports found: {listed}"


def _text(error: OSError | ValueError | TypeError) -> str:
    """Return an error's own words, without what was said already."""
    return getattr(error, "strerror", None) or str(error)
