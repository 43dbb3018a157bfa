"""What the self-test does to a core: one stimulus at a time, everything observable compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from spikeloom.boards.host.device import Device, Transport
from spikeloom.errors import SpikeloomError
from spikeloom.golden.activity import counters
from spikeloom.golden.lfsr import advance, fill, parameters, to_signed
from spikeloom.golden.network import Network
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.lfsr import Lfsr
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.streams import MASK64, streams
from spikeloom.sim.compare.difference import (
    Place,
    counter_differences,
    digest,
    outcome_differences,
    outcomes,
    weight_differences,
)

NEVER = Update(0, 0)
"""An update that writes no weight; its thinning words are drawn all the same."""

WORDS_MAX = 100_000
"""How far apart two states of a stream are told as a number of words."""

PLACES = 4
"""Differences that a failure tells one by one."""


class CheckError(SpikeloomError, RuntimeError):
    """The core did something else than golden; the message says what."""


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Samples to run from a known state.

    Attributes
    ----------
    images : uint8[n, n_0]. labels : int64[n] to train on, None to infer.
    weights : int16[n_pre, n_post] per crossbar. states : of all streams.
    updates : of all crossbars. steps : per sample. stop : margins; without, all steps are run.
    """

    images: np.ndarray
    labels: np.ndarray | None
    weights: list[np.ndarray]
    states: list[int]
    updates: tuple[Update, ...]
    steps: int
    stop: StopConfig = field(default_factory=StopConfig)


@dataclass(frozen=True, eq=False)
class Observation:
    """What is seen of a stimulus: outcomes int32[n, classes + 1], states, counters, weights."""

    outcomes: np.ndarray
    states: list[int]
    counters: dict[str, int]
    weights: list[np.ndarray] = field(default_factory=list)


def observe(machine: Machine, stimulus: Stimulus) -> Observation:
    """Return what golden makes of a stimulus."""
    network = Network(machine)
    network.weights, network.stream_states = stimulus.weights, stimulus.states
    network.steps, network.stop = stimulus.steps, stimulus.stop
    network.set_updates(stimulus.updates)
    if stimulus.labels is None:
        counts, counted = network.infer(stimulus.images), {}
    else:
        counts, activity = network.train(stimulus.images, stimulus.labels)
        counted = counters(activity)
    counted["samples"] = len(stimulus.images)
    told = outcomes(counts, network.ran)
    return Observation(told, network.stream_states, counted, network.weights)


