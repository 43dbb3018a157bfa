"""Draws hostile lines, with Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from spikeloom.golden.spec.link import (
    BAUD_MAX,
    CLOCK_BITS,
    CLOCK_UNIT,
    PAYLOAD_MAX,
    SEQS,
    TAGS,
    VERSION,
    Kind,
)
from tests.campaigns.fuzz.draw import Draw
from tests.campaigns.fuzz.script import DEEDS, Event, Script
from tests.campaigns.fuzz.sessions import damages, noise

_EVENTS = ["answer"] * 5 + ["hello"] * 3 + ["bytes"] * 3 + ["silence"] * 2 + ["echo"]
CLOCK = 12_000_000 // CLOCK_UNIT
"""A usual clock in a HELLO's units: 12 MHz."""
HELLO: Event = ("hello", 1, 0, VERSION << CLOCK_BITS | CLOCK, 0, None)
"""A board of this version."""


@st.composite
def scripts(draw: Draw) -> Script:
    """Draw a script; most let the host find a board first."""
    greeting: list[Event] = [
        HELLO,
        ("answer", 1, 0, 0, 0, 0, int(Kind.STATE), "identity", None),
    ]
    events = greeting[: draw(st.sampled_from([2, 2, 1, 0]))]
    kinds = draw(st.lists(st.sampled_from(_EVENTS), min_size=1, max_size=10))
    events = events + [draw(_event(kind)) for kind in kinds]
    deeds = draw(st.lists(st.sampled_from(DEEDS), min_size=1, max_size=5))
    baud = draw(st.sampled_from([0, 0, 0, 115_200, 2_000_000, BAUD_MAX]))
    return Script(baud, tuple(deeds), tuple(events))


@st.composite
def _event(draw: Draw, kind: str) -> Event:
    wait = draw(st.sampled_from([0, 0, 1, 30, 99, 400]))
    match kind:
        case "silence":
            return ("silence", draw(st.sampled_from([1, 200, 5000])))
        case "bytes":
            return ("bytes", wait, draw(noise()).hex())
        case "echo":
            return ("echo", wait)
        case "hello":
            version = draw(st.sampled_from([VERSION, VERSION, VERSION, 0, 15]))
            clock = draw(st.sampled_from([CLOCK, CLOCK, 0, 1, 4095]))
            sizes = draw(st.integers(0, SEQS - 1))
            offset = draw(st.sampled_from([0, 0, 0, 1]))
            return ("hello", wait, sizes, version << CLOCK_BITS | clock, offset, draw(damages(3)))
    wrong = st.sampled_from([0, 0, 0, 0, 0, 1, -1])
    far = st.one_of(wrong, st.integers(-2048, 2047))
    payload = st.one_of(
        st.just(""),
        st.just("identity"),
        st.binary(max_size=12).map(bytes.hex),
        st.binary(min_size=PAYLOAD_MAX, max_size=PAYLOAD_MAX).map(bytes.hex),
    )
    return (
        "answer",
        wait,
        draw(st.one_of(wrong, st.integers(0, TAGS - 1))),
        draw(st.one_of(wrong, st.integers(0, SEQS - 1))),
        draw(far),
        draw(far),
        int(draw(st.sampled_from([Kind.STATE, Kind.STATE, Kind.REFUSED]))),
        draw(payload),
        draw(damages(4)),
    )
