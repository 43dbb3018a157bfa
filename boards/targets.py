"""The boards that bitstreams are built for, as data: adding one is adding an entry.

Pins come from amaranth-boards, or from `boards.platforms` where it lacks a board. Lanes and clocks
are what `spikeloom build` was seen to reach; they change no result.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass, field

from amaranth.build import Platform
from amaranth_boards.ice40_hx8k_b_evn import ICE40HX8KBEVNPlatform
from amaranth_boards.icebreaker import ICEBreakerPlatform
from amaranth_boards.icestick import ICEStickPlatform
from amaranth_boards.icesugar_pro import ICESugarProPlatform
from amaranth_boards.tang_nano_9k import TangNano9kPlatform
from amaranth_boards.tang_primer_20k import TangPrimer20kDockPlatform
from amaranth_boards.ulx3s import ULX3S_25F_Platform, ULX3S_85F_Platform

from spikeloom.boards import devices
from spikeloom.boards.clock import MHZ, Pll, limits_for, solve
from spikeloom.boards.devices import Family, Fpga
from spikeloom.boards.platforms import OrangeCrabUartPlatform, TangNano20kPlatform
from spikeloom.boards.top import PINS, Board, Pins, Top
from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.link import DEFAULT_BAUD, PAYLOAD_MAX
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import Hardware

# Buffers of the link: both of an iCE40's fit one block RAM.
_LINK = (("slots", 8), ("ring", 1024))
_SMALL_LINK = (("slots", 2), ("ring", 256))

_CABLE = "its USB cable carries both programming and the serial port: nothing to wire"


class TargetError(SpikeloomError, ValueError):
    """A board that is not known."""


@dataclass(frozen=True)
class Target:
    """One board.

    Attributes
    ----------
    name : on the command line. title : its maker's name for it.
    platform : its pins. device : its FPGA.
    clock_hz : the core's clock that is asked for.
    config : name of the network that is built where nobody says which.
    hardware : choices for any network, `tuned` those for particular ones by name.
    pins : clock, serial line and LED. loader : its name for openFPGALoader.
    wiring : what a user must connect.
    """

    name: str
    title: str
    platform: type[Platform]
    device: Fpga
    clock_hz: int
    config: str
    loader: str
    hardware: Hardware
    wiring: str = _CABLE
    tuned: dict[str, Hardware] = field(default_factory=dict, hash=False)
    pins: Pins = PINS
    baud: int = DEFAULT_BAUD

    @property
    def family(self) -> Family:
        """The family of its FPGA."""
        return self.device.family

    @property
    def input_hz(self) -> int:
        """Frequency of the board's own clock."""
        return round(self.platform().default_clk_frequency)

    @property
    def link(self) -> tuple[tuple[str, int], ...]:
        """Arguments of `hdl.link.Link`."""
        return _SMALL_LINK if self.family is Family.ICE40 else _LINK

    @property
    def link_bytes(self) -> int:
        """Bytes that the serial link buffers, both ways, in one memory."""
        link = dict(self.link)
        return link["slots"] * PAYLOAD_MAX + link["ring"]

    def hardware_for(self, config: NetworkConfig) -> Hardware:
        """Return the hardware choices for a network."""
        return self.tuned.get(config.name, self.hardware)

    def pll(self, clock_hz: int) -> Pll | None:
        """Return the PLL setting of a core clock; None where the board's own clock is it."""
        if clock_hz == self.input_hz:
            return None
        return solve(limits_for(self.family, self.device.title), self.input_hz, clock_hz)

    def core_hz(self, clock_hz: int) -> int:
        """Return what the clock really is where `clock_hz` is asked for."""
        pll = self.pll(clock_hz)
        return clock_hz if pll is None else round(pll.output_hz)

    def top(self, config: NetworkConfig, hardware: Hardware, clock_hz: int) -> Top:
        """Return the whole board as hardware."""
        core_hz = self.core_hz(clock_hz)
        board = Board(config, hardware, clock_hz=core_hz, baud=self.baud, link=self.link)
        return Top(
            board,
            family=self.family,
            clock_hz=core_hz,
            pll=self.pll(clock_hz),
            pins=self.pins,
            device=getattr(self.platform, "family", ""),
        )


# What costs the least logic, at the price of clocks.
_SMALLEST = Hardware(
    draws=1, neurons=1, counters=False, registered=False, buffered=False, drums=True
)

# Small memories in LUTs leave all block RAM to the weights.
_IN_LUTS = (("errors1.membranes", "distributed"), ("neurons1.membranes", "distributed"))

# 27 lanes of 8 bits fill the widest shape of its block RAM.
_ECP5_25F = {
    "device": devices.ECP5_25F,
    "config": "mnist-784-128-10",
    "hardware": Hardware(lanes=(27, 4), neurons=9, styles=_IN_LUTS[1:]),
}
_TANG = dataclasses.replace(_SMALLEST, lanes=(5, 1), styles=_IN_LUTS)
_TANG_20K = {
    "clock_hz": 100 * MHZ,
    "config": "mnist-784-128-10-w7",
    "hardware": dataclasses.replace(_TANG, lanes=(10, 1), neurons=2, counters=True),
}

