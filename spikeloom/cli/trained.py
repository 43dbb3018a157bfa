"""What a training run came to: told to people and to machines, with a warning where it failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spikeloom.cli.output import percent, steps_of
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.network import NetworkConfig, load, shipped
from spikeloom.network import Network
from spikeloom.progress import Progress
from spikeloom.training import Evaluation

FALL = 0.1
"""Held-out accuracy that lies so far below the best one so far has collapsed."""

ENOUGH = 200
"""Held-out images of which so much is no chance."""


class Collapse:
    """A callback of training that says once that held-out accuracy has collapsed.

    warning : what it said, None until then.
    """

    def __init__(self, config: NetworkConfig, say: Callable[[str], None]) -> None:
        self.warning: str | None = None
        self._config, self._say, self._best = config, say, 0.0

    def __call__(self, progress: Progress) -> None:
        """Look at the last point of the learning curve."""
        point = progress.point
        if point is None or point.images < ENOUGH or self.warning:
            return
        self._best = max(self._best, point.accuracy)
        if self._best - point.accuracy < FALL:
            return
        others = ", ".join(_made_for_other_images(self._config))
        self.warning = (
            f"held-out accuracy fell from {percent(self._best)} to {percent(point.accuracy)}: the "
            f"updates of {self._config.name!r} are too large for these images; "
            + (f"take one that was made for others: {others}" if others else "make them smaller")
        )
        self._say(f"warning: {self.warning}")


def _made_for_other_images(config: NetworkConfig) -> list[str]:
    """Return the shipped networks of the same shape that were made for another data set."""
    mine = config.name.partition("-")[0]
    return [
        other.name
        for other in map(load, shipped())
        if (other.image, other.sizes[-1]) == (config.image, config.sizes[-1])
        and other.name.partition("-")[0] != mine
    ]


def broken_off(how: str, network: Network, total: int, save: Path | None) -> str:
    """Say how far a run came that has stopped or failed, and how to go on with it."""
    kept = f"saved to {save}, go on with --resume {save}"
    kept = kept if save else "not saved, for that give --save FILE"
    return f"{how} after {network.run.presentations:,} of {total:,} images: {kept}"


def values(network: Network, images: Dataset, tested: Evaluation | None) -> dict[str, Any]:
    """Return what a run came to, for machines."""
    run, speed = network.run, network.engine.speed()
    return {
        "engine": network.engine.name,
        "config": network.config.name,
        "config_digest": network.config.digest(),
        "seed": run.seed,
        "train_images": len(images.train),
        "held_out_images": len(images.held),
        "test_images": len(tested.labels) if tested else 0,
        "presentations": run.presentations,
        "test_accuracy": tested.accuracy if tested else None,
        "images_per_second": network.history.images_per_second,
        "steps_per_train_image": network.history.mean_steps,
        "steps_per_test_image": tested.mean_steps if tested else None,
        "curve": [
            {"presentations": p.presentations, "images": p.images, "accuracy": p.accuracy}
            for p in run.curve
        ],
        "interrupted": tested is None,
        "board": speed and dataclasses.asdict(speed),
    }


def rows(
    network: Network, images: Dataset, tested: Evaluation, tested_on: str
) -> dict[str, object]:
    """Return the same for people."""
    run, rate = network.run, network.history.images_per_second
    speed, config = network.engine.speed(), network.config
    ran = {
        f"steps, {name}": steps_of(mean, config.steps)
        for name, mean in (("train", network.history.mean_steps), (tested_on, tested.mean_steps))
        if config.stop.used and mean
    }
    right = f"{tested.right:,} of {len(tested.labels):,} {tested_on} images"
    return (
        {
            "accuracy": f"{percent(tested.accuracy)} ({right})",
            "trained": f"{run.presentations:,} images in all, {len(images.train):,} different",
            "speed": f"{rate:,.0f} images/s" if rate else "nothing was left to train",
            "seed": run.seed,
        }
        | ran
        | (speed.rows() if speed else {})
    )
