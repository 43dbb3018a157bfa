"""The board's end of the link as the bench of its frames sees it: pins, and small numbers."""

from __future__ import annotations

from unittest import mock

from amaranth import Fragment, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec import link as spec
from spikeloom.hdl import link

CLOCK_HZ = 5 * spec.DEFAULT_BAUD
BUILT = spec.divider(CLOCK_HZ, spec.DEFAULT_BAUD)
SLOTS, RING = 2, 128
WINDOW = SLOTS * spec.PAYLOAD_MAX
FALLBACK = 1 << 10
"""Bit times, in place of `FALLBACK_BITS`: each clock is simulated."""


class Board(wiring.Component):
    """A link with pins only."""

    def __init__(self, module=link) -> None:
        self._module = module
        super().__init__(
            {
                "rx": In(1),
                "tx": Out(1),
                "reset": Out(1),
                "command": Out(8),
                "command_valid": Out(1),
                "command_ready": In(1),
                "reply": In(8),
                "reply_valid": In(1),
                "reply_ready": Out(1),
            }
        )

    def elaborate(self, platform) -> Fragment:
        with mock.patch.object(self._module, "FALLBACK_BITS", FALLBACK):
            return Fragment.get(self._wired(), platform)

    def _wired(self) -> Module:
        m = Module()
        m.submodules.link = inner = self._module.Link(clock_hz=CLOCK_HZ, slots=SLOTS, ring=RING)
        m.d.comb += [
            inner.rx.eq(self.rx),
            self.tx.eq(inner.tx),
            self.reset.eq(inner.reset),
            self.command.eq(inner.commands.payload),
            self.command_valid.eq(inner.commands.valid),
            inner.commands.ready.eq(self.command_ready),
            inner.replies.payload.eq(self.reply),
            inner.replies.valid.eq(self.reply_valid),
            self.reply_ready.eq(inner.replies.ready),
        ]
        return m
