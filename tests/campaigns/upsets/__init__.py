"""Upsets: single bits of a simulated core's state are inverted while it trains, and what follows.

`state` finds every bit that a design holds and makes it invertible, `chip` simulates such a design,
`campaign` inverts one bit per run and says what came of it, `rates` asks what a network learns
while upsets go on and on.
"""

from __future__ import annotations

from spikeloom.errors import SpikeloomError


class UpsetError(SpikeloomError, RuntimeError):
    """A campaign that cannot be run: what was wrong, and what to do next."""
