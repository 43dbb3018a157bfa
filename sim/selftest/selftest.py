"""The self-test: golden vectors replayed on a core, concept by concept.

Each check needs only what the checks before it have proved, so the first that fails names the
concept that is at fault, or its nearest neighbour that can be seen from outside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from spikeloom.boards.host.device import DeviceError, Transport
from spikeloom.boards.host.link import CoreStuckError
from spikeloom.golden.spec.machine import Machine
from spikeloom.sim.rtl.transport import TransportError
from spikeloom.sim.selftest import forward, host, learning
from spikeloom.sim.selftest.probe import CheckError, Probe


@dataclass(frozen=True)
class Check:
    """One concept: its name, what is looked at in words, and the function that looks."""

    name: str
    title: str
    run: Callable[[Probe], None]


CHECKS = (
    Check("link", "echoes of the identity, long transfers both ways", host.link),
    Check("registers", "patterns, addresses, reset", host.registers),
    Check("weights", "every cell of every crossbar, and the digest", host.weights),
    Check("class", "counts of nothing, and the class of a tie", forward.winner),
    Check("lfsr", "random generators, one word and many at once", forward.lfsr),
    Check("encoder", "pixels to spikes", forward.encoder),
    Check("dropout", "silent pixels and neurons", forward.dropout),
    Check("crossbar", "sums of rows", forward.crossbar),
    Check("neuron", "threshold, reset, floor, ceiling", forward.neuron),
    Check("wta", "inhibition of the output layer", forward.wta),
    Check("error", "label and error spikes of the output layer", learning.error),
    Check("backward", "sums of columns, error spikes behind gates", learning.backward),
    Check("learning", "writes: step, thinning, both rails", learning.learning),
    Check("inference", "its own generator and limits; training goes on", learning.inference),
    Check("stopping", "ends of samples that are sure", learning.stopping),
    Check("training", "a short run on digits", learning.training),
)


@dataclass(frozen=True)
class Finding:
    """What came of a check.

    Attributes
    ----------
    name, title : of the check.
    state : "not run" after one that failed.
    detail : what the core did and what is right, where it failed.
    notes : what could not be looked at in this network.
    """

    name: str
    title: str
    state: Literal["passed", "failed", "not run"]
    detail: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def selftest(
    transport: Transport, machine: Machine, *, seed: int = 1, checks: Sequence[Check] = CHECKS
) -> Iterator[Finding]:
    """Run the checks in order, yielding what came of each; the weights are lost.

    Parameters
    ----------
    transport : to the core. machine : what it must hold, else `DeviceError`.
    seed : of what the checks draw; the same seed, the same stimuli.

    Raises
    ------
    LinkError : the link broke; a core that is stuck fails the check that it got stuck in.
    """
    probe = Probe(transport, machine, seed)
    failed = False
    for check in checks:
        if failed:
            yield Finding(check.name, check.title, "not run")
            continue
        probe.notes = []
        started = time.perf_counter()
        detail = ""
        try:
            check.run(probe)
        except (CheckError, DeviceError, CoreStuckError, TransportError) as error:
            detail, failed = str(error), True
        yield Finding(
            check.name,
            check.title,
            "failed" if failed else "passed",
            detail,
            tuple(probe.notes),
            time.perf_counter() - started,
        )
    if not failed:
        probe.device.reset()
