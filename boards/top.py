"""What lies around the core on a board: the serial link, then clock, reset and pins."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import ClockDomain, ClockSignal, Module, ResetInserter, Signal
from amaranth.hdl import Elaboratable
from amaranth.lib import io, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from spikeloom.boards.clock import Pll
from spikeloom.boards.devices import Family
from spikeloom.boards.pll import PllInstance
from spikeloom.golden.spec.link import DEFAULT_BAUD
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.link import Link

SETTLE_SECONDS = 15e-6
"""Reset after the clock is steady: iCE40 block RAM reads as zeros for the first 3 us or so."""


class Board(wiring.Component):
    """The core behind its serial link: all of a board that knows no vendor, in one clock domain.

    Parameters
    ----------
    config, hardware : see `Core`.
    clock_hz : frequency of the clock, which the link's rates are derived from.
    baud : rate of the link until the host asks for another.
    link : further arguments of `Link`, such as how many frames it buffers.

    Members
    -------
    reset : In; back to the start, as after power-up.
    rx : In, init 1; the serial line from the host, asynchronous.
    tx : Out, init 1; the serial line to the host.
    busy : Out; a sample runs (for a LED).

    Latency, throughput: those of `Link` and `Core`. The link resets the core when it opens.
    """

    def __init__(
        self,
        config: NetworkConfig,
        hardware: Hardware = DEFAULT,
        *,
        clock_hz: int,
        baud: int = DEFAULT_BAUD,
        link: tuple[tuple[str, int], ...] = (),
    ) -> None:
        self._link = Link(clock_hz=clock_hz, baud=baud, **dict(link))
        self._core = Core(config, hardware, reset=self._link.reset)
        super().__init__(
            {"reset": In(1), "rx": In(1, init=1), "tx": Out(1, init=1), "busy": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Join link and core."""
        m = Module()
        link = self._link
        m.submodules.link = ResetInserter(self.reset)(link)
        m.submodules.core = self._core
        wiring.connect(m, link.commands, self._core.i)
        wiring.connect(m, self._core.o, link.replies)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx), self.busy.eq(self._core.busy)]
        return m


class PowerUp(wiring.Component):
    """Holds a reset after power-up until the clock is steady, and for a while after.

    Parameters
    ----------
    clocks : how long after.

    Members
    -------
    locked : In, asynchronous; the clock is steady. reset : Out, init 1; falls once and for good,
    `clocks` + 3 clocks after locked: a lock that is lost later does not undo what was learned.
    """

    def __init__(self, clocks: int) -> None:
        self._clocks = clocks
        super().__init__({"locked": In(1), "reset": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        """Count clocks while the clock is steady; the domain has no reset."""
        m = Module()
        steady, count = Signal(), Signal(range(self._clocks + 1))
        m.submodules.sync = FFSynchronizer(self.locked, steady)
        with m.If(steady & self.reset):
            m.d.sync += count.eq(count + 1)
            with m.If(count == self._clocks):
                m.d.sync += self.reset.eq(0)
        return m


@dataclass(frozen=True)
class Pins:
    """Where a board's clock, serial line and LED are, by their names in amaranth-boards.

    Attributes
    ----------
    uart : name and number of the serial port.
    led : name, number and, within a resource of several, the one that shows that a sample runs;
        None where there is none.
    pll_pad : the clock's pin shares its place with the PLL (iCE40), which must take it unbuffered.
    """

    uart: tuple[str, int] = ("uart", 0)
    led: tuple[str, int, str | None] | None = ("led", 0, None)
    pll_pad: bool = False


PINS = Pins()


class Top(Elaboratable):
    """A whole board: the pins, the PLL, the reset, and `Board`.

    The board is held in reset until the PLL has locked and `SETTLE_SECONDS` more.

    Parameters
    ----------
    board : what is driven. clock_hz : of the core's clock.
    pll : how to make that clock; None where the board's own is taken as it is.
    pins : where everything is. device : Gowin's name of the device.
    """

    def __init__(
        self,
        board: Board,
        *,
        family: Family,
        clock_hz: int,
        pll: Pll | None,
        pins: Pins,
        device: str = "",
    ) -> None:
        self._board, self._pins, self._pll = board, pins, pll
        self._family, self._clock_hz, self._device = family, clock_hz, device

    def elaborate(self, platform: object) -> Module:
        """Request the pins and join everything."""
        m = Module()
        pins = self._pins
        # Its resets are the board's: each a register of its own, so that none adds to another.
        m.domains.sync = ClockDomain(reset_less=True)
        source = platform.request(platform.default_clk, dir="-")
        locked = self._clock(m, source)
        m.submodules.power_up = power_up = PowerUp(round(SETTLE_SECONDS * self._clock_hz))
        m.submodules.board = board = self._board
        m.d.comb += [power_up.locked.eq(locked), board.reset.eq(power_up.reset)]
        uart = platform.request(*pins.uart, dir="-")
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.d.comb += [board.rx.eq(rx.i), tx.o.eq(board.tx)]
        if pins.led is not None:
            name, number, part = pins.led
            led = platform.request(name, number, dir="-")
            m.submodules.led = lamp = io.Buffer("o", getattr(led, part) if part else led)
            m.d.comb += lamp.o.eq(board.busy)
        return m

    def _clock(self, m: Module, source: io.SingleEndedPort) -> Signal:
        """Drive the sync domain's clock; return whether it is steady."""
        if self._pll is None:
            m.submodules.clock_pin = pin = io.Buffer("i", source)
            m.d.comb += ClockSignal().eq(pin.i)
            return Signal(init=1)
        raw = source.io
        if not self._pins.pll_pad:
            m.submodules.clock_pin = pin = io.Buffer("i", source)
            raw = pin.i
        m.submodules.pll = pll = PllInstance(
            self._family, self._pll, raw, pad=self._pins.pll_pad, device=self._device
        )
        m.d.comb += ClockSignal().eq(pll.clock)
        return pll.locked
