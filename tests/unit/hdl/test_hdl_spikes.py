"""Spike lists and scanners pass on every spike once, in order, whatever stalls."""

from __future__ import annotations

import pytest

from spikeloom.hdl.spikes import Scanner, SpikeList
from tests.bench import bench_spikes
from tests.bench.bench import Bench, Driver, Pins, run_case, run_cases, simulate
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_spikes.cases(), ids=lambda case: case.name)
def test_every_spike_passes_once_and_in_order(case, seed):
    run_case(case, seed)


class Through(Bench):
    """Push a whole step without a pause; read each entry as soon as it shows."""

    def __init__(self, component: SpikeList, rows: int) -> None:
        super().__init__(component, 0)
        self.rows, self.heads = rows, []

    def drivers(self):
        yield self.write()
        yield self.read()

    def write(self) -> Driver:
        for row in range(self.rows):
            yield {"push": 1, "entry": self.pack("entry", row=row), "close": row == self.rows - 1}

    def read(self) -> Driver:
        yield {}
        for row in range(self.rows):
            seen = yield {"next": 1, "release": row == self.rows - 1}
            self.expect("more", seen["more"], 1)
        yield {}

    def check(self, seen: Pins) -> None:
        self.heads.append(seen["head"])


def test_a_list_passes_an_entry_a_clock_two_clocks_later():
    component = SpikeList(16, bench_spikes.entry(16))
    bench = simulate(component, Through(component, 16))
    assert bench.heads[2:18] == [bench.pack("entry", row=row) for row in range(16)]


class Scanning(Bench):
    """A vector whose words are all there at once, a taker that always is ready."""

    def __init__(self, component: Scanner, words: list[int]) -> None:
        super().__init__(component, 0)
        self.words, self.spikes, self.ends = words, [], []

    def drivers(self):
        yield self.give()

    def give(self) -> Driver:
        word = 0
        while word < len(self.words):
            seen = yield {"available": 1, "bits": self.words[word], "ready": 1}
            word += seen["loaded"]
        while seen["busy"]:
            seen = yield {"ready": 1}

    def check(self, seen: Pins) -> None:
        if seen["valid"]:
            self.spikes.append((self.clock, seen["index"]))
        if seen["last"]:
            self.ends.append(self.clock)


def test_a_scanner_passes_a_spike_or_an_empty_word_a_clock():
    component = Scanner(lanes=4, words=5, neurons=20)
    bench = simulate(component, Scanning(component, [0b1010, 0, 0, 0b1111, 0]))
    assert bench.spikes == [(1, 1), (2, 3), (5, 12), (6, 13), (7, 14), (8, 15)]
    assert bench.ends == [9]


@pytest.mark.parametrize("mutant", of("spikes"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_spikes.cases(module), 1))
