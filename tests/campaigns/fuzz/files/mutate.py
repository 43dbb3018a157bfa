"""Inputs made of sound ones, for Hypothesis: it shrinks what fails to the fewest edits."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from .targets import Target

EDITS = 6
_SIZES = (0, 1, 255, 65535, 2**31 - 1, 2**32 - 1, 10**6)


@st.composite
def inputs(draw: st.DrawFn, target: Target, seeds: list[bytes]) -> bytes:
    """Return one of the sound inputs after some edits, another form at times."""
    data = bytearray(draw(st.sampled_from(seeds)))
    piece = st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from(target.words or (b"\0",)),
        st.sampled_from([struct.pack(order, n) for n in _SIZES for order in (">I", "<I")]),
    )
    for _ in range(draw(st.integers(0, EDITS))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("over", "insert", "delete", "repeat", "cut"))):
            case "over":
                new = draw(piece)
                data[at : at + len(new)] = new
            case "insert":
                data[at:at] = draw(piece)
            case "delete":
                del data[at : at + draw(st.integers(1, 64))]
            case "repeat":
                data[at:at] = data[at : at + 64] * draw(st.integers(1, 100))
            case "cut":
                del data[at:]
    return bytes(data)
