from __future__ import annotations

import math

import numpy as np
import pytest

from spikeloom.golden.learning import RULES
from spikeloom.golden.lfsr import parameters, to_signed
from spikeloom.golden.rules.rate import rate_update
from spikeloom.golden.rules.ssnn_bp import thin
from spikeloom.golden.spec.learning import Update, update_for
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.golden.spec.streams import purpose_seed
from tests.support.configurations import table

LFSR = CATALOG["lfsr64"]
SEED = purpose_seed(1, "learning") & LFSR.mask


@pytest.mark.parametrize(
    ("mean", "shift", "probability"),
    [
        (0, 0, 0),
        (1 / 65536, 0, 1),
        (0.3072, 0, 20133),
        (0.5, 0, 32768),
        (1, 0, 65536),
        (1.5, 1, 49152),
        (2, 1, 65536),
        (3, 2, 49152),
        (32768, 15, 65536),
    ],
)
def test_update_is_a_power_of_two_thinned_by_a_probability(mean, shift, probability):
    assert update_for(mean) == Update(shift, probability)


def test_the_mean_of_an_update_is_what_was_asked_for():
    for mean in np.geomspace(0.01, 32768, 200):
        update = update_for(float(mean))
        assert abs(update.mean - mean) <= 2.0**update.shift / 65536
        assert update.probability > 32768 or update.shift == 0


@pytest.mark.parametrize("mean", [-0.001, 32768.5, float("nan")])
def test_an_update_out_of_range_is_refused(mean):
    with pytest.raises(ValueError, match=r"mean update .* is outside 0\.\.32768 weight units"):
        update_for(mean)


def test_updates_decay_from_the_epoch_that_the_configuration_names():
    """Epochs count from 1 there: `decay_from` = 3 halves the third, the fourth again."""
    config = from_dict(table(learning__decay=0.5, learning__decay_from=3))
    numbers = machine(config)
    first = numbers.updates(0)
    assert first[0] == update_for(0.02 * 256)
    assert numbers.updates(1) == first
    for epoch, factor in ((2, 2), (3, 4), (4, 8)):
        for update, whole in zip(numbers.updates(epoch), first, strict=True):
            assert update.mean == pytest.approx(whole.mean / factor, abs=1e-3)


@pytest.mark.parametrize("probability", [0, 1, 1000, 32768, 65535, 65536])
def test_thinning_keeps_words_below_the_probability(probability):
    count, state, expected = 500, SEED, []
    for _ in range(count):
        state = LFSR.shift(state, 16)
        expected.append(int((state & 0xFFFF) < probability))
    keep = np.full(count, 9, np.uint8)
    after = thin(
        to_signed(SEED), parameters(LFSR), probability, count, np.zeros(count, np.uint16), keep
    )
    assert keep.tolist() == expected
    assert int(after) & LFSR.mask == state
    if probability in (0, 65536):
        assert set(expected) == {probability // 65536}


@pytest.mark.parametrize("probability", [655, 6554, 32768, 60000])
def test_thinning_keeps_its_share(probability):
    """200,000 draws: within 5 standard deviations."""
    n, p = 200000, probability / 65536
    keep = np.zeros(n, np.uint8)
    thin(to_signed(SEED), parameters(LFSR), probability, n, np.zeros(n, np.uint16), keep)
    assert abs(keep.mean() - p) < 5 * math.sqrt(p * (1 - p) / n)


def rated(
    pre: list[int],
    post: list[int],
    update: Update,
    *,
    limit: int = 2047,
    seed: int = SEED,
    steps: int = 64,
    before: int = 0,
) -> tuple[int, list[list[int]]]:
    weights = np.full(len(pre) * len(post), before, np.int16)
    state = rate_update(
        weights,
        np.array(pre, np.int32),
        np.array(post, np.int32),
        to_signed(seed),
        parameters(LFSR),
        update.shift,
        update.probability,
        steps,
        limit,
    )
    return int(state) & LFSR.mask, weights.reshape(len(pre), len(post)).tolist()


def test_rate_form_by_hand():
    """64 spikes, 64 steps, whole updates: nothing is left to chance."""
    _, weights = rated([64, 0, 128], [3, 0, -2], Update(1, 65536))
    assert weights == [[6, 0, -4], [0, 0, 0], [12, 0, -8]]


def test_rate_form_saturates_at_both_rails():
    assert rated([640], [500, -500], Update(3, 65536), limit=127)[1] == [[127, -127]]


def test_rate_form_draws_one_word_per_row_that_spiked():
    assert rated([1, 0, 0, 5, 2], [1, 1], Update(0, 30000))[0] == LFSR.shift(SEED, 48)


def test_rate_form_has_the_mean_of_as_many_coincidences():
    """S = 20 of 64 steps, E = -7, mean 0.3 a coincidence: -0.65625 over 20,000 rows."""
    n = 20000
    _, weights = rated([20] * n, [-7], Update(0, 19661))
    changes = np.array(weights)
    assert set(np.unique(changes)) <= {-1, 0}
    p = 20 * 7 / 64 * 19661 / 65536
    assert abs(changes.mean() + p) < 5 * math.sqrt(p * (1 - p) / n)


def test_rules_are_told_apart():
    assert len(set(RULES.values())) == len(RULES) == 3


def test_a_word_at_the_probability_itself_is_not_kept():
    word = LFSR.shift(SEED, 16) & 0xFFFF
    for probability in (word, word + 1):
        keep = np.full(1, 9, np.uint8)
        thin(to_signed(SEED), parameters(LFSR), probability, 1, np.zeros(1, np.uint16), keep)
        assert keep[0] == probability - word


@pytest.mark.parametrize("update", [Update(0, 30000), Update(2, 65521), Update(5, 4097)])
def test_rate_form_follows_the_docstring_in_plain_integers(rng, update):
    pre, post = rng.integers(0, 60, 12).tolist(), [1, -1, 0, 2, *rng.integers(-50, 50, 4).tolist()]
    scale, state, expected = update.probability * 2 ** (update.shift + 16) // 64, SEED, []
    for spikes in pre:
        noise = 0
        if spikes:
            state = LFSR.shift(state, 16)
            noise = (state & 0xFFFF) * 2**16
        changes = [(abs(e) * spikes * scale + noise) // 2**32 for e in post]
        signed = [-c if e < 0 else c for c, e in zip(changes, post, strict=True)]
        expected.append([max(-2047, min(c, 2047)) for c in signed])
    assert rated(pre, post, update) == (state, expected)


@pytest.mark.parametrize("before", [5, -6])
def test_rate_form_adds_to_what_is_there(before):
    _, weights = rated([64], [3, -2], Update(1, 65536), before=before)
    assert weights == [[before + 6, before - 4]]


def test_rate_form_needs_every_bit_of_the_word():
    """One spike, one error, one step: the chance and an odd word are just whole together."""
    states = (LFSR.shift(SEED, count) for count in range(99))
    seed = next(state for state in states if LFSR.shift(state, 16) & 1)
    word = LFSR.shift(seed, 16) & 0xFFFF
    for less, change in ((0, 1), (1, 0)):
        update = Update(0, 65536 - word - less)
        assert rated([1], [1], update, seed=seed, steps=1)[1] == [[change]]
