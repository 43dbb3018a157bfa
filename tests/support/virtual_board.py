"""Virtual boards whose line, cable and time a test has in its hands."""

from __future__ import annotations

from pathlib import Path

from spikeloom.sim.rtl.virtual_board import Faults, VirtualBoard

MOMENT = 2_000
"""Clocks of one turn of a driven board: 25 bytes' time."""
NEVER = -1
"""How long a driven board sleeps."""


class BenchBoard(VirtualBoard):
    """A board with a cable to pull and a line that gets worse; another `port` after `plug`."""

    def faults(self, *, to_board: Faults | None = None, to_host: Faults | None = None) -> None:
        """Change the faults of both directions from now on; none where left out."""
        self._do(lambda: self._set_faults(to_board, to_host))

    def pull(self) -> None:
        """Pull the cable: the terminal vanishes, the board stays powered."""
        self._do(self._unplug)

    def plug(self) -> str:
        """Plug the cable in again; return the new terminal's path."""
        self._do(self._unplug)
        self._do(self._plug)
        return self.port

    @property
    def baud(self) -> int:
        """The rate that the host has set on its terminal."""
        return round(self._api.board_baud(self._open()))


class DrivenBoard(BenchBoard):
    """A board that runs only while its host asks it for the time, however busy the machine is."""

    def __init__(self, library: Path, *, clock_hz: float, **faults: Faults | None) -> None:
        self._clock_hz = clock_hz
        super().__init__(library, clock_hz=clock_hz, **faults)

    def _start(self) -> None:
        pass

    def turn(self) -> float:
        """Run for a moment; return the seconds that it has run in all."""
        self._api.board_run(self._open(), MOMENT, NEVER)
        return self.cycles / self._clock_hz
