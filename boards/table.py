"""The README's table of boards, between two marks that say which command writes it."""

from __future__ import annotations

from pathlib import Path

from spikeloom.boards.estimate import Report
from spikeloom.boards.marks import put, text_of
from spikeloom.boards.result import Count
from spikeloom.errors import SpikeloomError

BEGIN = "<!-- boards: written by `spikeloom build --all` -->"
END = "<!-- boards: end -->"

_HEADINGS = (
    "board", "FPGA", "network", "lanes", "LUTs", "block RAM", "SPRAM", "DSP",
    "clock, MHz", "train, cycles", "train, images/s", "infer, images/s", "1 Mbaud, images/s",
)  # fmt: skip


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


def write(path: Path, reports: list[Report]) -> None:
    """Put the table of `reports` between the marks of a file, in place of what is there."""
    check(path)
    path.write_text(put(path.read_text(), BEGIN, END, markdown(reports)))


def markdown(reports: list[Report]) -> str:
    """Return the table as Markdown, a row per report."""
    rows = [_HEADINGS, ("---",) * len(_HEADINGS), *(_row(report) for report in reports)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(report: Report) -> tuple[str, ...]:
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
    return "does not fit" if reached is None else f"missed, {reached.fmax_hz / 1e6:.1f}"
