"""Writes the report: every picture, number and style within one HTML file."""

from __future__ import annotations

import os
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from spikeloom.sim.report import tables
from spikeloom.sim.report.figures import figures
from spikeloom.sim.report.run import ReportError, Run

FILE = "report.html"


def render(run: Run) -> str:
    """Return the whole page; everything but the drawn pictures is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        run=run,
        headlines=tables.headlines(run),
        pictures=[(picture, Markup(picture.svg)) for picture in figures(run)],
        costs=tables.costs(run),
        configuration=tables.configuration(run),
        derived=tables.derived(run),
        provenance=tables.provenance(run),
    )


def write(directory: Path, run: Run) -> Path:
    """Write `directory`/report.html and return its path.

    The directory is made where it is missing; an old report stays whole until the new one is
    complete. Raises `ReportError` where the file cannot be written.
    """
    target = directory / FILE
    partial = directory / f".{FILE}.{os.getpid()}"
    text = render(run)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True) if directory.is_dir() else None
        raise ReportError(
            f"cannot write {target}: {error.strerror}; name a directory that can be written"
        ) from error
    return target
