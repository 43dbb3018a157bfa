"""Writes the report: every picture, number and style within one HTML file."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from spikeloom.golden.files import replacing
from spikeloom.report import tables
from spikeloom.report.figures import figures
from spikeloom.report.run import ReportError, Run

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
    data = render(run).encode()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(data)
    except OSError as error:
        raise ReportError(
            f"cannot write {target}: {error.strerror}; name a directory that can be written"
        ) from error
    return target
