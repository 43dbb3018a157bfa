"""`spikeloom demo`: learn digits in RTL and prove that golden agrees."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from spikeloom import datasets, outputs
from spikeloom.cli import cores
from spikeloom.cli.output import Output, percent
from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import GoldenEngine
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.network import load
from spikeloom.network import Network
from spikeloom.sim.compare.difference import MismatchError
from spikeloom.sim.compare.lockstep import Lockstep

CONFIG = "mnist-784-128-10"
FULL = {"train": 16000, "held_out": 1000, "test": 1000}
QUICK = {"train": 40, "held_out": 10, "test": 10}
"""For tests: the same network and the same path, too few digits to learn from."""

DIFFERENT = 1


def demo(
    report: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the HTML report.", file_okay=False)
    ] = Path("out/demo"),
    quick: Annotated[bool, typer.Option("--quick", hidden=True)] = False,
) -> None:
    """Learn handwritten digits in simulated hardware, in minutes.

    A 784-128-10 network is built from its RTL and trains on 16,000 MNIST
    digits, then it is tested on digits that it never saw. The golden model
    runs beside it: every output spike count and all 101,632 weights must be
    equal, else it ends with status 1. The path of an HTML report is printed
    last.
    """
    output = Output()
    outputs.folder(report)
    import spikeloom.report  # noqa: F401  (of an extra: missed now, not at the end)

    config = load(CONFIG)
    digits = datasets.mnist(config, **(QUICK if quick else FULL))
    output.tell(f"{config.name}: {config.description}")
    with closing(cores.simulated(output, config)) as device:
        try:
            _learn(output, digits, device, report)
        except MismatchError as mismatch:
            output.tell(f"DIFFERENT: {mismatch}")
            raise typer.Exit(DIFFERENT) from None


def _learn(output: Output, digits: Dataset, device: DeviceEngine, report: Path) -> None:
    """Train `device` on every digit once, golden beside it, test both, compare, and report.

    `MismatchError` at the first difference.
    """
    # matplotlib takes a second to import, which no other verb should wait for.
    from spikeloom.report import Checked

    output.say("Preparing the golden model")
    pair = Lockstep(GoldenEngine(device.machine), device, log=output.say)
    network = Network(device.machine.config, engine=pair, show=False)
    output.say(f"Training the RTL on {len(digits.train):,} digits, the golden model beside it")
    with output.progress() as progress:
        network.fit(digits.train, validation=digits.held, callback=progress)
    cycles = network.counters("train")["cycles"] / len(digits.train)
    rate = len(digits.train) / pair.device_seconds
    output.say(f"Testing on {len(digits.held):,} held-out and {len(digits.test):,} test digits")
    held_out, test = network.evaluate(digits.held), network.evaluate(digits.test)
    output.say("Comparing every weight")
    pair.compare_weights()
    output.say("Drawing the report")
    page = network.report(
        report,
        tested=test,
        command="spikeloom demo",
        images_per_second=rate,
        verification=Checked(True, pair.compared_weights, pair.compared_images),
    )
    output.table(
        {
            "held-out digits": f"{percent(held_out.accuracy)} of {len(digits.held):,}",
            "test digits": f"{percent(test.accuracy)} of {len(digits.test):,}",
            "neither was trained on": "MNIST's first test digits are harder than its last training "
            "digits, which are held out",
            "equal to golden": f"all {pair.compared_weights:,} weights, the spike counts of all "
            f"{pair.compared_images:,} images run",
            "RTL": f"{rate:,.1f} images/s simulated, {cycles:,.0f} clock cycles per training image",
        }
    )
    output.tell(str(page.path))
