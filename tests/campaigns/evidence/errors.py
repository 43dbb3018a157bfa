"""The one error of this package."""

from __future__ import annotations

from spikeloom.errors import SpikeloomError


class EvidenceError(SpikeloomError, ValueError):
    """Results that cannot be read, or a page that cannot be written; the message says why."""
