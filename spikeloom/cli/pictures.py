"""Pictures of the user's own: read one by one, classified together, told in a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.cli.output import Output
from spikeloom.golden.datasets import DataError

MOST_COLUMNS = 12
"""A table shows the counts of all classes up to this number of them."""

CELL = 6
"""Columns of a terminal that one count takes."""

REFUSED = 1
"""Exit status where some pictures could not be read, and the others were classified."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures in the order in which they were named: uint8[n, rows, cols] of those read."""

    paths: list[Path]
    images: np.ndarray
    refused: dict[Path, str]

    def values(self, counts: np.ndarray, ran: np.ndarray) -> list[dict[str, Any]]:
        """Return what came of each: class, output spikes, steps, or why it could not be read."""
        rows = zip(counts, ran, strict=True)
        return [
            {"image": str(path), "error": self.refused[path]}
            if path in self.refused
            else {"image": str(path)} | _told(*next(rows))
            for path in self.paths
        ]

    def show(self, output: Output, counts: np.ndarray, ran: np.ndarray) -> None:
        """Print the output spikes of those that were read, and why the others were not."""
        classes = range(counts.shape[1])
        room = output.console.width - max(len(str(path)) for path in self.paths)
        every = len(classes) <= MOST_COLUMNS and room >= CELL * (len(classes) + 4)
        names = tuple(map(str, classes)) if every else ("most spikes, class: count",)
        rows = []
        for found in self.values(counts, ran):
            if "error" in found:
                continue
            row = np.array(found["counts"])
            best = np.argsort(-row, kind="stable")[:3]
            cells = map(str, row) if every else [", ".join(f"{k}: {row[k]}" for k in best)]
            klass = f"{found['class']}{' (a tie)' * found['tie']}"
            rows.append([found["image"], *cells, str(found["steps"]), klass])
        output.listing(
            "output spikes per class",
            ("picture", *names, "steps", "class"),
            rows,
            right=(*map(str, classes), "steps", "class"),
            typed=("picture", "class"),
        )
        for message in self.refused.values():
            output.say(f"error: {message}")


def _told(row: np.ndarray, steps: int) -> dict[str, Any]:
    tie = bool((row == row.max()).sum() > 1)
    return {"class": int(row.argmax()), "tie": tie, "counts": row.tolist(), "steps": int(steps)}


def read(paths: list[Path], shape: tuple[int, int]) -> Pictures:
    """Read pictures, each for itself; `DataError` where there is none that can be read."""
    # Only here: the library that reads pictures is of an extra.
    from spikeloom.golden.datasets.images import from_picture

    images, refused = [], {}
    for path in paths:
        try:
            images.append(from_picture(path, shape))
        except DataError as error:
            refused[path] = str(error)
    if not images:
        raise DataError("; ".join(refused.values()))
    return Pictures(paths, np.stack(images), refused)
