"""Chunks sized by the clock."""

from __future__ import annotations

import pytest

from spikeloom import pace
from spikeloom.pace import MOST, SECONDS, Pace


class Clock:
    """A clock that only moves when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(pace.time, "perf_counter", lambda: self.now)


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_chunks_cover_every_sample_in_order(count: int):
    assert [k for chunk in Pace().chunks(count) for k in range(count)[chunk]] == list(range(count))


@pytest.mark.parametrize("seconds", [2.0, 0.1, 0.02, 0.001])
def test_a_chunk_comes_to_take_the_time_that_it_should(
    monkeypatch: pytest.MonkeyPatch, seconds: float
):
    clock, sizes = Clock(monkeypatch), []
    for chunk in Pace().chunks(3000):
        sizes.append(chunk.stop - chunk.start)
        clock.now += sizes[-1] * seconds
    fitting = max(1, int(SECONDS / seconds))
    assert sizes[0] == 1
    assert max(sizes) <= fitting + 1
    assert sizes[-2] in (fitting, fitting + 1, max(sizes))


def test_a_chunk_is_never_larger_than_the_largest(monkeypatch: pytest.MonkeyPatch):
    Clock(monkeypatch)
    assert max(chunk.stop - chunk.start for chunk in Pace().chunks(10 * MOST)) == MOST
