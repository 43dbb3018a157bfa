"""Rows of an accuracy table: what was published, what we reach, and how far from our ANN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.paper import stats
from tests.paper.exhibit import Records, origin
from tests.paper.job import Job
from tests.paper.published import Published
from tests.paper.store import Record

HEADINGS = ("model", "network", "published, %", "ours, %", "less our ANN, points", "seeds")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    model, network : for people.
    published : what is known of it from elsewhere. jobs : our runs of it, one per seed.
    """

    model: str
    network: str
    published: Published | None = None
    jobs: list[Job] = field(default_factory=list)


@dataclass(frozen=True)
class Group:
    """Rows about one data set, compared with one ANN; `note` is printed behind its title."""

    title: str
    rows: list[Row]
    ann: Row
    note: str = ""


def of_published(published: Published) -> Row:
    """Return a row of what only others have measured."""
    return Row(published.method, published.network, published)


def right(records: Sequence[Record]) -> list[np.ndarray]:
    """Return which test images each run got right, bool[images] per run."""
    return [stats.unpack(r.result["right"], r.result["images"]) for r in records]


def accuracies(records: Sequence[Record]) -> np.ndarray:
    """Return the accuracy of each run after its last epoch, in per cent."""
    return np.array([100 * record.result["accuracy"][-1] for record in records])


def compare(ours: Sequence[Record], ann: Sequence[Record]) -> stats.Paired | None:
    """Compare runs with those of the ANN on the same test images; None where that cannot be."""
    tested = {(r.config["data"], r.result["images"]) for r in (*ours, *ann)}
    if not ours or not ann or len(tested) != 1:
        return None
    return stats.paired(right(ours), right(ann))


@dataclass(frozen=True)
class Line:
    """A row with its numbers."""

    row: Row
    ours: np.ndarray
    against: stats.Paired | None
    records: list[Record]

    def cells(self) -> tuple[str, ...]:
        """Return what the text table shows; its columns are `HEADINGS`."""
        return (
            self.row.model,
            self.row.network,
            str(self.row.published or "-"),
            stats.mean_and_deviation(self.ours, 2) if self.ours.size else "-",
            str(self.against or "-"),
            self._seeds(),
        )

    def _seeds(self) -> str:
        """Return how many seeds were run; of how many, where some are still to come."""
        asked, done = len(self.row.jobs), len(self.ours)
        return "-" if not done else str(done) if done == asked else f"{done} of {asked}"

    def data(self) -> dict[str, Any]:
        """Return what the CSV holds."""
        published = self.row.published
        return {
            "model": self.row.model,
            "network": self.row.network,
            "published": published.accuracy if published else "",
            "published_deviation": (published.deviation or "") if published else "",
            "ours": float(self.ours.mean()) if self.ours.size else "",
            "deviation": float(self.ours.std(ddof=1)) if self.ours.size > 1 else "",
            "seeds": len(self.ours),
            "less_ann": self.against.difference if self.against else "",
            "low": self.against.low if self.against else "",
            "high": self.against.high if self.against else "",
        } | origin(self.records)


def lines(group: Group, records: Records) -> list[Line]:
    """Return the rows of a group that have a number, published or ours."""
    ann = records.of(group.ann.jobs)
    found = []
    for row in group.rows:
        ours = records.of(row.jobs)
        against = None if row is group.ann else compare(ours, ann)
        if ours or row.published:
            found.append(Line(row, accuracies(ours), against, ours))
    return found


def draw(figure: Any, groups: list[tuple[Group, list[Line]]]) -> None:
    """Draw the lines of each group in a panel of its own."""
    from tests.paper.drawing import SERIES

    if not groups:
        return
    heights = [len(found) for _, found in groups]
    panels = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    (blue, *_), (orange, *_) = SERIES[:2]
    for axes, (group, found) in zip(panels, groups, strict=True):
        for place, line in enumerate(found):
            if line.row.published:
                axes.errorbar(
                    line.row.published.accuracy, place - 0.12, color=orange, marker="o",
                    xerr=line.row.published.deviation, fillstyle="none", linestyle="none",
                )  # fmt: skip
            if line.ours.size:
                deviation = line.ours.std(ddof=1) if line.ours.size > 1 else None
                axes.errorbar(
                    line.ours.mean(), place + 0.12, xerr=deviation, color=blue, marker="s",
                    markersize=5, linestyle="none",
                )  # fmt: skip
        names = [f"{line.row.model}, {line.row.network}" for line in found]
        axes.set_yticks(range(len(found)), names)
        axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="test accuracy, %", title=group.title)
        axes.grid(axis="both")
    panels[0].plot([], [], "o", color=orange, fillstyle="none", label="published")
    panels[0].plot([], [], "s", color=blue, markersize=5, label="ours")
    figure.legend(loc="outside upper right", ncols=2)
