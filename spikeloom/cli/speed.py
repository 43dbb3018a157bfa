"""How fast a board ran: what its link and its core would each allow, told apart."""

from __future__ import annotations

import dataclasses
from typing import Any

from spikeloom.engines.engine import Engine, Kind


def _speed(engine: Engine, kind: Kind) -> Any:
    speed = getattr(engine, "speed", None)
    return speed(kind) if speed else None


def board_rows(engine: Engine, kind: Kind) -> dict[str, object]:
    """Return rows for a table; none for an engine that is no board, or of which nothing ran."""
    if (found := _speed(engine, kind)) is None:
        return {}
    again = f", {found.resent:,} frames sent again" if found.resent else ""
    return {
        "link allows": f"{found.link_images_per_second:,.0f} images/s "
        f"({found.bytes_per_image:,.0f} bytes each at {found.baud:,} baud{again})",
        "core allows": f"{found.core_images_per_second:,.0f} images/s "
        f"({found.cycles_per_image:,.0f} clock cycles each at {found.clock_hz / 1e6:g} MHz)",
        "together": f"{found.images_per_second:,.0f} images/s",
    }


def board_values(engine: Engine, kind: Kind) -> dict[str, Any] | None:
    """Return the same for machines."""
    found = _speed(engine, kind)
    return None if found is None else dataclasses.asdict(found)
