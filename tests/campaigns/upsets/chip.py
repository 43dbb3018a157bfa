"""A simulated rig whose bits can be inverted: built, spoken to directly or over its serial line."""

from __future__ import annotations

import bisect
import ctypes
import itertools
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.link import DEFAULT_BAUD
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.sim.rtl.verilate import Log, bind, build
from tests.campaigns.upsets.rig import CLOCK_HZ, Rig
from tests.campaigns.upsets.state import Place, flat_verilog, upsettable

HARNESS = Path(__file__).parent / "upset.cpp"

IDLE_LIMIT = 1_000_000
"""Clocks in which no byte moves before a chip counts as hung, where nobody says how many."""

_RIG = ctypes.c_void_p
_DATA = ctypes.c_void_p
_SIZE = ctypes.c_size_t
_COUNT = ctypes.c_uint64
_BIT = (ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
_SIZE_OUT = ctypes.POINTER(_SIZE)
_FUNCTIONS = {  # name in upset.cpp: (result, arguments)
    "rig_create": (_RIG, []),
    "rig_destroy": (None, [_RIG]),
    "rig_cycles": (_COUNT, [_RIG]),
    "rig_run": (None, [_RIG, _COUNT, ctypes.c_bool]),
    "rig_direct": (None, [_RIG, ctypes.c_bool]),
    "rig_unasked": (_SIZE, [_RIG]),
    "rig_forget": (None, [_RIG]),
    "rig_transfer": (
        ctypes.c_bool,
        [_RIG, _DATA, _SIZE, _DATA, _SIZE, _COUNT, _SIZE_OUT, _SIZE_OUT],
    ),
    "rig_flip": (None, [_RIG, _COUNT, *_BIT]),
    "rig_calm": (None, [_RIG]),
    "rig_bit": (ctypes.c_bool, [_RIG, *_BIT, ctypes.c_bool]),
    "rig_write": (None, [_RIG, _DATA, _SIZE, ctypes.c_double]),
    "rig_read": (_SIZE, [_RIG, _DATA, _SIZE, _COUNT]),
}


class HangError(SpikeloomError, RuntimeError):
    """No byte moved for as long as the chip was given."""


@dataclass(frozen=True)
class Bit:
    """One bit of state: bit `bit` of word `word` of a place."""

    place: Place
    word: int
    bit: int

    def __str__(self) -> str:
        """Return the bit as a reader looks for it in a waveform."""
        word = f"[{self.word}]" if self.place.memory else ""
        return f"{self.place.name}{word}[{self.place.first + self.bit}]"


class Bits:
    """All bits of some places, counted from 0."""

    def __init__(self, places: list[Place]) -> None:
        self._places = places
        self._ends = list(itertools.accumulate(place.bits for place in places))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, number: int) -> Bit:
        if not 0 <= number < len(self):
            raise IndexError(number)
        at = bisect.bisect_right(self._ends, number)
        place = self._places[at]
        word, bit = divmod(number - self._ends[at] + place.bits, place.width)
        return Bit(place, word, bit)


