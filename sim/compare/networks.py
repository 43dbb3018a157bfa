"""Two networks, of golden and of a core, compared bit for bit."""

from __future__ import annotations

from collections.abc import Iterator

from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import GoldenEngine
from spikeloom.errors import SpikeloomError
from spikeloom.golden.datasets import Part
from spikeloom.network import Network
from spikeloom.pace import Pace
from spikeloom.sim.compare.difference import Place, stream_differences, tell, weight_differences
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

        def run() -> None:
            for chunk in Pace().chunks(len(part)):
                pair.train(*part[chunk.start : chunk.stop])
            infer(pair, part.images)

        return pair.verify(run)


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
    yield from weight_differences(mine.weights, theirs.weights)
    yield from stream_differences(golden.config, mine.stream_states, theirs.stream_states)
