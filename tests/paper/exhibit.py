"""What a figure or table of the paper is made of, and the four files that it becomes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.paper.errors import NotRunError, PaperError
from tests.paper.job import Job
from tests.paper.store import Record

if TYPE_CHECKING:  # matplotlib costs a second to import
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Plan:
    """How much is asked for.

    Attributes
    ----------
    quick : minutes in place of days: smaller networks, fewer images, coarser bands.
    seeds : how many of each run whose seed matters; the exhibit's own choice where None.
    data : data sets beside mnist, their names and folders.
    run : False where only what was run before is shown.
    """

    quick: bool = False
    seeds: int | None = None
    data: dict[str, str] = field(default_factory=dict)
    run: bool = True

    def some_seeds(self, usual: int) -> range:
        """Return the seeds of a run that is usually done with `usual` of them."""
        return range(1, 1 + (self.seeds or usual))


class Records:
    """Results of the runs of an exhibit, found by the run."""

    def __init__(self, found: Mapping[str, Record]) -> None:
        self._found = found

    def __getitem__(self, job: Job) -> Record:
        try:
            return self._found[job.key]
        except KeyError:
            raise NotRunError(
                f"{job.title} was not run yet: leave --no-run and --only out, and it is"
            ) from None

    def has(self, job: Job) -> bool:
        """Return whether a run is done."""
        return job.key in self._found

    def of(self, jobs: Iterable[Job]) -> list[Record]:
        """Return the results of those of some runs that are done."""
        return [self._found[job.key] for job in jobs if self.has(job)]


@dataclass(frozen=True)
class Shown:
    """One figure or table with its numbers.

    Attributes
    ----------
    title : the heading. caption : what was run, reductions included, and what to see.
    headings, rows : the text table; the paper's values stand beside ours.
    data : rows of the CSV, every number that is drawn.
    draw : draws into an empty figure. height : of that figure, in inches.
    note : stands under the picture, as lines: how much was run, if it is reduced.
    """

    title: str
    caption: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    data: Rows
    draw: Callable[[Figure], None]
    height: float = 4.0
    note: str = ""

    def text(self) -> str:
        """Return the table as Markdown, its columns in line."""
        return markdown(self.headings, self.rows)


@dataclass(frozen=True)
class Exhibit:
    """A figure or table: the runs that it needs, and what is made of them.

    Attributes
    ----------
    name : as on the command line.
    jobs : the runs that a plan needs. show : makes it of what was found of them.
    """

    name: str
    jobs: Callable[[Plan], list[Job]]
    show: Callable[[Plan, Records], Shown]


def write(shown: Shown, name: str, folder: Path) -> list[Path]:
    """Write NAME.png, .svg, .csv and .txt into a folder; return the four paths.

    The same numbers give the same files. Raises `PaperError` where they cannot be written.
    """
    from tests.paper import drawing

    pictures = drawing.render(shown.draw, shown.height, shown.note)
    contents = {
        "png": pictures["png"],
        "svg": pictures["svg"],
        "csv": csv_text(shown.data).encode(),
        "txt": f"{shown.title}\n\n{shown.text()}\n\n{shown.caption}\n".encode(),
    }
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in contents.items():
            paths.append(folder / f"{name}.{suffix}")
            paths[-1].write_bytes(content)
    except OSError as error:
        raise PaperError(
            f"cannot write {error.filename}: {error.strerror}; name another folder with --out"
        ) from error
    return paths


def origin(records: Sequence[Record]) -> dict[str, str]:
    """Return the columns of a CSV that say where a row is from: its runs and their commits."""
    commits = {str(record.made_by["commit"]) for record in records}
    return {
        "runs": " ".join(Job(record.kind, record.config).key for record in records),
        "commits": " ".join(sorted(commits)),
    }


def csv_text(rows: Rows) -> str:
    """Return rows as CSV; columns are all that any row has, floats have six digits."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return buffer.getvalue()


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown that can also be read as it stands."""
    widths = [max(3, *map(len, column)) for column in zip(headings, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width for width in widths]
    return "\n".join([line(headings), line(rule), *map(line, rows)])
