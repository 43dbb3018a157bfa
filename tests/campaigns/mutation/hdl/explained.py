"""Why a mutant lives though no proof says that it must: argued by case, else by its verdict."""

from __future__ import annotations

import re

from tests.campaigns.mutation.hdl.campaign import Fate, Result

_LANES = (
    "don't care by contract: banks 6 and 7 of a crossbar of 6 columns and 4 rows have neither; "
    "what leads to their sums alone changes nothing that is used"
)
_SUMS = "transposed_4_6_6_4_2"
_PERMUTED = (
    "equivalent: the bit of the address is inverted before reads and writes part, so the memory's "
    "words lie in another order and every word is found where it was put"
)

REASONS: dict[tuple[str, str, str], str] = {
    **{
        (f"crossbar_{_SUMS}", place, mode): _LANES
        for place, mode in (
            ("$abc$3868$blif$3868$256 B[0]", "inv"),
            ("$abc$3870$blif$3870$3 A[0]", "inv"),
            ("$abc$3868$blif$3868$277 B[0]", "const0"),
            ("turn2_7[0] (D[0])", "const1"),
            ("sums[43] (Q[0])", "const1"),
            ("lane7[0] (B[0])", "const1"),
        )
    },
    ("crossbar_transposed_direct_6_5_3_8_1", "tile[0] (D[0])", "inv"): _PERMUTED,
}
"""By case, place and mode."""

VERDICTS = {
    "a legal input": "too rare: a run that the contract allows tells it, the benches met none",
    "some input": "open: a run tells it; whether a caller may give that run is written nowhere",
    "no proof": "open: neither a proof nor a run was found, or none was looked for",
}
"""What can be said of any other, by how its verdict begins."""

_COUNT = re.compile(r"network\.(samples|cycles|total|spikes_\d|writes_\d)\[(\d+)\]")
_LONG = {"cycles": 16}
"""Bits of a count from which on no bench runs long enough to set them; 10 of the others."""


def _too_long(fate: Fate) -> str | None:
    """Return why nobody notices that a high bit of a count stays 0, None of other mutants."""
    bit = _COUNT.match(fate.mutant.place)
    if fate.mutant.mode != "const0" or bit is None or int(bit[2]) < _LONG.get(bit[1], 10):
        return None
    return f"too long a run: this bit of a count is set after 2**{bit[2]} events"


def reason(fate: Fate, result: Result) -> str:
    """Return why a survivor was not killed."""
    argued = REASONS.get((result.name, fate.mutant.place, fate.mutant.mode))
    return (
        argued
        or _too_long(fate)
        or next(text for start, text in VERDICTS.items() if fate.by.startswith(start))
    )
