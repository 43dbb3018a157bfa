"""`make evidence`: every claim, the command that shows it, and how its last run ended."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from spikeloom.cli import options
from spikeloom.cli.output import Output
from spikeloom.golden.files import replacing


def evidence(
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the results files.", file_okay=False)
    ] = Path("results"),
    tests: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JUnit XML of a run of the tests; its counts are kept in the folder of results.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the pages.  \\[default: that of the results]",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write the page of claims: evidence.html and evidence.md.

    Its status is 1 where a claim fails or its results cannot be read.

    It lists what the project claims, the command that shows it, how many
    checks that makes and how its last run ended, as the results files say.
    What was never run is shown as such, and so is a result that is older than
    the files that it is about.

    [bold]Examples[/bold]

    [cyan]make evidence[/cyan]
    [cyan]make evidence EVIDENCE="--tests build/tests.xml --out out"[/cyan]
    """
    # Only here: git and Jinja are of no use to other verbs.
    from tests.campaigns.evidence import junit, page
    from tests.campaigns.evidence.claims import CLAIMS, TESTS, EvidenceError, History, State, row

    output = Output(json=json)
    if not results.is_dir():
        raise EvidenceError(
            f"there is no folder {results}: run it at the top of the repository, or name the "
            "folder with --results"
        )
    if tests is not None:
        text = dumps(junit.summary(tests), indent=1) + "\n"
        _write(results / TESTS, text, "--results")
    history = History(results)
    rows = [row(claim, results, history) for claim in CLAIMS]
    for name in page.NAMES:
        _write((out or results) / name, page.render(name, rows, history.head), "--out")
        output.say(f"wrote {(out or results) / name}")
    output.table({each.claim.text: each.line for each in rows}, "Evidence")
    told = [
        {"claim": each.claim.text, "command": each.claim.command}
        | {name: getattr(each, name) for name in ("state", "checks", "result", "remark")}
        for each in rows
    ]
    output.result({"commit": history.head, "claims": told})
    if any(each.state in (State.FAILS, State.BROKEN) for each in rows):
        raise typer.Exit(1)


def _write(path: Path, text: str, option: str) -> None:
    from tests.campaigns.evidence.claims import EvidenceError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise EvidenceError(
            f"cannot write {path}: {error.strerror}; name another folder with {option}"
        ) from error
