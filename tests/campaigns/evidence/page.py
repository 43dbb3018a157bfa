"""Writes the page of claims, as HTML and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from spikeloom import report
from spikeloom.golden.files import replacing
from tests.campaigns.evidence.errors import EvidenceError
from tests.campaigns.evidence.rows import Row, State

HTML, MARKDOWN = "evidence.html", "evidence.md"

_HERE = Path(__file__).parent
_TONES = {State.HOLDS: "good", State.OLD: "old", State.FAILS: "bad", State.MISSING: "missing"}


def render(template: str, rows: Sequence[Row], commit: str | None) -> str:
    """Return the page by one of the two templates.

    commit : at which it is written; None outside a repository.
    """
    environment = Environment(
        loader=FileSystemLoader([_HERE, Path(report.__file__).parent]),  # for the look of its pages
        autoescape=template.startswith("page.html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    states = Counter(row.state for row in rows)
    return environment.get_template(template).render(
        subjects=[(name, list(each)) for name, each in groupby(rows, lambda r: r.claim.subject)],
        states=[(state, states[state], _TONES[state]) for state in State],
        tones=_TONES,
        claims=len(rows),
        commit=commit,
    )


def write(folder: Path, rows: Sequence[Row], commit: str | None) -> list[Path]:
    """Write both pages into a folder; return their paths. `EvidenceError` where that fails."""
    pages = {
        HTML: render("page.html.jinja", rows, commit),
        MARKDOWN: render("page.md.jinja", rows, commit),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            with replacing(folder / name) as file:
                file.write(text.encode())
    except OSError as error:
        raise EvidenceError(
            f"cannot write to {folder}: {error.strerror}; name another folder with --out"
        ) from error
    return [folder / name for name in pages]
