"""The report of a training run, made from the network that it trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.engines.device import RtlEngine
from spikeloom.engines.engine import Engine
from spikeloom.golden import initial
from spikeloom.golden.datasets import Part
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import DEFAULT
from spikeloom.report import collect, write
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
    **told: Any,
) -> Page:
    """Write the report of a run that is done.

    Parameters
    ----------
    run : where training stands. weights : that it reached in `engine`.
    train, test : what was trained on, and tested on. tested : what came of that.
    told : `command`, `images_per_second`, and what else `collect` takes.
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
        tested=tested,
        initial_weights=initial.weights(engine.machine, run.seed),
        weights=weights,
        images_seen=run.presentations,
        cycles_per_image=cycles,
        counters=counters,
        # of a board nobody knows it
        hardware=engine.hardware if isinstance(engine, RtlEngine) else DEFAULT,
        **told,
    )
    return write(folder, shown)
