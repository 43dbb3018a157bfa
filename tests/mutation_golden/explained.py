"""Mutants that no test can tell from the model, each with the argument why."""

from __future__ import annotations

_POOLED = "equivalent: it only decides whether a way is taken that computes the same, faster"
_KINDS = "equivalent: only the kinds numbered 2 and 3 come here"
_NAMES = "equivalent: any number that no other kind has names it as well"
_NONE_BELOW = "equivalent: the number is never negative"
_SLICE = "equivalent: the slice is longer, and only its first n elements are used"
_BOTH = "equivalent: the operands have no bit in common, or are 0 or 1 both"
_UNUSED = "equivalent: one more place, which nothing reads"

EXPLAINED: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "wta",
        _KINDS,
        "own = raw[j] if kind == FEEDFORWARD else before[j]",
        ("own = raw[j] if kind <= FEEDFORWARD else before[j]",),
    ),
    (
        "wta",
        _KINDS,
        "total += raw[j] if kind == FEEDFORWARD else before[j]",
        ("total += raw[j] if kind <= FEEDFORWARD else before[j]",),
    ),
)
"""Module, why, the line as it stands there, and as mutants have it (without indentation)."""

REASONS = {(module, old, new): why for module, why, old, news in EXPLAINED for new in news}


def reason(module: str, diff: str) -> str | None:
    """Return why a mutant with this difference is equivalent; None where nobody said."""
    old, new = (
        "\n".join(line[1:].strip() for line in diff.splitlines() if line.startswith(sign))
        for sign in "-+"
    )
    return REASONS.get((module, old, new))
