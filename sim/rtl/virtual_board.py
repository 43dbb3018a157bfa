"""A virtual board: the Verilated board top behind a pseudo-terminal that a host opens as its port.

What lies between the terminal and the serial pins is a line that carries bits, at the rate that
the host has set on its terminal, and that may be a bad one: see `Faults`.
"""

from __future__ import annotations

import ctypes
import dataclasses
import hashlib
import os
import tty
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from amaranth.lib import wiring

from spikeloom import boards
from spikeloom.golden.spec.link import DEFAULT_BAUD
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.sim.rtl.verilate import Log, bind, build, cached_verilog

HARNESS = Path(__file__).parent / "board.cpp"

CLOCKS_PER_BIT = 8
CLOCK_HZ = CLOCKS_PER_BIT * DEFAULT_BAUD
"""What a virtual board takes its clock for: few clocks to a bit, because each is simulated."""

SLICE = 20_000
"""Clocks between two looks at what the outside wants; some ten milliseconds."""

WAIT_MS = 50
"""How long a board at rest sleeps at a time."""
_HANDLE = ctypes.c_void_p


@dataclass(frozen=True)
class Faults:
    """What goes wrong on one direction of the line; the same seed draws the same faults.

    Attributes
    ----------
    seed : of the draws, one per bit or byte that passes.
    flips : chance that a bit is inverted; on the way to the board start and stop bits as well.
    drops, doubles : chance that a byte is lost, or comes twice.
    stalls, stall_bits : chance that the line rests before a byte, and for how many bit times.
    bursts, burst_bits : chance that noise begins with a byte, and how many bits it replaces.
    """

    seed: int = 0
    flips: float = 0.0
    drops: float = 0.0
    doubles: float = 0.0
    stalls: float = 0.0
    bursts: float = 0.0
    stall_bits: int = 2000
    burst_bits: int = 100

    def __post_init__(self) -> None:
        """Check chances and lengths."""
        for name in ("flips", "drops", "doubles", "stalls", "bursts"):
            if not 0 <= (chance := getattr(self, name)) <= 1:
                raise ValueError(f"{name} = {chance!r}: a chance lies in 0..1")
        for name in ("stall_bits", "burst_bits"):
            if not 0 < (bits := getattr(self, name)) < 1 << 32:
                raise ValueError(f"{name} = {bits!r}: give 1 to {(1 << 32) - 1}")


@dataclass(frozen=True)
class Traffic:
    """What has passed one direction of the line, and what has gone wrong on it.

    `lost` counts bytes that nobody read while the terminal's buffer was full.
    """

    bytes: int
    flips: int
    drops: int
    doubles: int
    stalls: int
    bursts: int
    lost: int

    @property
    def faults(self) -> int:
        """Number of faults drawn."""
        return self.flips + self.drops + self.doubles + self.stalls + self.bursts


class _Faults(ctypes.Structure):
    _fields_ = (
        ("seed", ctypes.c_uint64),
        *((name, ctypes.c_double) for name in ("flips", "drops", "doubles", "stalls", "bursts")),
        *((name, ctypes.c_uint32) for name in ("stall_bits", "burst_bits")),
    )


_COUNTED = tuple(field.name for field in dataclasses.fields(Traffic))


class _Counts(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in _COUNTED)


_FUNCTIONS = {  # name in board.cpp: (result, arguments)
    "board_create": (_HANDLE, [ctypes.c_double]),
    "board_destroy": (None, [_HANDLE]),
    "board_attach": (None, [_HANDLE, ctypes.c_int]),
    "board_run": (None, [_HANDLE, ctypes.c_uint64, ctypes.c_int]),
    "board_faults": (None, [_HANDLE, ctypes.c_bool, ctypes.POINTER(_Faults)]),
    "board_counts": (None, [_HANDLE, ctypes.c_bool, ctypes.POINTER(_Counts)]),
    "board_cycles": (ctypes.c_uint64, [_HANDLE]),
    "board_baud": (ctypes.c_double, [_HANDLE]),
    "board_busy": (ctypes.c_bool, [_HANDLE]),
}


