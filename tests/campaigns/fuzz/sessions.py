"""Draws sessions on a board's line, with Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from spikeloom.golden.spec.link import OFFSETS, PAYLOAD_MAX, SEQS, Kind
from spikeloom.golden.spec.machine import Machine, machine
from tests.campaigns.fuzz import rig
from tests.campaigns.fuzz.case import Command
from tests.campaigns.fuzz.commands import OFTEN, deeds
from tests.campaigns.fuzz.draw import Draw
from tests.campaigns.fuzz.reference import Reference
from tests.campaigns.fuzz.session import Item, Session

MOST = 16
"""Items of a session."""

HARMLESS = ("infer", "digest", "counters")
"""Deeds that change no weight."""

_ITEMS = ["commands"] * 6 + ["frame"] * 4 + ["bytes"] * 3 + ["quiet"] * 2


@st.composite
def sessions(draw: Draw) -> Session:
    """Draw a session."""
    stray = draw(st.sampled_from([False, False, True]))
    numbers = machine(rig.network())
    items: list[Item] = []
    if not stray:  # weights that a wrong byte would show in
        rows = draw(st.binary(min_size=6, max_size=6))
        for layer in numbers.layers:
            weights = [
                [rows[(i + j) % 6] % 63 - 31 for j in range(layer.n_post)]
                for i in range(layer.n_pre)
            ]
            items.append(("commands", (("write_weights", layer.index, 0, weights),), None))
    kinds = draw(st.lists(st.sampled_from(_ITEMS), min_size=1, max_size=MOST))
    items += [draw(_item(kind, stray, numbers)) for kind in kinds]
    return Session(stray, draw(st.integers(0, OFFSETS - 1)), tuple(items))


@st.composite
def _item(draw: Draw, kind: str, stray: bool, numbers: Machine) -> Item:
    match kind:
        case "commands":
            return ("commands", draw(_commands(numbers, stray)), draw(damages(3)))
        case "frame":
            kinds = [Kind.POLL, Kind.DATA, Kind.REWIND, Kind.RATE, Kind.OPEN]
            far = st.one_of(st.just(0), st.integers(-600, 600), st.integers(0, OFFSETS - 1))
            return (
                "frame",
                int(draw(st.sampled_from(kinds))),
                draw(st.integers(0, SEQS - 1)),
                draw(far),
                draw(_payload()).hex(),
                draw(damages(2)),
            )
        case "bytes":
            return ("bytes", draw(noise()).hex())
    return ("quiet", draw(st.sampled_from([1, 3, 10, 20, 30, 200])))


@st.composite
def _commands(draw: Draw, numbers: Machine, stray: bool) -> tuple[Command, ...]:
    """Draw the commands of one frame."""
    commands = draw(deeds(numbers, draw(st.sampled_from(HARMLESS if stray else OFTEN))))
    encoder, size = Reference(numbers), 0
    fitting = []
    for command in commands:
        size += len(encoder.encode(command))
        if size > PAYLOAD_MAX:
            break
        fitting.append(tuple(command))
    return tuple(fitting)


def _payload() -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.just(b""),
        st.binary(max_size=12),
        st.binary(min_size=PAYLOAD_MAX, max_size=PAYLOAD_MAX),
    )


def noise() -> st.SearchStrategy[bytes]:
    """Draw bytes of no frame: any, or such as look like the beginning of one, or of a huge one."""
    begun = st.binary(max_size=6).map(lambda tail: b"\xa5\x11\x00\x00" + tail)
    huge = st.integers(100, 255).map(lambda size: bytes([0xA5, 0x11, 0, 0, size]))
    return st.one_of(st.binary(max_size=8), st.binary(max_size=300), begun, huge)


@st.composite
def damages(draw: Draw, whole: int) -> Item | None:
    """Draw what becomes of a frame; nothing `whole` times as often as something."""
    if draw(st.integers(0, whole)) < whole:
        return None
    what = draw(st.sampled_from(["cut", "flip", "set", "insert", "drop", "double", "broken"]))
    where = draw(st.one_of(st.integers(0, 7), st.integers(0, 1200)))
    if what in ("set", "insert"):
        return (what, where, draw(st.sampled_from([0xA5, 0, 0xFF, 0x80, 0x81, 0x15])))
    return (what, where)
