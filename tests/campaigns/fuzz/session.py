"""One session on a board's line: frames, damaged ones, bytes of no frame, and quiet times.

Items of a session:

=====================================  ===========================================================
item                                   what happens
=====================================  ===========================================================
"commands", [command ...], damage      DATA in order, with these commands of
                                       `tests.campaigns.fuzz.reference` as its payload
"frame", kind, seq, ack, hex, damage   any frame; seq and ack are added to the right ones
"bytes", hex                           bytes, whatever they are
"quiet", byte times                    nothing
=====================================  ===========================================================

Damage is null or one of

===================  =============================================================================
"cut", place         the frame ends before this byte
"flip", bit          a bit is inverted
"set", place, value  a byte is another one: a kind, a length
"insert", place, b   a byte is inserted
"drop", place        a byte is lost
"double", place      a byte comes twice
"broken", place      a byte comes without a stop bit
===================  =============================================================================

Places and bits are modulo the length of the frame.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from spikeloom.golden.spec.link import OFFSETS, Kind
from tests.campaigns.fuzz.case import CaseError

Item = tuple[Any, ...]
Wire = list[tuple[int, bool]]
"""Bytes on the line, each with whether it comes without a stop bit."""

LONGEST = 100_000
"""Byte times or milliseconds that a case may wait at once."""

ITEMS = {"commands": 3, "frame": 6, "bytes": 2, "quiet": 2}
"""Kinds of items and how many fields they have."""


@dataclass(frozen=True)
class Session:
    """What a board's line brings.

    Attributes
    ----------
    stray : whether frames with good CRCs may acknowledge what has not come, or open the link
        anywhere; the commands of such a session change no weights.
    start : place at which the reply stream begins.
    found : what went wrong when it was kept.
    """

    stray: bool
    start: int
    items: tuple[Item, ...]
    found: str = ""

    KIND: ClassVar = "board"

    def to_json(self) -> str:
        """Return the file's text, one line per item."""
        head = {"kind": self.KIND, "found": self.found, "stray": self.stray, "start": self.start}
        return with_lines(head, "items", self.items)

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Self:
        """Read what `to_json` wrote and JSON has read; `CaseError` says what is wrong with it."""
        try:
            items = tuple(_item(*fields) for fields in parts["items"])
            start = int(parts["start"])
            if not 0 <= start < OFFSETS:
                raise ValueError(f"start = {start} is outside 0..{OFFSETS - 1}")
            return cls(bool(parts["stray"]), start, items, str(parts["found"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CaseError(f"a part is missing or malformed: {error!r}") from None

    def describe(self) -> str:
        """Return the session as its file has it."""
        return dataclasses.replace(self, found="").to_json().strip()


def with_lines(head: dict[str, Any], name: str, items: tuple[Item, ...]) -> str:
    """Return a JSON object of `head` and of a list, which has a line for each item."""
    lines = ",\n".join(f"  {json.dumps(item)}" for item in items)
    return f'{json.dumps(head, indent=1)[:-2]},\n "{name}": [\n{lines}\n ]\n}}\n'


def _item(name: str, *fields: Any) -> Item:
    if len(fields) + 1 != ITEMS.get(name):
        raise ValueError(f"{name!r} with {len(fields)} fields is no item")
    if name == "quiet":
        waits(fields[0])
    if name == "frame":
        Kind(fields[0])
        whole(*fields[1:3])
        bytes.fromhex(fields[3])
    if name == "bytes":
        bytes.fromhex(fields[0])
    if name == "commands":
        fields = (tuple(tuple(command) for command in fields[0]), fields[1])
    if name in ("commands", "frame") and fields[-1] is not None:
        fields = (*fields[:-1], tuple(fields[-1]))
        damaged(bytes(20), fields[-1])
    return (name, *fields)


def whole(*numbers: Any) -> None:
    """Raise `ValueError` for what is no whole number."""
    if wrong := [number for number in numbers if type(number) is not int]:
        raise ValueError(f"{wrong[0]!r} is no whole number")


def waits(time: Any) -> None:
    """Raise `ValueError` for what nobody can wait."""
    whole(time)
    if not 0 <= time <= LONGEST:
        raise ValueError(f"a wait of {time} is outside 0..{LONGEST}")


def damaged(data: bytes, damage: tuple[Any, ...] | None) -> Wire:
    """Return a frame's bytes as they come over the line."""
    wire = [(byte, False) for byte in data]
    if damage is None:
        return wire
    what, where, *value = damage
    where = int(where) % (8 * len(wire) if what == "flip" else len(wire))
    match what, *value:
        case ["cut"]:
            del wire[where:]
        case ["flip"]:
            wire[where // 8] = (data[where // 8] ^ 1 << where % 8, False)
        case ["set", value]:
            wire[where] = (int(value) & 255, False)
        case ["insert", value]:
            wire.insert(where, (int(value) & 255, False))
        case ["drop"]:
            del wire[where]
        case ["double"]:
            wire.insert(where, wire[where])
        case ["broken"]:
            wire[where] = (data[where], True)
        case _:
            raise ValueError(f"{damage!r} is no damage")
    return wire
