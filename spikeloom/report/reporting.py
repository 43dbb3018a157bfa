"""The report of a training run, made from the trainer that ran it."""

from __future__ import annotations

from pathlib import Path

from spikeloom.golden import initial
from spikeloom.report import Point, Verification, collect, write
from spikeloom.training import Evaluation, Trainer


def write_report(
    folder: Path,
    trainer: Trainer,
    tested: Evaluation,
    *,
    command: str,
    images_per_second: float | None = None,
    verification: Verification | None = None,
) -> Path:
    """Write the report of a run that is done and return its path.

    Parameters
    ----------
    tested : of the test images of the trainer's data.
    command : repeats the run.
    images_per_second : the trainer's own where not given.
    verification : what another engine beside it was found equal in.
    """
    machine = trainer.engine.machine
    counters = trainer.engine.counters("train")
    cycles = counters["cycles"] / counters["samples"] if counters.get("cycles") else None
    run = collect(
        machine.config.with_seed(trainer.seed),
        trainer.data,
        engine=trainer.engine.name,
        epochs=trainer.epochs,
        curve=[Point(p.presentations, p.accuracy, p.images) for p in trainer.curve],
        test_counts=tested.counts,
        initial_weights=initial.weights(machine, trainer.seed),
        weights=trainer.engine.weights,
        images_per_second=(
            trainer.images_per_second if images_per_second is None else images_per_second
        ),
        command=command,
        images_seen=trainer.presentations,
        cycles_per_image=cycles,
        counters=counters,
        verification=verification,
    )
    return write(folder, run)
