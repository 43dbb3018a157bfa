"""The Verilated core as a transport: what a serial port is to a board."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
from amaranth.lib import wiring

from spikeloom.errors import SpikeloomError
from spikeloom.sim.rtl.verilate import Log, bind, build, cached_verilog

IDLE_LIMIT = 20_000_000
"""Clock cycles without a byte after which a core is taken for stuck: seconds, many samples."""

_HANDLE = ctypes.c_void_p
_POINTER = ctypes.c_void_p
_SIZE = ctypes.c_size_t
_SIZE_OUT = ctypes.POINTER(ctypes.c_size_t)
_FUNCTIONS = {  # name in harness.cpp: (result, arguments)
    "core_create": (_HANDLE, [ctypes.c_uint32]),
    "core_destroy": (None, [_HANDLE]),
    "core_run": (None, [_HANDLE, ctypes.c_uint64]),
    "core_cycles": (ctypes.c_uint64, [_HANDLE]),
    "core_busy": (ctypes.c_bool, [_HANDLE]),
    "core_stalls": (None, [_HANDLE, ctypes.c_uint64, ctypes.c_uint, ctypes.c_uint]),
    "core_transfer": (
        ctypes.c_bool,
        [_HANDLE, _POINTER, _SIZE, _POINTER, _SIZE, ctypes.c_uint64, _SIZE_OUT, _SIZE_OUT],
    ),
    "core_can_trace": (ctypes.c_bool, []),
    "core_trace_open": (ctypes.c_bool, [_HANDLE, ctypes.c_char_p]),
    "core_trace_close": (None, [_HANDLE]),
}


class TransportError(SpikeloomError, RuntimeError):
    """A transfer that stopped short, or a transport that is closed or cannot do what was asked."""


class VerilatedTransport:
    """A simulated core that bytes go to and come from; each instance is a core of its own.

    The calls run without Python's global lock: cores in different threads run at once. One core is
    for one thread. A call is not interrupted by Ctrl-C, so that the byte protocol stays in step.

    Parameters
    ----------
    library : what `spikeloom.sim.rtl.verilate.build` returned.
    idle_limit : cycles in a row in which no byte moves, after which a transfer is given up.
    power_up : seeds what silicon leaves undefined, where the library models that
        (`spikeloom.sim.rtl.netlist`); below 2**31.
    """

    def __init__(self, library: Path, *, idle_limit: int = IDLE_LIMIT, power_up: int = 0) -> None:
        self.idle_limit = idle_limit
        self._api = bind(library, _FUNCTIONS)
        self._out_of_step = False
        handle = self._api.core_create(power_up)
        self._handle: int | None = handle
        self._destroy = weakref.finalize(self, self._api.core_destroy, handle)

    @classmethod
    def cached(
        cls,
        make: Callable[[], wiring.Component],
        key: str,
        *,
        trace: bool = False,
        idle_limit: int = IDLE_LIMIT,
        log: Log | None = None,
    ) -> Self:
        """Return a transport to a component, which is elaborated and built unless it has been.

        Parameters
        ----------
        make : returns a new component of `spikeloom.hdl`: with the byte streams ``i`` (commands)
            and ``o`` (replies), and ``busy``.
        key : what it returns, see `spikeloom.sim.rtl.verilate.cached_verilog`.
        trace, log : see `spikeloom.sim.rtl.verilate.build`. idle_limit : see the class.
        """
        verilog = cached_verilog(make, key, log)
        return cls(build(verilog, trace=trace, log=log), idle_limit=idle_limit)

    def transfer(self, data: bytes | bytearray | memoryview | np.ndarray, reply: int) -> bytes:
        """Send bytes and return exactly `reply` bytes.

        Bytes that the core sent unasked are kept and come first. Both directions move at once.

        Parameters
        ----------
        data : bytes, or an array uint8[...], sent in C order.
        reply : number of bytes to wait for; 0 returns when the last byte is accepted.

        Raises
        ------
        TransportError : `idle_limit` cycles in a row moved no byte; bytes that did come are lost,
            core and host are out of step, and every later transfer is refused.
        """
        sending = _as_bytes(data)
        if reply < 0:
            raise ValueError(f"a reply of {reply} bytes cannot be waited for")
        if self._out_of_step:
            raise TransportError(
                "an earlier transfer stopped short, what comes now is no reply: make another "
                "transport"
            )
        receiving = np.empty(reply, np.uint8)
        sent, received = ctypes.c_size_t(), ctypes.c_size_t()
        complete = self._api.core_transfer(
            self._open(),
            *(sending.ctypes.data, sending.size, receiving.ctypes.data, receiving.size),
            *(self.idle_limit, ctypes.byref(sent), ctypes.byref(received)),
        )
        if not complete:
            self._out_of_step = True
            raise TransportError(
                f"the core stopped: {received.value} of {reply} reply bytes came and "
                f"{sent.value} of {sending.size} bytes were accepted, then nothing moved for "
                f"{self.idle_limit} cycles (cycle {self.cycles}, core "
                f"{'busy' if self.busy else 'not busy'}); the command may be malformed"
            )
        return receiving.tobytes()

    def run(self, cycles: int) -> None:
        """Clock the core; bytes that it sends are kept for the next transfer."""
        if cycles < 0:
            raise ValueError(f"{cycles} cycles cannot be run")
        self._api.core_run(self._open(), cycles)

    @property
    def cycles(self) -> int:
        """Clock cycles since this core was made."""
        return self._api.core_cycles(self._open())

    @property
    def busy(self) -> bool:
        """The core's ``busy`` output."""
        return self._api.core_busy(self._open())

    def stalls(self, seed: int = 0, in_: int = 0, out: int = 0) -> None:
        """Stall either stream at random from now on, to shake the core.

        Parameters
        ----------
        seed : of the pattern, below 2**64.
        in_, out : of 256 cycles on the average, those in which no new byte is offered, and those
            in which none is taken; 0 to 255. 0 and 0 end it.
        """
        for name, value in (("in_", in_), ("out", out)):
            if not 0 <= value <= 255:
                raise ValueError(f"{name} = {value} stalls of 256 cycles: give 0 to 255")
        self._api.core_stalls(self._open(), seed, in_, out)

    @contextmanager
    def vcd(self, path: str | os.PathLike[str]) -> Iterator[None]:
        """Record a waveform of what runs within the context (10 ns per cycle)."""
        if not self._api.core_can_trace():
            raise TransportError(f"no waveform {path}: this core was built without trace=True")
        if not self._api.core_trace_open(self._open(), os.fsencode(path)):
            raise TransportError(f"cannot write the waveform {path}: does its folder exist?")
        try:
            yield
        finally:
            if self._handle is not None:
                self._api.core_trace_close(self._handle)

    def close(self) -> None:
        """Free the core; a second call does nothing."""
        self._handle = None
        self._destroy()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> int:
        if self._handle is None:
            raise TransportError("this transport is closed: make another")
        return self._handle


def _as_bytes(data: bytes | bytearray | memoryview | np.ndarray) -> np.ndarray:
    """Return uint8[n] over `data`, without a copy where it is contiguous."""
    if isinstance(data, np.ndarray):
        if data.dtype != np.uint8:
            raise TypeError(f"an array of {data.dtype} is not bytes: convert it to uint8")
        return np.ascontiguousarray(data).reshape(-1)
    return np.frombuffer(data, np.uint8)
