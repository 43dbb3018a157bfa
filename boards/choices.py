"""What a user may change of how a board's core is built; light to import."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Amaranth and the boards cost a second to import
    from spikeloom.boards.hardware import Hardware


@dataclass(frozen=True)
class Choices:
    """Hardware and effort of one build; None is the board's own choice.

    Attributes
    ----------
    lanes, ports : per layer. draws : random numbers per clock.
    plan : see `boards.hardware.Hardware.with_settings`.
    clock_mhz : of the core. seeds : how many placements are tried.
    measure : whether the core is simulated for its cycles per image.
    """

    lanes: tuple[int, ...] | None = None
    ports: tuple[int, ...] | None = None
    draws: int | None = None
    plan: tuple[str, ...] = ()
    clock_mhz: float | None = None
    seeds: int | None = None
    measure: bool = True

    def of(self, hardware: Hardware) -> Hardware:
        """Return a board's hardware choices with these in their place."""
        given = {"lanes": self.lanes, "ports": self.ports, "draws": self.draws}
        changes = {name: value for name, value in given.items() if value is not None}
        return dataclasses.replace(hardware, **changes).with_settings(self.plan)
