"""`make evidence`: every claim, the command that shows it, and how its last run ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikeloom.cli import options
from spikeloom.cli.output import Output


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
    from tests.campaigns.evidence.claims import CLAIMS, TESTS
    from tests.campaigns.evidence.errors import EvidenceError
    from tests.campaigns.evidence.history import History
    from tests.campaigns.evidence.rows import row

    output = Output(json=json)
    if not results.is_dir():
        raise EvidenceError(
            f"there is no folder {results}: run it at the top of the repository, or name the "
            "folder with --results"
        )
    if tests is not None:
        junit.keep(junit.summary(tests), results / TESTS)
    history = History(results)
    rows = [row(claim, results, history) for claim in CLAIMS]
    for path in page.write(out or results, rows, history.head):
        output.say(f"wrote {path}")
    output.table({each.claim.text: each.line for each in rows}, "Evidence")
    output.result(
        {
            "commit": history.head,
            "claims": [
                {
                    "claim": each.claim.text,
                    "command": each.claim.command,
                    "state": str(each.state),
                    "checks": each.checks,
                    "result": each.result,
                    "remark": each.remark,
                }
                for each in rows
            ],
        }
    )
