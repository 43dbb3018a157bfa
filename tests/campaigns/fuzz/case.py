"""One differential case: a network, how its core is built, and what a host does to it.

A case is kept as JSON, so that what was found once is tried for good.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.hardware import DEFAULT, Hardware

FORMAT = 1
Command = tuple[Any, ...]
"""A name, and what `tests.campaigns.fuzz.reference` says that it takes."""


class CaseError(SpikeloomError, ValueError):
    """What is no case: what is wrong with it."""


@dataclass(frozen=True)
class Stalls:
    """How both streams of the core are held back.

    Attributes
    ----------
    seed : of the pattern.
    commands, replies : of 256 clocks on the average, those in which no new byte is offered, and
        those in which none is taken; 0 to 250.
    pause : clocks for which nothing is taken before each reply.
    """

    seed: int = 0
    commands: int = 0
    replies: int = 0
    pause: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        limits = {"seed": 2**32 - 1, "commands": 250, "replies": 250, "pause": 10_000}
        for name, most in limits.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not 0 <= value <= most:
                raise CaseError(f"stalls: {name} = {value!r} is outside 0..{most}")


STEADY = Stalls()


@dataclass(frozen=True)
class Case:
    """What is run on golden and on the RTL; `found` tells what differed when it was kept."""

    KIND: ClassVar = "differential"

    config: NetworkConfig
    hardware: Hardware = DEFAULT
    commands: tuple[Command, ...] = ()
    stalls: Stalls = STEADY
    found: str = ""

    def to_json(self) -> str:
        """Return the file's text, one line per command."""
        table = dataclasses.asdict(self.config)
        table["layer"] = table.pop("layers")
        parts = {
            "kind": self.KIND,
            "found": self.found,
            "config": table,
            "hardware": dataclasses.asdict(self.hardware),
            "stalls": dataclasses.asdict(self.stalls),
        }
        head = json.dumps(parts, indent=1)[:-2]
        lines = ",\n".join(f"  {json.dumps(command)}" for command in self.commands)
        return f'{head},\n "commands": [\n{lines}\n ]\n}}\n'

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Self:
        """Read what `to_json` wrote and JSON has read; `CaseError` says what is wrong with it."""
        try:
            hardware = dict(parts["hardware"])
            hardware["styles"] = tuple(tuple(pair) for pair in hardware["styles"])
            hardware |= {name: tuple(hardware[name]) for name in ("lanes", "ports")}
            return cls(
                from_dict(parts["config"]),
                Hardware(**hardware),
                tuple((str(name), *arguments) for name, *arguments in parts["commands"]),
                Stalls(**parts["stalls"]),
                str(parts["found"]),
            )
        except ConfigError as error:
            raise CaseError(f"config: {error}") from None
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, CaseError):
                raise
            raise CaseError(f"a part is missing or malformed: {error!r}") from None

    def describe(self) -> str:
        """Return the configuration and the hardware, a line for each part that says something."""
        table = dataclasses.asdict(self.config)
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        return "\n".join([*lines, repr(self.hardware), repr(self.stalls)])
