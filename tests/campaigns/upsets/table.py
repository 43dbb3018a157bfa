"""The table of a campaign: what came of the upsets, kind by kind, for people and for machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaigns.upsets import UpsetError, accuracy
from tests.campaigns.upsets.accuracy import Change, Usual
from tests.campaigns.upsets.kinds import KINDS, SERIAL
from tests.campaigns.upsets.outcome import CLEARED, OUTCOMES, Cleared, Outcome, Run
from tests.paper.exhibit import csv_text, markdown

ALL = "all"
WEIGHTED = "weighted by bits"
MEANINGS = OUTCOMES | {
    WEIGHTED: "the shares where every bit of the chip is hit alike: a kind counts by its bits, "
    "not by its flips"
}
TO_CLEAR = (
    "What cleared those that were not masked, so that the same training gave the undisturbed "
    "result again, bit for bit:"
)
NOTE = 100
"""Characters of what the host was told that are kept."""
STUCK = 20
"""Upsets that nothing cleared which the text names one by one."""


@dataclass(frozen=True)
class Campaigned:
    """A campaign that is done.

    Attributes
    ----------
    config : name of the network. seed : of bits and clocks. runs : in order.
    bits : of each kind. clocks : of a run, over the core's streams and over the link.
    usual : accuracies at the end, undisturbed.
    window, rest : images trained on the chip, and after it.
    """

    config: str
    seed: int
    runs: list[Run]
    bits: dict[str, int]
    clocks: tuple[int, int]
    usual: Usual
    window: int
    rest: int

    def rows(self) -> list[dict[str, object]]:
        """Return a row per kind, and one of all: bits, flips, numbers of each outcome."""
        found = []
        for kind in (*(k for k in KINDS if self.bits.get(k)), ALL):
            runs = [run for run in self.runs if kind in (ALL, run.kind)]
            outcomes = Counter(run.outcome for run in runs)
            cleared = Counter(run.cleared for run in runs)
            bits = sum(self.bits.values()) if kind == ALL else self.bits[kind]
            row: dict[str, object] = {"kind": kind, "bits": bits, "flips": len(runs)}
            row |= {str(outcome): outcomes[outcome] for outcome in Outcome}
            row |= {_column(how): cleared[how] for how in CLEARED}
            found.append(row)
        return found

    def weighted(self, outcome: Outcome) -> float | None:
        """Return the chance of an outcome where every bit is hit alike, 0 to 1."""
        total = 0.0
        for kind, bits in self.bits.items():
            runs = [run for run in self.runs if run.kind == kind]
            if bits and not runs:
                return None
            hits = sum(run.outcome is outcome for run in runs)
            total += bits * hits / len(runs) if runs else 0.0
        return total / sum(self.bits.values())

    @property
    def left_out(self) -> list[str]:
        """The kinds that have bits, of which none was inverted."""
        hit = {run.kind for run in self.runs}
        return [kind for kind in KINDS if self.bits.get(kind) and kind not in hit]

    @property
    def stuck(self) -> list[Run]:
        """What nothing cleared."""
        return [run for run in self.runs if run.cleared is Cleared.NEVER]

    @property
    def change(self) -> Change:
        """Of accuracy, by the upsets of which it was asked."""
        return Change.of([run.end for run in self.runs if run.end is not None])

    def text(self) -> str:
        """Return the table with its words."""
        parts = [
            f"Upsets: {self.config}, {len(self.runs):,} single-bit flips, seed {self.seed}",
            self._setting(),
            markdown(*self._outcomes()),
            _words(OUTCOMES if self.left_out else MEANINGS),
            accuracy.told(self.usual, self.change, self.rest),
            TO_CLEAR,
            markdown(*self._cleared()),
            _words(CLEARED),
            _words(KINDS),
        ]
        if left_out := self.left_out:
            kinds = sum(map(bool, self.bits.values()))
            parts.insert(
                3,
                f"No flip in: {', '.join(left_out)}. From {kinds} flips on there is one in every "
                "kind, and the shares of all are weighted by bits.",
            )
        if stuck := self.stuck:
            lines = [f"- {run.bit} at clock {run.clock:,}: {run.outcome}" for run in stuck[:STUCK]]
            parts.insert(-2, "\n".join([f"Not cleared ({len(stuck)}):", *lines]))
        return "\n\n".join(parts) + "\n"

    def _setting(self) -> str:
        direct, serial = self.clocks
        return (
            "One flip per run, at a random clock of the first two thirds of the training of "
            f"{self.window} images on the Verilated chip, in the middle of learning: over the "
            f"core's own streams ({direct:,} clocks), for {' and '.join(SERIAL)} over the serial "
            f"link ({serial:,} clocks). What is upset are flip-flops and memories of the RTL; an "
            "FPGA's configuration is another matter."
        )

    def _outcomes(self) -> tuple[Sequence[str], list[list[str]]]:
        rows = []
        for row in self.rows():
            flips = int(str(row["flips"]))
            cells = [_share(int(str(row[str(outcome)])), flips) for outcome in Outcome]
            rows.append([str(row["kind"]), f"{row['bits']:,}", f"{flips:,}", *cells])
        shares = [self.weighted(outcome) for outcome in Outcome]
        if None not in shares:
            cells = [_percent(share or 0.0) for share in shares]
            rows.append([WEIGHTED, "", "", *cells])
        return ("kind", "bits", "flips", *map(str, Outcome)), rows

    def _cleared(self) -> tuple[Sequence[str], list[list[str]]]:
        columns = [_column(how) for how in CLEARED]
        rows = [[str(row["kind"]), *(str(row[name]) for name in columns)] for row in self.rows()]
        return ("kind", *map(str, CLEARED)), rows

    def values(self, made_by: dict[str, Any]) -> dict[str, Any]:
        """Return all but the single runs for JSON."""
        return {
            **made_by,
            "config": self.config,
            "seed": self.seed,
            "flips": len(self.runs),
            "clocks_of_a_run": {"streams": self.clocks[0], "link": self.clocks[1]},
            "accuracy": accuracy.values(self.usual, self.change),
            "kinds": self.rows(),
            "kinds_left_out": self.left_out,
            "weighted_by_bits": {str(outcome): self.weighted(outcome) for outcome in Outcome},
        }

    def write(self, folder: Path, made_by: dict[str, Any]) -> list[Path]:
        """Write table-NAME.txt, .csv and .json and runs-NAME.csv; return their paths."""
        single = [
            {
                "kind": run.kind,
                "bit": run.bit,
                "clock": run.clock,
                "outcome": str(run.outcome),
                "cleared": str(run.cleared),
                "accuracy": run.end and run.end.accuracy,
                "paired_change": run.end and run.end.change,
                "told": run.note[:NOTE],
            }
            for run in self.runs
        ]
        return write(
            folder,
            {
                f"table-{self.config}.txt": self.text(),
                f"table-{self.config}.csv": csv_text(self.rows()),
                f"table-{self.config}.json": json.dumps(self.values(made_by), indent=2) + "\n",
                f"runs-{self.config}.csv": csv_text(single),
            },
        )


def write(folder: Path, texts: dict[str, str]) -> list[Path]:
    """Write files into a folder; `UpsetError` where they cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise UpsetError(
            f"cannot write {error.filename}: {error.strerror}; name another folder with --out"
        ) from error
    return [folder / name for name in texts]


def _column(how: Cleared) -> str:
    return str(how) if how is Cleared.NEVER else f"cleared by {how}"


def _share(count: int, of: int) -> str:
    return f"{count:,} ({100 * count / of:.1f} %)" if of else "0"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _words(meanings: dict[Any, str]) -> str:
    return "\n".join(f"- {name}: {meaning}" for name, meaning in meanings.items())
