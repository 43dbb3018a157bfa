"""Writes the report: every picture, number and style within one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from spikeloom.golden.files import replacing
from spikeloom.report import activity, outcome, raster, stopping, tables, weights
from spikeloom.report.drawing import Picture
from spikeloom.report.findings import Findings, ReportError

FILE = "report.html"


def figures(run: Findings) -> list[Picture]:
    """Draw every figure that the run has something to show in, in the order of the page."""
    tested, wrong = len(run.tested.labels) > 0, len(run.mistakes) > 0
    drawn = [
        outcome.learning_curve,
        *([outcome.confusion] if tested else []),
        *([outcome.mistakes] if wrong else []),
        *([stopping.histograms] if run.config.stop.used else []),
        *([stopping.accuracy] if run.tried else []),
        weights.fields,
        weights.changes,
        raster.raster,
        weights.histograms,
        activity.spikes,
        activity.cycles,
    ]
    return [draw(run) for draw in drawn]


def render(run: Findings) -> str:
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


@dataclass(frozen=True, repr=False)
class Page:
    """A report that was written; a notebook shows the whole of it.

    path : where it lies. html : what is in it.
    """

    path: Path
    html: str

    def __repr__(self) -> str:
        return f"<report in {self.path}>"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="report" '
            'style="width:100%;height:45rem;border:0"></iframe>'
        )


def write(directory: Path, run: Findings) -> Page:
    """Write `directory`/report.html.

    The directory is made where it is missing; an old report stays whole until the new one is
    complete. Raises `ReportError` where the file cannot be written.
    """
    target = directory / FILE
    html = render(run)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(html.encode())
    except OSError as error:
        raise ReportError(
            f"cannot write {target}: {error.strerror}; name a directory that can be written"
        ) from error
    return Page(target, html)