class Probe:
    """A core and its machine, with what a check needs to look at it.

    Parameters
    ----------
    transport : to the core; `DeviceError` if it is not the machine's.
    machine : what it must hold.
    seed : of everything that a check draws.

    Attributes
    ----------
    streams : of the machine. layers : numbers of its crossbars, from 1.
    counted : whether the core counts spikes and error spikes.
    notes : what a check could not look at in this network; told, and no failure.
    """

    def __init__(self, transport: Transport, machine: Machine, seed: int = 1) -> None:
        self.machine = machine
        self.transport = transport
        self.device = Device(transport, machine)
        self.rng = np.random.default_rng(seed)
        self.streams = streams(machine.config)
        self.layers = [layer.index for layer in machine.layers]
        self.counted = "spikes.0" in self.device.counters()
        self.notes: list[str] = []
        self._held: list[np.ndarray] | None = None

    def updates(self, given: dict[int, Update]) -> tuple[Update, ...]:
        """Return the updates of all crossbars from those of some; no writes in the others."""
        return tuple(given.get(layer, NEVER) for layer in self.layers)

    def states(self) -> list[int]:
        """Draw states for all streams."""
        return [
            int(self.rng.integers(1, stream.lfsr.mask, endpoint=True, dtype=np.uint64))
            for stream in self.streams
        ]

    def zeros(self) -> list[np.ndarray]:
        """Return weights of 0."""
        return [np.zeros((la.n_pre, la.n_post), np.int16) for la in self.machine.layers]

    def stimulus(
        self,
        images: np.ndarray,
        weights: list[np.ndarray],
        *,
        labels: Sequence[int] | np.ndarray | None = None,
        infer: bool = False,
        states: list[int] | None = None,
        updates: dict[int, Update] | None = None,
        steps: int | None = None,
    ) -> Stimulus:
        """Return a stimulus; what is left out: random labels and states, no writes, all steps.

        images : uint8[n, ...]. updates : by layer, from 1; no writes in the others.
        """
        images = np.asarray(images, np.uint8).reshape(-1, self.machine.config.sizes[0])
        if labels is None:
            labels = self.rng.integers(self.machine.config.sizes[-1], size=len(images))
        return Stimulus(
            images,
            None if infer else np.asarray(labels, np.int64),
            weights,
            states or self.states(),
            self.updates(updates or {}),
            steps or self.machine.config.steps,
        )

    def draw(self, stream: int, state: int, count: int) -> tuple[np.ndarray, int]:
        """Return words, uint16[count], that a stream draws from a state on; and its state then."""
        words = np.empty(count, np.uint16)
        after = fill(to_signed(state), parameters(self.streams[stream].lfsr), words, count)
        return words, int(after) & MASK64

    def expect_digest(self, what: str) -> None:
        """Raise `CheckError` unless the core's digest is that of the weights it should hold."""
        right, found = digest(self._held or self.zeros()), self.device.digest()
        if found != right:
            told = f"the digest of the weights is {found:#010x}, {right:#010x} is right"
            raise CheckError(f"{what}{told}")

    def expect(
        self,
        stimulus: Stimulus,
        what: str,
        *,
        learning: Sequence[int] = (),
        only: Sequence[int] | None = None,
    ) -> None:
        """Run a stimulus on the core; `CheckError` if anything differs from golden.

        learning : layers, from 1, whose error spikes are compared as well; where there are any, so
            are the weights.
        only : indices of the streams that are looked at, and then nothing else is but the outcomes.
        """
        mine = observe(self.machine, stimulus)
        theirs = self._run(stimulus)
        found = [
            f"sample {sample}, {place_text(place)}"
            for sample, pair in enumerate(zip(mine.outcomes, theirs.outcomes, strict=True))
            for place in outcome_differences(*pair)
        ]
        found += self._stream_differences(mine, theirs, stimulus, only)
        if only is None:
            found += map(place_text, self._counter_differences(mine, theirs, learning))
        if learning:
            found += map(place_text, self._learned(mine, stimulus))
        expect_nothing(found, what)

    def shows(self, stimulus: Stimulus, wrong: Machine, *, learning: Sequence[int] = ()) -> bool:
        """Say whether a machine that is wrong would be told from the right one by `expect`."""
        mine, theirs = observe(self.machine, stimulus), observe(wrong, stimulus)
        if not np.array_equal(mine.outcomes, theirs.outcomes) or mine.states != theirs.states:
            return True
        if self.counted and any(self._counter_differences(mine, theirs, learning)):
            return True
        pairs = zip(mine.weights, theirs.weights, strict=True)
        return bool(learning) and any(not np.array_equal(a, b) for a, b in pairs)

    def load(self, weights: list[np.ndarray]) -> None:
        """Bring the core's weights to these, by writing only rows that it does not hold."""
        if self._held is None:
            self.device.weights = weights
        else:
            for layer, new, old in zip(self.machine.layers, weights, self._held, strict=True):
                rows = np.flatnonzero((new != old).any(axis=1))
                for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
                    if run.size:
                        self.device.write_rows(layer.index, int(run[0]), new[run])
        self._held = [w.copy() for w in weights]

    def forget(self) -> None:
        """Take the core's weights for unknown: the next `load` writes all of them."""
        self._held = None

    def _run(self, stimulus: Stimulus) -> Observation:
        device = self.device
        self.load(stimulus.weights)
        device.steps, device.stop = stimulus.steps, stimulus.stop
        device.set_updates(stimulus.updates)
        device.stream_states = stimulus.states
        device.clear()
        if stimulus.labels is None:
            counts = device.infer(stimulus.images)
        else:
            counts = device.train(stimulus.images, stimulus.labels)
        device.check_status()
        told = outcomes(counts, device.ran)
        return Observation(told, device.stream_states, device.counters())

    def _stream_differences(
        self, mine: Observation, theirs: Observation, given: Stimulus, only: Sequence[int] | None
    ) -> Iterator[str]:
        for number, stream in enumerate(self.streams):
            right, wrong = mine.states[number], theirs.states[number]
            if right == wrong or (only is not None and number not in only):
                continue
            first = given.states[number]
            told = [_words(stream.lfsr, first, state) for state in (right, wrong)]
            if None in told:
                yield f"stream {stream.name} is at {wrong:#x}, {right:#x} is right"
            else:
                yield f"stream {stream.name} drew {told[1]} words, {told[0]} are right"

    def _counter_differences(
        self, mine: Observation, theirs: Observation, learning: Sequence[int]
    ) -> Iterator[Place]:
        for place in counter_differences(mine.counters, theirs.counters):
            of_errors = place.what.startswith(("counter positive.", "counter negative."))
            if not of_errors or place.layer in learning:
                yield place

    def _learned(self, mine: Observation, stimulus: Stimulus) -> Iterator[Place]:
        """Yield the weights that differ after a stimulus that may have written some."""
        if all(update == NEVER for update in stimulus.updates):
            return
        self._held = mine.weights
        if self.device.digest() != digest(mine.weights):
            self._held = self.device.weights
            yield from weight_differences(mine.weights, self._held)


def expect_nothing(found: list[str], what: str) -> None:
    """Raise `CheckError` where anything was found wrong; the first `PLACES` are told."""
    if found:
        more = f"; and {len(found) - PLACES} places more" if len(found) > PLACES else ""
        raise CheckError(f"{what}: {'; '.join(found[:PLACES])}{more}")


def place_text(place: Place) -> str:
    """Say one place of golden and the core."""
    return f"{place.what} is {place.device}, {place.golden} is right"


def _words(lfsr: Lfsr, first: int, last: int) -> int | None:
    """Return how many words after `first` a generator is at `last`; None if too many."""
    table, state, wanted = parameters(lfsr), to_signed(first), to_signed(last)
    for count in range(WORDS_MAX):
        if state == wanted:
            return count
        state = advance(state, table)
    return None


def variant(machine: Machine, **changes: object) -> Machine:
    """Return a machine that is wrong in one way.

    `changes` are attributes of the machine, SECTION__KEY of its configuration (``neuron__reset``),
    or ``layerN__KEY`` of the integers of layer N, ``layerN__train`` a dictionary of limits.
    """
    result = machine
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if not key:
            result = dataclasses.replace(result, **{name: value})
        elif section.startswith("layer"):
            number = int(section.removeprefix("layer")) - 1
            layers = list(result.layers)
            if key == "train":
                value = dataclasses.replace(layers[number].train, **value)
            layers[number] = dataclasses.replace(layers[number], **{key: value})
            result = dataclasses.replace(result, layers=tuple(layers))
        else:
            config = result.config
            part = dataclasses.replace(getattr(config, section), **{key: value})
            result = dataclasses.replace(
                result, config=dataclasses.replace(config, **{section: part})
            )
    return result
