"""Upsets: what comes of one inverted bit while a chip trains is told, and what clears it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikeloom.golden import initial
from spikeloom.golden.spec.streams import streams
from tests.campaigns.upsets import UpsetError
from tests.campaigns.upsets.accuracy import Change, Ended, Usual, told
from tests.campaigns.upsets.campaign import Campaign
from tests.campaigns.upsets.chip import Bit
from tests.campaigns.upsets.golden import Golden
from tests.campaigns.upsets.kinds import KINDS, LFSR
from tests.campaigns.upsets.outcome import Cleared, Outcome
from tests.campaigns.upsets.task import Size, Task
from tests.support.upset_chip import CONFIG, MACHINE, compiled, digits


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    rng = np.random.default_rng(1)
    size = Size(before=60, window=4, after=2, rest=60, test=100, repeats=8)
    return Campaign(compiled().another(), Task(CONFIG, digits(rng, 200), 1, size), 1)


def bit_of_a_stream(campaign: Campaign) -> Bit:
    bits = campaign.bits[LFSR]
    return next(b for b in map(bits.__getitem__, range(320)) if b.place.name.endswith("input.main"))


@pytest.mark.parametrize(("more", "outcome"), [(0.0, Outcome.LEARNED), (1e-6, Outcome.WRONG)])
def test_more_accuracy_lost_than_by_luck_is_a_wrong_result(campaign, monkeypatch, more, outcome):
    lost = 2 * campaign.done([]).usual.deviation + more
    monkeypatch.setattr(Task, "end_of", lambda self, seen: Ended(0.9, -lost))
    run = campaign.flip(LFSR, bit_of_a_stream(campaign), 5)
    assert (run.outcome, run.end) == (outcome, Ended(0.9, -lost))


def test_a_flip_of_a_stream_is_seen_and_cleared_by_the_reset_command(campaign):
    run = campaign.flip(LFSR, bit_of_a_stream(campaign), 5)
    assert run.outcome in (Outcome.LEARNED, Outcome.WRONG)
    assert run.cleared is Cleared.RESET
    assert run.bit.startswith("core.network.streams.input.main[")


def test_a_few_upsets_of_every_kind_are_classified_and_cleared(campaign):
    runs = list(campaign.flips(3 * len(KINDS)))
    assert {run.kind for run in runs} == set(KINDS)
    assert all((run.outcome is Outcome.MASKED) == (run.cleared is Cleared.NOTHING) for run in runs)
    stuck = [run for run in runs if run.cleared is Cleared.NEVER]
    assert not stuck


@pytest.mark.slow  # minutes
def test_two_thousand_upsets_hang_nothing_that_opening_the_link_does_not_clear(campaign):
    stuck = [run for run in campaign.flips(2000) if run.cleared is Cleared.NEVER]
    assert not stuck


def test_a_chip_that_differs_from_golden_is_refused():
    rng = np.random.default_rng(1)
    size = Size(before=10, window=2, after=1, rest=10, test=10, repeats=2)
    task = Task(CONFIG, digits(rng, 40), 1, size)
    task.expected.counts[0, 0] += 1
    with pytest.raises(UpsetError, match=r"without an upset: learned away|without an upset: wrong"):
        Campaign(compiled().another(), task, 1)


def test_too_few_images_are_refused_with_the_numbers(seed):
    data = digits(np.random.default_rng(seed), 20)
    with pytest.raises(UpsetError, match="2009 images to train on and 1000 to test on are needed"):
        Task(CONFIG, data, 1)


def test_the_change_by_an_upset_is_that_of_its_weights_with_other_random_numbers(monkeypatch, seed):
    """Golden by itself makes the same of both trainings; without an upset nothing changes."""
    rng = np.random.default_rng(seed)
    data = digits(rng, 200)
    labels = data.train.labels.astype(np.int64)
    other = [stream.seed(int(rng.integers(1 << 30))) for stream in streams(CONFIG)]
    monkeypatch.setattr(Task, "_states", lambda self: other)
    task = Task(CONFIG, data, 7, Size(before=60, window=4, after=2, rest=60, test=100, repeats=2))
    golden = Golden(MACHINE)
    golden.put(initial.weights(MACHINE, 7), [stream.seed(7) for stream in streams(CONFIG)])
    golden.train(data.train.images[:66], labels[:66])
    weights = golden.weights

    def accuracy(weights: list[np.ndarray], states: list[int]) -> float:
        golden.put(weights, states)
        golden.train(data.train.images[66:126], labels[66:126])
        return golden.accuracy(data.test.images[:100], data.test.labels[:100])

    usual, lost = accuracy(weights, other), [-w for w in weights]
    assert task.usual.mean == pytest.approx(usual)
    seen = task.next(task.expected)[2]
    assert task.end_of(seen) == Ended(usual, 0.0)
    upset = dataclasses.replace(seen, weights=lost)
    assert task.end_of(upset) == Ended(accuracy(lost, other), accuracy(lost, other) - usual)


def test_change_is_the_mean_over_pairs_with_its_standard_error():
    ends = [Ended(0.5, change) for change in (0.1, 0.2, 0.3, 0.4)]
    change = Change.of(ends)
    # deviations -3, -1, 1, 3 twentieths: variance 20/400/3, of the mean a quarter of it
    assert (change.pairs, change.mean) == (4, pytest.approx(0.25))
    assert change.error == pytest.approx((20 / 400 / 3 / 4) ** 0.5)
    assert Change.of(ends[:1]) == Change(1, 0.1, None)
    assert Change.of([]) == Change(0, None, None)


def test_the_words_on_accuracy_say_what_counts_as_usual_and_what_that_cannot_show():
    usual = Usual.of([0.7, 0.8, 0.9])
    text = told(usual, Change(481, -0.0012, 0.0004), 1003)
    assert "1,003 images later: 80.00 % is usual, standard deviation 10.00 % over 3 undis" in text
    assert (
        "two deviations, 20.00 percentage points, may be lost by luck, and more is a wrong" in text
    )
    assert "all 481 pairs" in text
    assert "-0.12 ± 0.04 percentage points" in text
    assert "pairs" not in told(usual, Change(1, 0.1, None), 1003)
