"""`spikeloom demo`: learn digits in RTL and prove that golden agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikeloom import outputs
from spikeloom.cli import cores
from spikeloom.cli.output import Output, percent
from spikeloom.sim.compare.difference import MismatchError

DIFFERENT = 1


def demo(
    report: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the HTML report.", file_okay=False)
    ] = Path("out/demo"),
    quick: Annotated[bool, typer.Option("--quick", hidden=True)] = False,
) -> None:
    """Learn handwritten digits in simulated hardware, in minutes.

    A 784-128-10 network is built from its RTL and trains on 8,000 MNIST
    digits, then it is tested on digits that it never saw. The golden model
    runs beside it: every output spike count and all 101,632 weights must be
    equal, else it ends with status 1. The path of an HTML report is printed
    last.
    """
    # matplotlib and the core take seconds to import, which no other verb should wait for.
    from spikeloom import demo as demonstration

    output = Output()
    outputs.folder(report)
    config, digits = demonstration.prepare(demonstration.QUICK if quick else demonstration.FULL)
    output.tell(f"{config.name}: {config.description}")
    device = cores.simulated(output, config)
    try:
        with output.progress() as progress:
            found = demonstration.run(digits, device, report, progress=progress, say=output.say)
    except MismatchError as mismatch:
        output.tell(f"DIFFERENT: {mismatch}")
        raise typer.Exit(DIFFERENT) from None
    finally:
        device.close()
    output.table(
        {
            "held-out digits": f"{percent(found.held_out.accuracy)} of "
            f"{len(found.held_out.labels):,}",
            "test digits": f"{percent(found.test.accuracy)} of {len(found.test.labels):,}",
            "neither was trained on": "MNIST's first test digits are harder than its last training "
            "digits, which are held out",
            "equal to golden": f"all {found.compared_weights:,} weights, the spike counts of all "
            f"{found.compared_images:,} images run",
            "RTL": f"{found.images_per_second:,.1f} images/s simulated, "
            f"{found.cycles_per_image:,.0f} clock cycles per training image",
        }
    )
    output.tell(str(found.report))
