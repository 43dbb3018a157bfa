"""The board's end of the serial link, as `golden.spec.link` lays down: pins to byte streams."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import DEFAULT_BAUD, PAYLOAD_MAX, divider


class Link(wiring.Component):
    """Carries a core's byte streams over a UART.

    Parameters
    ----------
    clock_hz : of the sync domain; `ValueError` if the rate cannot be had from it.
    baud : bit rate after power-up.
    slots : the command buffer holds this many times `PAYLOAD_MAX` bytes; a power of two from 2 on.
    ring : bytes of the reply buffer; a power of two from `PAYLOAD_MAX` on. Both buffers lie in one
        memory: 2 slots and a ring of 256 fill an EBR of an iCE40 (512 x 8).

    Members
    -------
    rx : In; the asynchronous pin, idle high. tx : Out; the pin. commands : Out, stream of bytes for
    the core. replies : In, stream of bytes from it. reset : Out; high for one clock when the host
    opens the link: resets the core, whose streams are not looked at in that clock.
    """

    def __init__(
        self,
        *,
        clock_hz: int,
        baud: int = DEFAULT_BAUD,
        slots: int = 8,
        ring: int = 1024,
    ) -> None:
        for name, value, least in (("slots", slots, 2), ("ring", ring, PAYLOAD_MAX)):
            if value < least or value & value - 1:
                raise ValueError(f"{name} = {value} is no power of two from {least} on")
        self._divider = divider(clock_hz, baud)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "commands": Out(stream.Signature(8)),
                "replies": In(stream.Signature(8)),
                "reset": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Being written."""
        return Module()