_BOARDS = (
    Target(
        name="icebreaker",
        title="iCEBreaker",
        platform=ICEBreakerPlatform,
        device=devices.UP5K,
        clock_hz=24 * MHZ,
        config="mnist-784-128-10",
        hardware=dataclasses.replace(
            _SMALLEST,
            lanes=(4, 1),
            ports=(1, 2),
            revives=False,
            styles=(("layer1.weights", "huge"),),
        ),
        pins=Pins(pll_pad=True),
        loader="ice40_generic",
    ),
    Target(
        name="hx8k",
        title="iCE40-HX8K-B-EVN",
        platform=ICE40HX8KBEVNPlatform,
        device=devices.HX8K,
        clock_hz=54 * MHZ,
        config="mnist-196-64-10-w7",
        hardware=dataclasses.replace(
            _SMALLEST,
            lanes=(5, 1),
            drums=False,
            # its 32 block RAMs are the first layer's: what is small lies in flip-flops
            styles=(
                ("neurons2.membranes", "logic"),
                ("errors2.membranes", "logic"),
                ("layer2.errors", "logic"),
                ("layer2.list", "logic"),
            ),
        ),
        loader="ice40_generic",
        wiring=_CABLE + "; set its jumpers for programming of the SRAM or the flash",
    ),
    Target(
        name="icestick",
        title="iCEstick",
        platform=ICEStickPlatform,
        device=devices.HX1K,
        clock_hz=30 * MHZ,
        config="tiny",
        hardware=dataclasses.replace(_SMALLEST, lanes=(1,)),
        loader="ice40_generic",
    ),
    Target(
        name="ulx3s-85f",
        title="ULX3S with ECP5-85F",
        platform=ULX3S_85F_Platform,
        device=devices.ECP5_85F,
        clock_hz=65 * MHZ,  # placements vary; one reached 72
        config="mnist-784-256-10-w12",
        # 5 words of 784 rows, which 4,096 words of 4 bits hold: no multiplexer behind its memory
        hardware=Hardware(lanes=(56, 5), neurons=8, parts=2, drums=True),
        tuned={"mnist-784-512-10": Hardware(lanes=(40, 5), neurons=8, parts=2, styles=_IN_LUTS)},
        loader="ulx3s",
    ),
    Target(
        name="ulx3s-25f",
        title="ULX3S with ECP5-25F",
        platform=ULX3S_25F_Platform,
        clock_hz=75 * MHZ,
        **_ECP5_25F,
        loader="ulx3s",
    ),
    Target(
        name="orangecrab-25f",
        title="OrangeCrab r0.2 with ECP5-25F",
        platform=OrangeCrabUartPlatform,
        clock_hz=80 * MHZ,
        **_ECP5_25F,
        pins=Pins(led=("rgb_led", 0, "g")),
        loader="orangeCrab",
        wiring="its USB port is no serial port: connect a 3.3 V adapter, its TX to pin 0 (RX) of "
        "the Feather header, its RX to pin 1 (TX), and ground",
    ),
    Target(
        name="icesugar-pro",
        title="iCESugar-Pro",
        platform=ICESugarProPlatform,
        clock_hz=66 * MHZ,
        **_ECP5_25F,
        pins=Pins(led=("rgb_led", 0, "g")),
        loader="icesugar-pro",
        wiring="the USB port of its iCELink carries programming and the serial port",
    ),
    Target(
        name="tang-nano-9k",
        title="Sipeed Tang Nano 9K",
        platform=TangNano9kPlatform,
        device=devices.GW1NR_9,
        clock_hz=54 * MHZ,
        config="mnist-784-64-10-w7",
        hardware=_TANG,
        loader="tangnano9k",
    ),
    Target(
        name="tang-nano-20k",
        title="Sipeed Tang Nano 20K",
        platform=TangNano20kPlatform,
        device=devices.GW2AR_18,
        **_TANG_20K,
        loader="tangnano20k",
    ),
    Target(
        name="tang-primer-20k",
        title="Sipeed Tang Primer 20K on its dock",
        platform=TangPrimer20kDockPlatform,
        device=devices.GW2A_18,
        **_TANG_20K,
        pins=Pins(led=("led", 2, None)),  # the first two are configuration pins as well
        loader="tangprimer20k",
        wiring="the dock's USB cable carries programming and the serial port; all switches of the "
        "dock that enable the core board must be on",
    ),
)

TARGETS = {target.name: target for target in _BOARDS}


def find(name: str) -> Target:
    """Return the target of that name; an unknown one is answered with the nearest known ones."""
    if name in TARGETS:
        return TARGETS[name]
    near = difflib.get_close_matches(name, TARGETS, 2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(TARGETS)}"
    raise TargetError(f"no board named {name!r}: {hint}")