class Chip:
    """A simulated rig; a transport (`boards.host.device.Transport`) to its core's own streams.

    Parameters
    ----------
    library : what `sim.rtl.verilate.build` made of the design. places : its state.
    idle_limit : clocks in a row in which no byte moves, after which a transfer is given up.
    """

    def __init__(
        self, library: Path, places: tuple[Place, ...], *, idle_limit: int = IDLE_LIMIT
    ) -> None:
        self.places, self.idle_limit = places, idle_limit
        self._library = library
        self._api = bind(library, _FUNCTIONS)
        self._handle = self._api.rig_create()
        self.close = weakref.finalize(self, self._api.rig_destroy, self._handle)

    @classmethod
    def of(cls, config: NetworkConfig, log: Log | None = None) -> Self:
        """Return a chip with a configuration's core, which is built first unless it has been."""
        design = upsettable(flat_verilog(Rig(config)))
        return cls(build(design.verilog, harness=HARNESS, log=log), design.places)

    def another(self) -> Chip:
        """Return a chip of the same kind as it is after power-up."""
        return Chip(self._library, self.places, idle_limit=self.idle_limit)

    @property
    def cycles(self) -> int:
        """Clocks since the chip was made."""
        return self._api.rig_cycles(self._handle)

    @property
    def unasked(self) -> int:
        """Bytes that the core has sent and that nobody has asked for."""
        return self._api.rig_unasked(self._handle)

    def transfer(self, data: bytes, reply: int) -> bytes:
        """Send bytes to the core, return exactly `reply` bytes; `HangError` where none moves."""
        sending, receiving = np.frombuffer(data, np.uint8), np.empty(reply, np.uint8)
        sent, received = _SIZE(), _SIZE()
        if not self._api.rig_transfer(
            self._handle,
            *(sending.ctypes.data, sending.size, receiving.ctypes.data, receiving.size),
            *(self.idle_limit, ctypes.byref(sent), ctypes.byref(received)),
        ):
            raise HangError(
                f"{received.value} of {reply} reply bytes came and {sent.value} of {len(data)} "
                f"bytes were taken, then nothing moved for {self.idle_limit} clocks"
            )
        return receiving.tobytes()

    def run(self, cycles: int) -> None:
        """Clock the chip."""
        self._api.rig_run(self._handle, cycles, False)

    def restart(self) -> None:
        """Reset the core as its link does when the host opens it; forget what it has sent."""
        self._api.rig_run(self._handle, 1, True)
        self._api.rig_run(self._handle, 4, False)
        self._api.rig_forget(self._handle)

    def forget(self) -> None:
        """Forget the bytes that nobody has asked for."""
        self._api.rig_forget(self._handle)

    def schedule(self, bit: Bit, cycle: int) -> None:
        """Invert a bit after the clock of that number, see `cycles`."""
        self._api.rig_flip(self._handle, cycle, *_address(bit))

    def calm(self) -> None:
        """Forget what is scheduled."""
        self._api.rig_calm(self._handle)

    def flip(self, bit: Bit) -> bool:
        """Invert a bit now; return what it was."""
        return self._api.rig_bit(self._handle, *_address(bit), True)

    def look(self, bit: Bit) -> bool:
        """Return a bit."""
        return self._api.rig_bit(self._handle, *_address(bit), False)

    @contextmanager
    def over_the_link(self) -> Iterator[SerialLine]:
        """Join core and link within the context; gives the line to the link's pins."""
        self._api.rig_direct(self._handle, False)
        try:
            yield SerialLine(self)
        finally:
            self._api.rig_direct(self._handle, True)
            self._api.rig_forget(self._handle)


class SerialLine:
    """The line to a chip's pins (`boards.host.frames.Line`), in the chip's own time.

    A wait in which nothing comes is cut short after `most` clocks and counted whole: the core
    works for thousands of clocks, the host waits for hundreds of thousands. So the board hears
    less silence than the host believes; `Chip.run` lets it hear more.
    """

    name = "simulated line"

    def __init__(self, chip: Chip, most: int = 20_000) -> None:
        self._chip, self.most = chip, most
        self._skipped = 0
        self.set_baud(DEFAULT_BAUD)

    def read(self, timeout: float) -> bytes:
        """Return what has come, waiting at most `timeout` seconds."""
        api, handle = self._chip._api, self._chip._handle
        buffer = np.empty(4096, np.uint8)
        asked = max(1, round(timeout * CLOCK_HZ))
        clocks = min(asked, self.most)
        count = api.rig_read(handle, buffer.ctypes.data, buffer.size, clocks)
        if not count:
            self._skipped += asked - clocks
        return buffer[:count].tobytes()

    def write(self, data: bytes) -> None:
        """Put bytes on the line."""
        sending = np.frombuffer(data, np.uint8)
        self._chip._api.rig_write(
            self._chip._handle, sending.ctypes.data, sending.size, self._period
        )

    def set_baud(self, baud: int) -> None:
        """Change the host's bit rate, once what was written before has left."""
        self._period = CLOCK_HZ / baud
        self.write(b"")

    def now(self) -> float:
        """Return seconds of the chip's clock, waits counted whole."""
        return (self._chip.cycles + self._skipped) / CLOCK_HZ

    def close(self) -> None:
        """Hold nothing."""


def _address(bit: Bit) -> tuple[int, int, int]:
    return bit.place.number, bit.word, bit.place.low + bit.bit