class VirtualBoard:
    """A board that is simulated in a thread of its own, from its making to `close`.

    It runs as fast as it can while anything moves and sleeps while nothing does. It is slower than
    a real board, so its own waits, which it counts in clocks, last longer than they say.

    Parameters
    ----------
    library : what `sim.rtl.verilate.build` made of the board with this module's `HARNESS`:
        a top module with ``clk``, the pins ``rx`` and ``tx``, and ``busy``.
    clock_hz : what the board takes its clock for; with the rate it gives the clocks per bit.
    to_board, to_host : faults of the two directions of the line; none where left out.

    Attributes
    ----------
    port : path of the terminal that a host opens.
    """

    def __init__(
        self,
        library: Path,
        *,
        clock_hz: float,
        to_board: Faults | None = None,
        to_host: Faults | None = None,
    ) -> None:
        self._api = bind(library, _FUNCTIONS)
        self._handle: int | None = self._api.board_create(clock_hz)
        self._terminal: tuple[int, int] | None = None
        self._set_faults(to_board, to_host)
        self._plug()
        self._running = True
        self._thread = ThreadPoolExecutor(1, "virtual board")
        self._start()

    @classmethod
    def running(
        cls,
        config: NetworkConfig,
        hardware: Hardware = DEFAULT,
        *,
        clock_hz: int = CLOCK_HZ,
        link: tuple[tuple[str, int], ...] = (),
        to_board: Faults | None = None,
        to_host: Faults | None = None,
        log: Log | None = None,
    ) -> Self:
        """Return a running board of a network: `spikeloom.boards.top.Board`, pins and all.

        Parameters
        ----------
        config : the network. hardware, link : see `Board`.
        clock_hz, to_board, to_host : see the class.
        log : see `spikeloom.sim.rtl.verilate.build`.
        """

        def make() -> wiring.Component:
            # Amaranth's boards cost a second to import, which a built board should not wait for.
            from spikeloom.boards.top import Board

            return Board(config, hardware, clock_hz=clock_hz, link=link)

        # `cached_verilog` knows the sources of `hdl` and the spec by itself
        sources = [path.read_text() for path in sorted(Path(boards.__path__[0]).glob("*.py"))]
        digest = hashlib.sha256("".join(sources).encode()).hexdigest()
        verilog = cached_verilog(make, repr((config, hardware, clock_hz, link, digest)), log)
        library = build(verilog, harness=HARNESS, log=log)
        return cls(library, clock_hz=clock_hz, to_board=to_board, to_host=to_host)

    def traffic(self) -> tuple[Traffic, Traffic]:
        """Return what has passed to the board, and what has passed to the host."""
        found = []
        for to_board in (True, False):
            counts = _Counts()
            self._api.board_counts(self._open(), to_board, ctypes.byref(counts))
            found.append(Traffic(*(getattr(counts, name) for name in _COUNTED)))
        return found[0], found[1]

    @property
    def cycles(self) -> int:
        """Clock cycles since the board was made."""
        return self._api.board_cycles(self._open())

    def close(self) -> None:
        """Stop the board and take its terminal away; a second call does nothing."""
        if self._handle is None:
            return
        self._do(self._stop)
        self._thread.shutdown()
        self._unplug()
        self._api.board_destroy(self._handle)
        self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> int:
        if self._handle is None:
            raise ValueError("this virtual board is closed: make another")
        return self._handle

    def _start(self) -> None:
        self._thread.submit(self._run)

    def _run(self) -> None:
        """Simulate a slice, and another one after what has been asked for meanwhile."""
        if self._running:
            self._api.board_run(self._handle, SLICE, WAIT_MS)
            self._start()

    def _stop(self) -> None:
        self._running = False

    def _do(self, action: Callable[[], object]) -> None:
        """Have the board's thread call `action`; wait until it has, and raise what it raised."""
        self._open()
        self._thread.submit(action).result()

    def _plug(self) -> None:
        # A side of the slave stays open here, so that the terminal outlives the host's program.
        master, slave = self._terminal = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self.port = os.ttyname(slave)
        self._api.board_attach(self._handle, master)

    def _unplug(self) -> None:
        if self._terminal is not None:
            self._api.board_attach(self._handle, -1)
            for descriptor in self._terminal:
                os.close(descriptor)
            self._terminal = None

    def _set_faults(self, to_board: Faults | None, to_host: Faults | None) -> None:
        for direction, faults in ((True, to_board), (False, to_host)):
            given = _Faults(**dataclasses.asdict(faults or Faults()))
            self._api.board_faults(self._handle, direction, ctypes.byref(given))
