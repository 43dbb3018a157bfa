"""The error of a network from elsewhere."""

from __future__ import annotations

from spikeloom.errors import SpikeloomError


class NirError(SpikeloomError, ValueError):
    """A network that cannot be read, understood or built; the message says why."""
