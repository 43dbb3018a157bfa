"""The RTL of a whole board, a small one, and a host's UART on its pins: byte times in records."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from amaranth import C, Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikeloom import boards
from spikeloom.golden.spec import link
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.hdl.hardware import Hardware
from spikeloom.hdl.uart import Receiver, Transmitter
from spikeloom.sim.rtl.transport import VerilatedTransport

CLOCK_HZ = 5 * link.DEFAULT_BAUD
"""The least there may be: 5 clocks to a bit."""
DIVIDER = link.divider(CLOCK_HZ, link.DEFAULT_BAUD)
SLOTS, RING = 2, 128
"""Of `hdl.link.Link`: the smallest buffers, which fill the soonest."""
IDLE_LIMIT = 100_000
"""Clocks in which no record is answered: a record takes about 70."""

_LAYER = {
    "weight_bits": 6,
    "reach": 2.0,
    "init_gain": 1.0,
    "update": 1.0,
    "error_threshold": 0.25,
    "dropout": 0.0,
}
_TABLE: dict[str, Any] = {
    "name": "rig",
    "description": "small, and every sample changes its weights",
    "image": [2, 2],
    "sizes": [4, 3, 2],
    "steps": 4,
    "random": {
        "seed": 1,
        "input": "lfsr32",
        "thinning": "lfsr32",
        "dropout": "lfsr32",
        "label": "lfsr32",
    },
    "input": {"rate": 1.0, "ramp": "constant", "dropout": 0.0},
    "neuron": {"reset": "subtract", "kernel_shift": 0, "floor": 4.0, "ceiling": 1.0, "start": 0.5},
    "error": {"membranes": "shared", "gate": "hold", "kernel_shift": 0, "bits": 18},
    "label": {"train": "front", "rate": 0.8},
    "wta": {"kind": "none", "strength": 0.0},
    "learning": {"rule": "ssnn-bp", "decay": 0.5, "decay_from": 4},
    "layer": [_LAYER, _LAYER],
}
HARDWARE = Hardware(lanes=(2,))


def network() -> NetworkConfig:
    """Return the network on the board."""
    return from_dict(_TABLE)


class Rig(wiring.Component):
    """`boards.top.Board` with a host's UART on its pins.

    Takes records of 2 bytes, a byte's time each: bit 0 of the first says to send the second, bit 1
    to send it without a stop bit. Gives 3 bytes for each: how many bytes came (bit 7: one without a
    stop bit), at most two, and those bytes, the older one first.
    """

    def __init__(self) -> None:
        super().__init__(
            {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8)), "busy": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Pass a byte's time per record."""
        # Amaranth's boards cost a second to import, which a built rig should not wait for.
        from spikeloom.boards.top import Board

        m = Module()
        options = (("slots", SLOTS), ("ring", RING))
        m.submodules.board = board = Board(network(), HARDWARE, clock_hz=CLOCK_HZ, link=options)
        m.submodules.send = send = Transmitter()
        m.submodules.receive = receive = Receiver()
        flags, value, ticks = Signal(8), Signal(8), Signal(4)
        came, count, broken = Signal(16), Signal(2), Signal()
        told, place = Signal(24), Signal(2)
        m.d.comb += [
            send.divider.eq(DIVIDER),
            receive.divider.eq(DIVIDER),
            receive.rx.eq(board.tx),
            send.said.data.eq(value),
            # the last bit's time low: a byte without a stop bit
            board.rx.eq(send.tx & ~((ticks == 9) & flags[1])),
            self.busy.eq(board.busy),
            self.o.payload.eq(told[:8]),
        ]
        heard = receive.heard.valid | receive.heard.error
        with m.If(heard):
            # the newest byte is the higher one; one alone is moved down when it is told
            m.d.sync += [came.eq(Cat(came[8:], receive.heard.data)), count.eq(count + 1)]
            m.d.sync += broken.eq(broken | receive.heard.error)
        with m.FSM():
            for state, register in (("FLAGS", flags), ("VALUE", value)):
                with m.State(state):
                    m.d.comb += self.i.ready.eq(1)
                    with m.If(self.i.valid):
                        m.d.sync += register.eq(self.i.payload)
                        m.next = "VALUE" if state == "FLAGS" else "BEGIN"
            with m.State("BEGIN"):
                m.d.sync += ticks.eq(0)
                m.d.comb += send.said.start.eq(flags[0])
                m.next = "PASS"
            with m.State("PASS"):
                with m.If(send.tick):
                    m.d.sync += ticks.eq(ticks + 1)
                with m.If(ticks == 10):
                    m.next = "TELL"
            # a byte that comes in the clock of telling is told a clock later
            with m.State("TELL"), m.If(~heard):
                first = came.word_select(count == 1, 8)
                m.d.sync += told.eq(Cat(count, C(0, 5), broken, first, came[8:]))
                m.d.sync += [count.eq(0), broken.eq(0), place.eq(0)]
                m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [told.eq(told >> 8), place.eq(place + 1)]
                    with m.If(place == 2):
                        m.next = "FLAGS"
        return m


def transport() -> VerilatedTransport:
    """Return a new rig as after power-up, all weights 0; it is built first unless it has been."""
    folders = [Path(boards.__path__[0]), Path(__file__).parent]
    sources = [folders[0] / "top.py", folders[1] / "rig.py"]
    digest = hashlib.sha256("".join(path.read_text() for path in sources).encode()).hexdigest()
    return VerilatedTransport.cached(Rig, f"fuzz rig {digest}", idle_limit=IDLE_LIMIT)
