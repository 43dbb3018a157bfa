"""The report of a training run, made from the network that it trained."""

from __future__ import annotations

from pathlib import Path

from spikeloom.golden import initial
from spikeloom.golden.datasets import Part
from spikeloom.network import Network
from spikeloom.report import Point, Verification, collect, write
from spikeloom.training import Evaluation


def write_report(
    folder: Path,
    network: Network,
    train: Part,
    test: Part,
    tested: Evaluation,
    *,
    command: str,
    images_per_second: float | None = None,
    verification: Verification | None = None,
) -> Path:
    """Write the report of a run that is done and return its path.

    Parameters
    ----------
    train, test : what was trained on, and tested on. tested : what came of that.
    command : repeats the run.
    images_per_second : the network's own where not given.
    verification : what another engine beside it was found equal in.
    """
    machine, run = network.machine, network.run
    counters = network.counters("train")
    cycles = counters["cycles"] / counters["samples"] if counters.get("cycles") else None
    shown = collect(
        machine.config.with_seed(run.seed),
        train,
        test,
        engine=network.engine.name,
        epochs=run.epoch,
        curve=[Point(p.presentations, p.accuracy, p.images) for p in run.curve],
        test_counts=tested.counts,
        initial_weights=initial.weights(machine, run.seed),
        weights=network.weights,
        images_per_second=(
            network.history.images_per_second if images_per_second is None else images_per_second
        ),
        command=command,
        images_seen=run.presentations,
        cycles_per_image=cycles,
        counters=counters,
        verification=verification,
    )
    return write(folder, shown)
