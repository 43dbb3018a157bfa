"""The page of claims, as HTML and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from spikeloom import report
from tests.campaigns.evidence.claims import Row, State

NAMES = ("evidence.html", "evidence.md")
_HERE = Path(__file__).parent
_TONES = dict(zip(State, ("good", "old", "bad", "missing", "bad"), strict=True))


def render(name: str, rows: Sequence[Row], commit: str | None) -> str:
    """Return one of the two pages.

    commit : at which it is written; None outside a repository.
    """
    environment = Environment(
        loader=FileSystemLoader([_HERE, Path(report.__file__).parent]),  # for the look of its pages
        autoescape=name.endswith("html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    states = Counter(row.state for row in rows)
    return environment.get_template(f"{name}.jinja").render(
        subjects=[(name, list(each)) for name, each in groupby(rows, lambda r: r.claim.subject)],
        states=[(state, states[state], _TONES[state]) for state in State],
        tones=_TONES,
        claims=len(rows),
        commit=commit,
    )
