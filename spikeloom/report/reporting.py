"""The report of a training run, made from the network that it trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikeloom.engines.device import RtlEngine
from spikeloom.engines.engine import Engine
from spikeloom.golden import initial
from spikeloom.golden.datasets import Part
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import DEFAULT
from spikeloom.report import Checked, collect, write
from spikeloom.report.page import Page
from spikeloom.run import Run
from spikeloom.training import Evaluation


def write_report(
    folder: Path,
    config: NetworkConfig,
    run: Run,
    engine: Engine,
    weights: list[np.ndarray],
    train: Part,
    test: Part,
    tested: Evaluation,
    *,
    command: str,
    images_per_second: float,
    verification: Checked | None = None,
) -> Page:
    """Write the report of a run that is done.

    Parameters
    ----------
    run : where training stands. weights : that it reached in `engine`.
    train, test : what was trained on, and tested on. tested : what came of that.
    command : repeats the run.
    images_per_second : of training.
    verification : what another engine beside it was found equal in.
    """
    counters = engine.counters("train")
    cycles = counters["cycles"] / counters["samples"] if counters.get("cycles") else None
    shown = collect(
        config.with_seed(run.seed),
        train,
        test,
        engine=engine.name,
        epochs=run.epoch + (run.position > 0),  # begun
        curve=run.curve,
        test_counts=tested.counts,
        initial_weights=initial.weights(engine.machine, run.seed),
        weights=weights,
        images_per_second=images_per_second,
        command=command,
        images_seen=run.presentations,
        cycles_per_image=cycles,
        counters=counters,
        verification=verification,
        # of a board nobody knows it
        hardware=engine.hardware if isinstance(engine, RtlEngine) else DEFAULT,
    )
    return write(folder, shown)
