"""One inverted bit per run, while a chip trains: what comes of it, and what clears it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from spikeloom.boards.host.device import Device, DeviceError, Transport
from spikeloom.boards.host.frames import LinkError
from spikeloom.boards.host.link import LinkTransport
from spikeloom.golden.spec.link import CLOCKS_PER_BIT_MIN, FALLBACK_BITS
from spikeloom.golden.spec.protocol import Opcode
from tests.campaigns.upsets import UpsetError
from tests.campaigns.upsets.accuracy import Ended
from tests.campaigns.upsets.chip import Bit, Bits, Chip, HangError
from tests.campaigns.upsets.golden import Seen, legal
from tests.campaigns.upsets.kinds import KINDS, SERIAL, kind_of
from tests.campaigns.upsets.outcome import Cleared, Outcome, Run
from tests.campaigns.upsets.table import Campaigned
from tests.campaigns.upsets.task import Task

EARLY = 2 / 3
"""The part of a run's time in which upsets come."""
PATIENT = 20
"""A chip is given this many times a sample's clocks to move a byte."""
LONG = FALLBACK_BITS * CLOCKS_PER_BIT_MIN * 11 // 10
"""Clocks of silence after which the link has given up a rate at which nothing came."""
SETTLE = 64
"""Clocks after a reset command."""
SILENCE, PATIENCE = 1.0, 2.0
"""Seconds for the link's host, shorter than a person's: each is simulated."""


