"""What `make paper` is asked for: figures, tables, runs; and what is near a wrong name."""

from __future__ import annotations

import difflib
import re
from enum import StrEnum

from tests.paper.errors import PaperError

LISTED = 12
"""Titles of runs that an error names, at most."""


class Name(StrEnum):
    """What can be remade."""

    FIG4 = "fig4"
    FIG5 = "fig5"
    FIG6 = "fig6"
    FIG7 = "fig7"
    FIG8 = "fig8"
    TABLE1 = "table1"
    TABLE2 = "table2"
    ALL = "all"


def named(name: str) -> Name:
    """Return what is asked for, a figure by its number as well; `PaperError` names the nearest."""
    known = [each.value for each in Name]
    for full in (name, f"fig{name}"):
        if full in known:
            return Name(full)
    near = difflib.get_close_matches(name, known, 2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise PaperError(f"no figure or table named {name!r}: {hint}")


def matches(text: str, title: str) -> bool:
    """Return whether a run of this title is one that --only means."""
    return text.lower() in title.lower()


def check_only(text: str, titles: list[str]) -> None:
    """Raise `PaperError` where a text is in no title; it names what is near, and titles."""
    if any(matches(text, title) for title in titles):
        return
    near = _near(text, titles)
    hint = f"did you mean {' or '.join(map(repr, near))}? The" if near else "the"
    kinds = list(dict.fromkeys(re.sub(r", seed \d+$", "", title) for title in titles))
    more = f"; and {len(kinds) - LISTED} more" if len(kinds) > LISTED else ""
    raise PaperError(
        f"--only {text!r}: no run has this in its title; {hint} titles are, each with its seed, "
        f"{'; '.join(kinds[:LISTED])}{more}"
    )


def _near(text: str, titles: list[str]) -> list[str]:
    """Return what a title has of as many words as a text, and is written most like it."""
    count = len(text.split())
    found: dict[str, str] = {}
    for words in map(str.split, titles):
        for first in range(len(words) - count + 1):
            piece = " ".join(words[first : first + count]).strip(",")
            found.setdefault(piece.lower(), piece)
    return [found[each] for each in difflib.get_close_matches(text.lower(), found, 2, cutoff=0.6)]
