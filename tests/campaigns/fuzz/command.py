"""`make fuzz`: random networks, commands and stalls, golden against RTL."""

from __future__ import annotations

import math
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikeloom import interrupt, outputs
from spikeloom.cli import options
from spikeloom.cli.output import Output
from tests.campaigns import provenance

if TYPE_CHECKING:
    from tests.campaigns.fuzz.hunt import Hunt

FAILED = 1
SAY_SECONDS = 60.0
"""How often a run that nobody watches says how far it is."""
FIRST = ("cases", "configurations")
"""What the table of counts begins with."""
CLEARER = {"spikes": "forward spikes", "errors": "error spikes"}
"""Counts that the table calls otherwise than the results do: an error is no failure."""


class Target(StrEnum):
    """What can be searched."""

    DIFFERENTIAL = "differential"
    PROTOCOL = "protocol"


def _finite(minutes: float) -> float:
    if not math.isfinite(minutes):
        raise typer.BadParameter(f"{minutes} never ends: give a number, Ctrl-C stops before")
    return minutes


def fuzz(
    minutes: Annotated[
        float,
        typer.Option(min=0.01, metavar="M", help="How long to search.", callback=_finite),
    ] = 10.0,
    target: Annotated[
        Target,
        typer.Option(
            help="differential: golden against RTL on random networks and commands. protocol: "
            "wrong bytes on the lines of a board and of a host."
        ),
    ] = Target.DIFFERENTIAL,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**32 - 1,
            metavar="N",
            help="Draw the same cases in the same order.  \\[default: another every time]",
            show_default=False,
        ),
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep what fails in this folder.  \\[default: tests/campaigns/fuzz/regressions]",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    case: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Only repeat this case, which was kept.",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what was tried into this JSON file, one entry per target.",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Search for a difference between golden and RTL, or for bytes that hang a link.

    Networks of any shape, ways to build their cores, images, labels, commands
    and stalls are drawn at random, and every reply of the core is compared
    with golden's: every spike count, every weight, every register. With
    --target protocol the line between host and board brings damaged frames,
    noise and lies: the board must answer the next good frame and change no
    weight unasked, the host must give up in time. It goes on until the minutes
    are over. What fails is made as small as it gets and kept in a file that the
    tests repeat from then on; the status is 1. Ctrl-C ends it sooner, with the
    counts so far.

    [bold]Examples[/bold]

    An hour:
    [cyan]make fuzz FUZZ="--minutes 60"[/cyan]

    The serial link, board and host:
    [cyan]make fuzz FUZZ="--target protocol"[/cyan]

    What was found, once more:
    [cyan]make fuzz FUZZ="--case differential-0123456789ab.json"[/cyan]
    """
    try:
        from tests.campaigns.fuzz import kept, record
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise typer.BadParameter(
            "it needs Hypothesis, which is not installed: pip install --editable '.[fuzz]'"
        ) from None
    output = Output(json=json)
    try:
        if case is not None:
            _repeat(output, case)
            return
        where = outputs.folder(cases or kept.folder())
        if results is not None:
            outputs.file(results)
            record.check(results)
        seed = secrets.randbits(32) if seed is None else seed
        output.say(f"seed {seed}: {_number(minutes, 'minute')} of {target.value} cases")
        stamp = provenance.stamp(provenance.make("fuzz", sys.argv[2:]))
        with interrupt.Stop() as stop:
            done = _search(output, target, seed, 60 * minutes, stop)
            failure = done.failure
            path = failure and kept.keep(failure.example, failure.error, where)
            values = record.entry(done, seed=seed, stamp=stamp, kept=path)
            tried = bool(done.counts["cases"] or failure)
            if results is not None and tried:
                record.write(results, target.value, values)
    except kept.CaseError as error:
        raise typer.BadParameter(str(error)) from None
    if failure is None:
        if tried:
            output.table(_rows(done.counts))
        ended = "stopped: " if done.stopped else ""
        told = f"nothing failed in {done.seconds:.0f} s" if tried else "no case was finished"
        output.console.print(f"{ended}{told} (seed {seed})")
    else:
        _tell(output, failure.example, failure.error, path)
    output.result({"target": target.value, **values})
    if failure is not None:
        raise typer.Exit(FAILED)
    if done.stopped:
        raise typer.Exit(interrupt.STATUS)


def _number(count: float, of: str) -> str:
    """Return a count of things in words."""
    return f"{count:,.15g} {of}{'' if count == 1 else 's'}"


def _rows(counts: Counter[str]) -> dict[str, object]:
    """Return the rows of the table of counts."""
    names = [*(name for name in FIRST if name in counts), *(n for n in counts if n not in FIRST)]
    return {CLEARER.get(name, name.replace("_", " ")): f"{counts[name]:,}" for name in names}


def _search(
    output: Output, target: Target, seed: int, seconds: float, stop: interrupt.Stop
) -> Hunt[Any]:
    """Search one target, saying how far it is."""
    from tests.campaigns.fuzz import differential, protocol

    searches: dict[Target, Callable[..., Hunt[Any]]] = {
        Target.DIFFERENTIAL: differential.fuzz,
        Target.PROTOCOL: protocol.fuzz,
    }
    said = -SAY_SECONDS
    with output.working(f"Fuzzing, {target.value}") as say:

        def progress(so_far: Hunt[Any]) -> None:
            nonlocal said
            now = time.monotonic()
            if output.errors.is_terminal or now - said >= SAY_SECONDS:
                said = now
                counts = so_far.counts
                say(
                    f"{_number(counts['cases'], 'case')}, "
                    f"{_number(counts['commands'], 'command')}, "
                    f"{so_far.seconds:.0f} of {seconds:.0f} s"
                )
            stop.check()

        return searches[target](seed=seed, seconds=seconds, progress=progress)


def _repeat(output: Output, path: Path) -> None:
    """Run a kept case; status 1 if it fails again."""
    from tests.campaigns.fuzz import kept

    found = kept.load(path)
    try:
        counts = kept.replay(found)
    except kept.CaseError:
        raise
    except Exception as error:
        _tell(output, found, error, path)
        output.result({"case": str(path), "passed": False, "error": str(error)})
        raise typer.Exit(FAILED) from None
    output.console.print(f"{path} passes", markup=False, soft_wrap=True)
    output.result({"case": str(path), "passed": True, **counts})


def _tell(output: Output, case: Any, error: Exception, path: Path | None) -> None:
    """Say what failed, on what, and how to repeat it."""
    text = f"FAILED: {type(error).__name__}: {error}\n\n{case.describe()}\n\n"
    text += f"repeat it with: make fuzz FUZZ='--case {path}'"
    output.console.print(text, markup=False, soft_wrap=True)
