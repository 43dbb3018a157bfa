"""What a hostile line brings to a host, and what the host tries to do meanwhile.

Events of a script, which begin again behind the last one:

===========================================  =====================================================
event                                        what the host reads
===========================================  =====================================================
"silence", ms                                nothing for a while
"bytes", ms, hex                             bytes, after a while
"echo", ms                                   what it has sent since it last read
"answer", ms, tag, expected, taken, offset,  a frame of a board; the four numbers are added to what
kind, payload, damage                        a sound board would say, so 0 for all is that
"hello", ms, sizes, words, offset, damage    HELLO with any sizes of buffers, clock and version
===========================================  =====================================================

A payload is hex digits, or "identity" for what the expected core says of itself. Damage is that of
`tests.campaigns.fuzz.session`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from spikeloom.golden.spec.link import Kind
from tests.campaigns.fuzz.case import CaseError
from tests.campaigns.fuzz.session import damaged, waits, whole, with_lines

Event = tuple[Any, ...]
EVENTS = {"silence": 2, "bytes": 3, "echo": 2, "answer": 9, "hello": 6}
"""Kinds of events and how many fields they have."""

DEEDS = (
    *("transfer", "identity", "train", "infer", "weights", "load", "digest", "states", "counters"),
    *("reset", "reopen"),
)
"""What a host does, one after the other."""


@dataclass(frozen=True)
class Script:
    """A hostile line and a host.

    Attributes
    ----------
    baud : the rate that the host asks for; 0 for none.
    deeds : what it does once the link is open, of `DEEDS`.
    events : what the line brings. found : what went wrong when it was kept.
    """

    baud: int
    deeds: tuple[str, ...]
    events: tuple[Event, ...]
    found: str = ""

    KIND: ClassVar = "host"

    def to_json(self) -> str:
        """Return the file's text, one line per event."""
        head = {"kind": self.KIND, "found": self.found, "baud": self.baud, "deeds": self.deeds}
        return with_lines(head, "events", self.events)

    @classmethod
    def from_parts(cls, parts: dict[str, Any]) -> Self:
        """Read what `to_json` wrote and JSON has read; `CaseError` says what is wrong with it."""
        try:
            if unknown := set(parts["deeds"]) - set(DEEDS):
                raise ValueError(f"{sorted(unknown)} are no deeds")
            events = tuple(_event(*fields) for fields in parts["events"])
            return cls(int(parts["baud"]), tuple(parts["deeds"]), events, str(parts["found"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CaseError(f"a part is missing or malformed: {error!r}") from None

    def describe(self) -> str:
        """Return the script as its file has it."""
        return dataclasses.replace(self, found="").to_json().strip()


def _event(name: str, *fields: Any) -> Event:
    if len(fields) + 1 != EVENTS.get(name):
        raise ValueError(f"{name!r} with {len(fields)} fields is no event")
    waits(fields[0])
    if name in ("answer", "hello"):
        whole(*fields[1:-1] if name == "hello" else fields[1:-2])
    if name == "bytes" or (name == "answer" and fields[-2] != "identity"):
        bytes.fromhex(fields[-1 if name == "bytes" else -2])
    if name == "answer":
        Kind(fields[5])
    if name in ("answer", "hello") and fields[-1] is not None:
        fields = (*fields[:-1], tuple(fields[-1]))
        damaged(bytes(20), fields[-1])
    return (name, *fields)