class Campaign:
    """Runs that differ in one bit.

    Parameters
    ----------
    chip : what is upset; a new one of its kind for every run. task : what it trains.
    seed : of bits and clocks.

    Raises
    ------
    UpsetError : the chip differs from golden without any upset.
    """

    def __init__(self, chip: Chip, task: Task, seed: int) -> None:
        self._chip, self._task = chip, task
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self.bits = {
            kind: Bits([place for place in chip.places if kind_of(place) == kind]) for kind in KINDS
        }
        self._clocks = {serial: self._undisturbed(serial) for serial in (False, True)}
        chip.idle_limit = PATIENT * self._clocks[False] // task.size.window

    def flips(self, count: int, kinds: tuple[str, ...] = tuple(KINDS)) -> Iterator[Run]:
        """Upset `count` bits, the kinds by turns, each at a random bit and clock."""
        there = [kind for kind in kinds if len(self.bits[kind])]
        for number in range(count):
            kind = there[number % len(there)]
            bit = self.bits[kind][int(self._rng.integers(len(self.bits[kind])))]
            clock = int(self._rng.integers(EARLY * self._clocks[kind in SERIAL]))
            yield self.flip(kind, bit, clock)

    def flip(self, kind: str, bit: Bit, clock: int) -> Run:
        """Train with a bit inverted after so many clocks of training."""
        chip = self._chip.another()
        begin, serial = self._begin, kind in SERIAL
        try:
            look = self._train_over_link if serial else self._train_directly
            outcome, end, note = look(chip, lambda: begin(chip, bit, clock))
            cleared = Cleared.NOTHING
            if outcome is not Outcome.MASKED:
                chip.calm()
                cleared = self._reopened(chip) if serial else self._recover(chip)
        finally:
            chip.close()
        return Run(kind, str(bit), clock, outcome, cleared, end, note)

    def done(self, runs: list[Run]) -> Campaigned:
        """Return runs with what they are compared with."""
        task = self._task
        return Campaigned(
            config=task.machine.config.name,
            seed=self._seed,
            runs=runs,
            bits={kind: len(bits) for kind, bits in self.bits.items()},
            clocks=(self._clocks[False], self._clocks[True]),
            usual=task.usual,
            window=task.size.window,
            rest=task.size.after + task.size.rest,
        )

    @staticmethod
    def _begin(chip: Chip, bit: Bit, clock: int) -> None:
        chip.schedule(bit, chip.cycles + 1 + clock)

    def _undisturbed(self, serial: bool) -> int:
        """Train without an upset; return how many clocks it takes."""
        chip = self._chip.another()
        clocks: list[int] = []
        look = self._train_over_link if serial else self._train_directly
        outcome, _, note = look(chip, lambda: clocks.append(chip.cycles), clocks)
        chip.close()
        if outcome is not Outcome.MASKED:
            raise UpsetError(
                f"without an upset: {outcome}{note and f' ({note})'}; golden and RTL differ, see "
                f"'spikeloom verify {self._task.machine.config.name}'"
            )
        return clocks[1] - clocks[0]

    def _train_directly(
        self, chip: Chip, begin: Callable[[], None], clocks: list[int] | None = None
    ) -> tuple[Outcome, Ended | None, str]:
        """Train by the core's own streams; say what came of it, how it ended, and a note."""
        try:
            device = self._load(chip, chip)
            begin()
            seen = self._see(chip, device, clocks)
            return self._judge(chip, device, seen)
        except HangError as error:
            return Outcome.HANG, None, str(error)
        except DeviceError as error:
            return Outcome.DETECTED, None, str(error)

    def _train_over_link(
        self, chip: Chip, begin: Callable[[], None], clocks: list[int] | None = None
    ) -> tuple[Outcome, Ended | None, str]:
        """Train over the link; the same."""
        self._load(chip, chip)
        try:
            with chip.over_the_link() as line:
                link = LinkTransport(line, silence=SILENCE, patience=PATIENCE)
                device = self._set(Device(link, self._task.machine))
                begin()
                counts = self._train(chip, device, clocks)
                states, counters = device.stream_states, device.counters()
            seen = Seen(counts, Device(chip, self._task.machine).weights, states, counters)
            outcome, end, note = self._judge(chip, Device(chip, self._task.machine), seen)
        except (LinkError, HangError) as error:
            told = "lost its place" in str(error)
            return Outcome.DETECTED if told else Outcome.HANG, None, str(error)
        except DeviceError as error:
            return Outcome.DETECTED, None, str(error)
        counts = link.statistics
        if outcome is Outcome.MASKED and (counts.resent or counts.crc_errors):
            return Outcome.DETECTED, None, "repaired: frames were sent again"
        return outcome, end, note

    def _judge(self, chip: Chip, device: Device, seen: Seen) -> tuple[Outcome, Ended | None, str]:
        """Compare with golden at the end of the window, and afterwards where it differs."""
        task = self._task
        same = seen.learned_as(task.expected)
        if same and seen.counted_as(task.expected):
            return Outcome.MASKED, None, ""
        images, labels, expected = task.next(seen)
        device.clear()
        found = self._observed(device, device.train(images, labels))
        # golden brings a weight back to its rail later than the chip does: see `Golden.flip`
        note = "" if legal(task.machine, seen.weights) else "a weight beyond its rail"
        if not note and not (found.learned_as(expected) and found.counted_as(expected)):
            return Outcome.WRONG, None, "the chip goes on differing from golden"
        if same:
            return Outcome.MISCOUNTED, None, note
        end = task.end_of(found)
        usual = end.change >= -task.usual.most_lost
        return Outcome.LEARNED if usual else Outcome.WRONG, end, note

    def _recover(self, chip: Chip) -> Cleared:
        """Reset by command, then by what the link does on OPEN; say which brought the chip back."""
        try:
            chip.forget()
            chip.transfer(bytes([Opcode.RESET]), 0)
            chip.run(SETTLE)
            chip.forget()
            if self._as_expected(chip):
                return Cleared.RESET
        except (HangError, DeviceError):
            pass
        chip.restart()
        try:
            return Cleared.OPEN if self._as_expected(chip) else Cleared.NEVER
        except (HangError, DeviceError):
            return Cleared.NEVER

    def _as_expected(self, chip: Chip) -> bool:
        seen = self._see(chip, self._load(chip, chip))
        return seen.learned_as(self._task.expected) and seen.counted_as(self._task.expected)

    def _reopened(self, chip: Chip) -> Cleared:
        """Open the link anew, after a long silence where it does not answer at once."""
        for silence in (0, LONG):
            try:
                with chip.over_the_link() as line:
                    chip.run(silence)
                    link = LinkTransport(line, silence=SILENCE, patience=PATIENCE)
                self._load(chip, chip)
                with chip.over_the_link():
                    link.reopen()
                    device = self._set(Device(link, self._task.machine))
                    counts = self._train(chip, device)
                    states, counters = device.stream_states, device.counters()
                weights = Device(chip, self._task.machine).weights
                seen = Seen(counts, weights, states, counters)
                expected = self._task.expected
                if seen.learned_as(expected) and seen.counted_as(expected):
                    return Cleared.OPEN
            except (LinkError, HangError, DeviceError):
                continue
        return Cleared.NEVER

    def _load(self, chip: Chip, transport: Transport) -> Device:
        """Bring a chip to where every run begins."""
        device = Device(transport, self._task.machine)
        device.weights = self._task.weights
        return self._set(device)

    def _set(self, device: Device) -> Device:
        """Set all but the weights."""
        machine = self._task.machine
        device.steps = machine.config.steps
        device.set_updates(machine.updates(0))
        device.stream_states = self._task.states
        device.clear()
        return device

    def _see(self, chip: Chip, device: Device, clocks: list[int] | None = None) -> Seen:
        return self._observed(device, self._train(chip, device, clocks))

    def _train(self, chip: Chip, device: Device, clocks: list[int] | None = None) -> np.ndarray:
        """Train on the window and ask for errors; `clocks` is told when it was over."""
        counts = device.train(self._task.images, self._task.labels)
        if clocks is not None:
            clocks.append(chip.cycles)
        device.check_identity()
        device.check_status()
        return counts

    @staticmethod
    def _observed(device: Device, counts: np.ndarray) -> Seen:
        states, counters = device.stream_states, device.counters()
        return Seen(counts, device.weights, states, counters)
