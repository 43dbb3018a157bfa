"""Clock cycles per image of a core over real images, against the least that they could be."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloom.engines.device import DeviceEngine, RtlEngine, refuse_rule
from spikeloom.engines.engine import GoldenEngine, start
from spikeloom.golden import initial
from spikeloom.golden.activity import STEPS
from spikeloom.golden.datasets import DataError, Dataset
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import Hardware
from spikeloom.pace import Pace

if TYPE_CHECKING:  # of an extra
    from spikeloom.boards.estimate import Speed

WARM_UP = 50_000
"""Images that golden trains on first: spikes of an untrained network are not typical."""

IMAGES = 50
"""Images that are measured, to train on and then to infer."""

GOLDEN_IMAGES = 1000
"""Images that golden's own rate is measured on, which takes a moment only."""


@dataclass(frozen=True)
class Performance:
    """Means over the measured images; rates are of this machine, in images a second.

    Attributes
    ----------
    warm_up : images that the weights had been trained on before.
    train_images, infer_images : images measured.
    cycles_per_train_image, cycles_per_infer_image : clock cycles of the core.
    floor_per_train_image, floor_per_infer_image : `golden.floor` of the very same samples.
    train_steps, infer_steps : that each measured image ran.
    images_per_second, infer_images_per_second : of the simulated core.
    golden_images_per_second : of the golden engine, training.
    """

    warm_up: int
    train_images: int
    infer_images: int
    cycles_per_train_image: float
    cycles_per_infer_image: float
    floor_per_train_image: float
    floor_per_infer_image: float
    train_steps: tuple[int, ...]
    infer_steps: tuple[int, ...]
    images_per_second: float
    infer_images_per_second: float
    golden_images_per_second: float

    @property
    def ratio(self) -> float:
        """Cycles over floor, training: the figure of merit of the microarchitecture."""
        return self.cycles_per_train_image / self.floor_per_train_image

    @property
    def infer_ratio(self) -> float:
        """Cycles over floor, inferring."""
        return self.cycles_per_infer_image / self.floor_per_infer_image


def measure(
    seed: int,
    data: Dataset,
    device: DeviceEngine,
    hardware: Hardware,
    *,
    warm_up: int | None = None,
    images: int = IMAGES,
) -> Performance:
    """Measure a device on the images of `data` that follow the `warm_up` ones in a run's order.

    hardware : of what the device is built, which the floor is counted with. warm_up : `WARM_UP`
    where not given, or as many as there are.
    `DataError` where `data` has too few images, or where they make no spike at all.
    """
    refuse_rule(device.machine)
    there = len(data.train)
    if warm_up is None:
        warm_up = max(0, min(WARM_UP, there - images))
    if images < 1 or warm_up < 0 or warm_up + images > there:
        raise DataError(
            f"{images} images after a warm-up of {warm_up}: {data.source} has {there} to train "
            "on, and at least 1 must be measured"
        )
    order = initial.order(seed, 0, there)
    golden = GoldenEngine(device.machine)
    start(golden, seed)
    golden.train(*data.train[order[:warm_up]])
    start(device, seed)
    device.weights = golden.weights
    device.stream_states = golden.stream_states
    chosen = data.train[order[warm_up : warm_up + images]]
    train_rate = _timed(device.train, *chosen)
    _, activity = golden.train_recorded(*chosen)
    infer_rate = _timed(device.infer, chosen.images)
    _, inferred = golden.infer_recorded(chosen.images)
    layers = hardware.of(device.machine)
    steps = [tuple(a[:, STEPS, 0].tolist()) for a in (activity, inferred)]
    floors = [float(floor_cycles(layers, a).mean()) for a in (activity, inferred)]
    if not all(floors):
        raise DataError(f"the {images} images of {data.source} made no spike: nothing to measure")
    trained, tested = device.counters("train"), device.counters("infer")
    return Performance(
        warm_up=warm_up,
        train_images=images,
        infer_images=images,
        cycles_per_train_image=trained["cycles"] / trained["samples"],
        cycles_per_infer_image=tested["cycles"] / tested["samples"],
        floor_per_train_image=floors[0],
        floor_per_infer_image=floors[1],
        train_steps=steps[0],
        infer_steps=steps[1],
        images_per_second=train_rate,
        infer_images_per_second=infer_rate,
        golden_images_per_second=_timed(golden.train, *data.train[order[:GOLDEN_IMAGES]]),
    )


def board_speed(
    config: NetworkConfig, hardware: Hardware, data: Dataset, log: Callable[[str], None]
) -> Speed:
    """Simulate a board's core on images of `data`, as many of `IMAGES` as there are."""
    from spikeloom.boards.estimate import Speed, line_bytes

    log("simulating its core")
    images = min(IMAGES, len(data.train))
    with closing(RtlEngine(machine(config), hardware, log=log)) as device:
        seed = config.random.seed
        found = measure(seed, data, device, hardware, images=images)
    return Speed(
        found.cycles_per_train_image,
        found.cycles_per_infer_image,
        found.train_images,
        line_bytes(data.train.images),
    )


def _timed(run: Callable[..., np.ndarray], *samples: np.ndarray) -> float:
    """Train or infer samples, given as images and perhaps labels; return images per second."""
    count, started = len(samples[0]), time.perf_counter()
    for chunk in Pace().chunks(count):
        run(*(each[chunk] for each in samples))
    return count / (time.perf_counter() - started)
