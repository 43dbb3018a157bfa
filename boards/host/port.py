"""A serial port as a line of bytes, with errors that say what to do."""

from __future__ import annotations

from spikeloom.golden.spec.link import DEFAULT_BAUD


class PortError(RuntimeError):
    """A port that cannot be opened, or that is gone."""


class Port:
    """An open serial port, for this process alone (`boards.host.link.Line`).

    Parameters
    ----------
    name : of the port; "/dev/ttyUSB1", "COM3", a pseudo-terminal.
    baud : bit rate to begin with.
    """

    def __init__(self, name: str, baud: int = DEFAULT_BAUD) -> None:
        raise NotImplementedError
