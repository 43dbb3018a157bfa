"""Two networks, of golden and of a core, compared bit for bit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import GoldenEngine
from spikeloom.errors import SpikeloomError
from spikeloom.golden.datasets import Part
from spikeloom.golden.spec.streams import streams
from spikeloom.network import Network
from spikeloom.pace import Pace
from spikeloom.sim.compare.difference import (
    Difference,
    MismatchError,
    Place,
    tell,
    weight_differences,
)
from spikeloom.sim.compare.lockstep import Lockstep, Verification
from spikeloom.training import infer


class ComparisonError(SpikeloomError, ValueError):
    """Networks that cannot be compared; the message says why."""


def compare(first: Network, second: Network, part: Part) -> Verification:
    """Train both on the images of `part` in order, then infer them, and compare every bit.

    Compared are both states, the spikes counted of every image, all counters, generators and
    weights. Afterwards both are as they were, but for the counters, which begin at 0.

    Raises `ComparisonError` unless one is golden and the other a core, of the same description.
    """
    golden, device = _sides(first, second)
    if places := list(_before(golden, device)):
        return Verification(0, 0, tell("train", None, None, places))
    with golden.lend() as mine, device.lend() as theirs:
        pair = Lockstep(mine, theirs, digest_each=theirs.name == "board")
        pair.set_updates(pair.machine.updates(golden.run.epoch))
        pair.clear()
        return Verification(*_compared(pair, part))


def _compared(pair: Lockstep, part: Part) -> tuple[int, int, Difference | None]:
    try:
        for chunk in Pace().chunks(len(part)):
            pair.train(*part[chunk.start : chunk.stop])
        infer(pair, part.images)
        pair.compare_weights()
    except MismatchError as mismatch:
        return pair.compared_weights, pair.compared_images, mismatch.difference
    return pair.compared_weights, pair.compared_images, None


def _sides(first: Network, second: Network) -> tuple[Network, Network]:
    """Return the golden one and the core."""
    digests = [network.config.digest() for network in (first, second)]
    if digests[0] != digests[1]:
        raise ComparisonError(
            f"{first.config.name!r} has digest {digests[0]} and {second.config.name!r} has "
            f"{digests[1]}: compare networks of one description"
        )
    for golden, device in ((first, second), (second, first)):
        if isinstance(golden.engine, GoldenEngine) and isinstance(device.engine, DeviceEngine):
            return golden, device
    raise ComparisonError(
        f"{first.engine.name} and {second.engine.name}: one of both is to be golden, the other "
        "rtl or board"
    )


def _before(golden: Network, device: Network) -> Iterator[Place]:
    """Yield what differs between the states of both."""
    mine, theirs = golden.checkpoint(), device.checkpoint()
    for layer, pair in enumerate(zip(mine.weights, theirs.weights, strict=True), start=1):
        if not np.array_equal(*pair):
            yield from weight_differences(layer, *pair)
    states = zip(mine.stream_states, theirs.stream_states, strict=True)
    for stream, (one, other) in zip(streams(golden.config), states, strict=True):
        if one != other:
            yield Place(f"the state of stream {stream.name}", one, other)
