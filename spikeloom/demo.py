"""The demonstration: digits learned in RTL, golden beside it, and a report of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spikeloom import datasets
from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import GoldenEngine
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.network import Network
from spikeloom.progress import Callback
from spikeloom.report import Checked
from spikeloom.sim.compare.lockstep import Lockstep
from spikeloom.training import Evaluation

CONFIG = "mnist-784-128-10"
COMMAND = "spikeloom demo"


@dataclass(frozen=True)
class Plan:
    """How many digits the demonstration takes; held-out and test digits are never trained on."""

    train: int
    held_out: int
    test: int


FULL = Plan(train=8000, held_out=1000, test=1000)
QUICK = Plan(train=40, held_out=10, test=10)
"""For tests: the same network and the same path, too few digits to learn from."""


@dataclass(frozen=True)
class Outcome:
    """What the demonstration found: everything was equal, or `Lockstep` would have raised."""

    held_out: Evaluation
    test: Evaluation
    compared_weights: int
    compared_images: int
    images_per_second: float
    cycles_per_image: float
    report: Path


def prepare(plan: Plan) -> tuple[NetworkConfig, Dataset]:
    """Return the demonstration's network and digits."""
    config = load(CONFIG)
    digits = datasets.mnist(config, train=plan.train, test=plan.test, held_out=plan.held_out)
    return config, digits


def run(
    digits: Dataset,
    device: DeviceEngine,
    report: Path,
    *,
    progress: Callback = lambda _: None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Train `device` on every digit once, golden beside it, test both, compare, and report.

    `say` is told what begins. Raises `sim.compare.MismatchError` at the first difference.
    """
    say("Preparing the golden model")
    pair = Lockstep(GoldenEngine(device.machine), device, log=say)
    network = Network(device.machine.config, engine=pair, show=False)
    say(f"Training the RTL on {len(digits.train):,} digits, the golden model beside it")
    network.fit(digits.train, validation=digits.held, callback=progress)
    cycles = network.counters("train")["cycles"] / len(digits.train)
    say(f"Testing on {len(digits.held):,} held-out and {len(digits.test):,} test digits")
    held_out = network.evaluate(digits.held)
    test = network.evaluate(digits.test)
    say("Comparing every weight")
    pair.compare_weights()
    say("Drawing the report")
    rate = len(digits.train) / pair.device_seconds
    page = network.report(
        report,
        train=digits.train,
        test=digits.test,
        tested=test,
        command=COMMAND,
        images_per_second=rate,
        verification=Checked(True, pair.compared_weights, pair.compared_images),
    )
    return Outcome(
        held_out=held_out,
        test=test,
        compared_weights=pair.compared_weights,
        compared_images=pair.compared_images,
        images_per_second=rate,
        cycles_per_image=cycles,
        report=page.path,
    )
