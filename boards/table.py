"""A table of boards in a text file: what builds came to, which later ones are compared with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from spikeloom.boards.clock import MHZ
from spikeloom.boards.estimate import Report
from spikeloom.boards.marks import put, text_of
from spikeloom.boards.result import Count
from spikeloom.errors import SpikeloomError

BEGIN = "<!-- boards: written by `spikeloom build` -->"
END = "<!-- boards: end -->"

_HEADINGS = (
    "board", "FPGA", "network", "lanes", "LUTs", "block RAM", "SPRAM", "DSP",
    "clock, MHz", "train, cycles", "train, images/s", "infer, images/s", "1 Mbaud, images/s",
)  # fmt: skip

FALL = 0.1
"""By what part a clock may fall short of the one in the table: that much is a placement's luck."""

_REACHED = re.compile(r"\(to ([\d.]+)\)")
_Row = tuple[str, ...]


class TableError(SpikeloomError, ValueError):
    """A file that has no place for the table."""


def check(path: Path) -> None:
    """Raise `TableError` unless a file can be written to and has both marks, in order."""
    text = text_of(path, "--table", TableError)
    if BEGIN not in text or END not in text.split(BEGIN, 1)[1]:
        raise TableError(
            f"{path} has no place for the table: put the lines {BEGIN!r} and {END!r} into it, or "
            "name another file with --table"
        )


def update(path: Path, reports: list[Report], *, every: bool) -> list[str]:
    """Put reports into the table of a file; return what to say of clocks that fell.

    every : they replace the table, but for rows whose clock fell. Otherwise good ones are added
        where there is no row of the same board, network and lanes.
    """
    check(path)
    text = path.read_text()
    old = {_key(row): row for row in _rows(text)}
    rows = {} if every else dict(old)
    told = []
    for report in reports:
        row = _row(report)
        key = _key(row)
        complaint = _fall(path, report, old.get(key, ()))
        if complaint is not None:
            told.append(complaint)
            rows[key] = old[key]
        elif every or (report.built.good and key not in old):
            rows[key] = row
    path.write_text(put(text, BEGIN, END, _markdown(rows.values())))
    return told


def _fall(path: Path, report: Report, row: _Row) -> str | None:
    """Say by how much a build is slower than its row, where that is too much."""
    before = _REACHED.search(" ".join(row))
    reached = report.built.timing
    if before is None or reached is None:
        return None
    now, then = reached.fmax_hz / MHZ, float(before[1])
    if now >= (1 - FALL) * then:
        return None
    return (
        f"{report.built.config.name} on {report.built.target.name} reaches {now:.1f} MHz, the "
        f"table in {path} has {then:.1f} MHz: {100 * (1 - now / then):.0f} % are lost. The "
        f"critical path in {report.logs['nextpnr']} says what became longer: mend that, or take "
        "the row out of the table and build again"
    )


def _markdown(rows: Iterable[_Row]) -> str:
    lines = [_HEADINGS, ("---",) * len(_HEADINGS), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _rows(text: str) -> list[_Row]:
    """Return the rows between the marks of a file's text."""
    lines = text.split(BEGIN, 1)[1].split(END, 1)[0].splitlines()[3:]
    rows = [tuple(line.strip("| ").split(" | ")) for line in lines]
    return [row for row in rows if len(row) == len(_HEADINGS)]


def _key(row: _Row) -> _Row:
    """Return board, network and lanes."""
    return row[0], row[2], row[3]


def _row(report: Report) -> _Row:
    built, values = report.built, report.values()
    cells = built.resources

    def whole(name: str) -> str:
        return "-" if values[name] is None else f"{values[name]:,.0f}"

    reached = values["fmax_mhz"]
    clock = f"{values['clock_mhz']:.2f}"
    return (
        built.target.name,
        built.target.device.title,
        built.config.name,
        " ".join(map(str, values["lanes"])),
        _count(cells.luts),
        _count(cells.brams),
        _count(cells.sprams),
        _count(cells.dsps),
        f"{clock} (to {reached:.1f})" if built.good else f"{clock}: {_failure(report)}",
        whole("cycles_per_train_image"),
        whole("train_images_per_second"),
        whole("infer_images_per_second"),
        whole("link_images_per_second"),
    )


def _count(count: Count) -> str:
    return f"{count.used:,} / {count.available:,}" if count.available else "-"


def _failure(report: Report) -> str:
    reached = report.built.timing
    return "does not fit" if reached is None else f"missed, {reached.fmax_hz / MHZ:.1f}"
