"""Runs all proofs, or those whose names begin with a word, and prints how they ended."""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from spikeloom import outputs
from spikeloom.interrupt import stoppable
from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.campaigns.formal import (
    competition,
    crossbar,
    fold,
    frames,
    lfsr,
    neuron,
    spikes,
    stopping,
    wta,
)
from tests.campaigns.formal.proof import Proof
from tests.campaigns.formal.solver import FormalError, Outcome, check
from tests.campaigns.provenance import make, stamp

BLOCKS = (lfsr, neuron, wta, competition, stopping, fold, spikes, frames, crossbar)

WIDTH = 150
"""Columns of the table where it goes into a file."""


def proofs(words: list[str]) -> list[Proof]:
    """Return the proofs whose names begin with one of `words`; all where there is none."""
    every = [proof for block in BLOCKS for proof in block.proofs()]
    chosen = [proof for proof in every if proof.name.startswith(tuple(words) or "")]
    if not chosen:
        blocks = ", ".join(sorted({proof.block for proof in every}))
        raise FormalError(f"no proof's name begins with {' or '.join(words)}; blocks: {blocks}")
    return chosen


def summary(outcome: Outcome | str) -> str:
    """Return how a proof ended, in a line."""
    if isinstance(outcome, str):
        return "no answer"
    words = f"proof {outcome.proof}, mutant {outcome.mutant}, cover {outcome.cover}"
    return f"{words}, {outcome.seconds:.1f} s"


def tabulate(ended: list[tuple[Proof, Outcome | str]]) -> Table:
    """Return the table: a line per proof, an error in place of an outcome that never came."""
    table = Table(title="Proofs")
    for name in ("block", "property", "method", "depth", "seconds", "proof", "mutant", "cover"):
        table.add_column(name, overflow="fold")
    for proof, outcome in ended:
        depth = f"{proof.induction or proof.depth}"
        row = [proof.block, f"{proof.case}: {proof.claim}", proof.method, depth]
        if isinstance(outcome, str):
            table.add_row(*row, "", "[red]none")
        else:
            checks = (outcome.proof, outcome.mutant, outcome.cover)
            marked = [word if word == "ok" else f"[red]{word}" for word in checks]
            table.add_row(*row, f"{outcome.seconds:.1f}", *marked)
    return table


def told(ended: list[tuple[Proof, Outcome | str]]) -> list[dict[str, Any]]:
    """Return what came of the proofs, for JSON; an error stands where an outcome never came."""
    return [
        {
            "name": proof.name,
            "claim": proof.claim,
            "method": proof.method,
            "clocks": proof.induction or proof.depth,
            **(
                dict.fromkeys(("proof", "mutant", "cover"), outcome)
                if isinstance(outcome, str)
                else vars(outcome)
            ),
        }
        for proof, outcome in ended
    ]


def main(arguments: list[str]) -> int:
    """Run the proofs; return 0 if every one is as it must be."""
    parser = argparse.ArgumentParser(
        prog="formal",
        description=__doc__,
        formatter_class=HelpWithDefaults,
    )
    parser.add_argument("--jobs", type=at_least(1), default=1, help="proofs at a time")
    parser.add_argument("--list", action="store_true", help="only names and claims")
    parser.add_argument(
        "--results", type=outputs.file, metavar="FILE", help="write what came of them"
    )
    parser.add_argument("names", nargs="*", help="first words of the names of proofs to run")
    options = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    try:
        chosen = proofs(options.names)
    except FormalError as error:
        console.print(str(error))
        return 2
    if options.list:
        for proof in chosen:
            console.print(f"{proof.name}: {proof.claim}", soft_wrap=True)
        return 0
    began, ended = stamp(make("formal", options.names)), []
    with ThreadPoolExecutor(options.jobs) as pool, Progress(console=console) as progress:
        task = progress.add_task("proving", total=len(chosen))
        running: list[Future[Outcome]] = [pool.submit(check, proof) for proof in chosen]
        for proof, future in zip(chosen, running, strict=True):
            try:
                ended.append((proof, future.result()))
            except FormalError as error:
                ended.append((proof, str(error)))
            progress.advance(task)
            progress.console.print(f"{proof.name}: {summary(ended[-1][1])}", soft_wrap=True)
    console.print(tabulate(ended))
    for proof, outcome in ended:
        if isinstance(outcome, str):
            console.print(f"{proof.name}: {outcome}", soft_wrap=True, markup=False)
    if options.results:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(began | {"proofs": told(ended)}, indent=1) + "\n"
        options.results.write_text(text)
    good = sum(isinstance(outcome, Outcome) and outcome.good for _, outcome in ended)
    console.print(f"{good} of {len(ended)} proofs as they must be")
    return 0 if good == len(ended) else 1


if __name__ == "__main__":
    sys.exit(stoppable(partial(main, sys.argv[1:])))
