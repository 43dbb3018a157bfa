"""Why a mutant lives though no proof says that it must: argued case by case."""

from __future__ import annotations

from mutation.campaign import Fate, Result

REASONS: dict[tuple[str, str, str], str] = {}
"""By case, place and mode."""


def reason(fate: Fate, result: Result) -> str | None:
    """Return why a survivor was not killed, or None where nobody has said."""
    return REASONS.get((result.name, fate.mutant.place, fate.mutant.mode))
