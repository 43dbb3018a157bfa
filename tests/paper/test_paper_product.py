"""Figure 4: the error of stochastic products, against the binomial law and the streams."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.streams import Stream
from tests.paper import product, streams
from tests.paper.errors import PaperError
from tests.paper.job import Job, Place, execute
from tests.support.paper_runs import QUICK, found, record


def test_the_error_of_ideal_streams_is_that_of_the_binomial_law():
    """The variance of a mean of T coin flips, worked out pair by pair in plain Python."""
    variance = sum((a / 50 * b / 50) * (1 - a / 50 * b / 50) for a in range(50) for b in range(50))
    expected = (variance / 2500 / 100) ** 0.5
    assert product.theory(100) == pytest.approx(expected)
    assert expected == pytest.approx(0.0368, abs=5e-5)
    error = product.errors(streams.make("ideal", 1), 100, 5)
    assert error.shape == (15, 50, 50)
    assert np.sqrt((error**2).mean()) == pytest.approx(expected, rel=0.02)
    assert error.mean() == pytest.approx(0, abs=1e-3)


def words(name: str, seed: int, generator: str, count: int) -> list[int]:
    """Draw the first words of a stream by the definition of a shift, bit by bit."""
    stream = Stream(name, CATALOG[generator])
    state, drawn = stream.seed(seed), []
    for _ in range(count):
        state = stream.lfsr.shift(state, 16)
        drawn.append(state & 0xFFFF)
    return drawn


def test_the_machines_streams_are_drawn_word_by_word_in_its_order():
    """Three pixels and five steps by hand: thinning draws for spikes only, ascending."""
    x, y, steps = np.array([0.3, 0.9, 0.6]), 0.5, 5
    pixels = iter(words("input", 7, "lfsr48", 15))
    thinning = iter(words("thinning1", 7, "lfsr48", 15))
    expected = [0, 0, 0]
    for _ in range(steps):
        spikes = [k for k in range(3) if next(pixels) < round(x[k] * 65536)]
        for k in spikes:
            expected[k] += next(thinning) < 32768
    counts = streams.make("lfsr48", 7).counts(x, y, steps)
    assert counts.tolist() == expected
    assert sum(expected) > 0


def test_close_seeds_are_what_they_say():
    x, steps = np.array([0.5, 0.25]), 6
    seeds = np.random.default_rng(3).integers(1, 65535, 2)
    expected = []
    for seed, rate in zip(seeds, x, strict=True):
        a, b, both = int(seed), int(seed) + 1, 0
        for _ in range(steps):
            both += a < rate * 65536 and b < 0.75 * 65536
            a, b = CATALOG["lfsr16"].shift(a), CATALOG["lfsr16"].shift(b)
        expected.append(both)
    assert streams.make("close seeds", 3).counts(x, 0.75, steps).tolist() == expected


@pytest.mark.parametrize("generator", ["lfsr48", "close seeds"])
def test_the_ratio_tells_good_streams_from_bad_ones(generator: str):
    error = product.errors(streams.make(generator, 1), 50, 4)
    ratio = np.sqrt((error**2).mean()) / product.theory(50)
    assert 0.97 < ratio < 1.03 if generator == "lfsr48" else 1.4 < ratio < 1.6


def test_figure_4_shows_what_its_runs_gave():
    jobs = product.FIGURE.jobs(QUICK)
    steps = jobs[0].config["steps"]
    bins = [[0.1] * 20 for _ in steps]
    records = []
    for job in jobs:
        factor = {"ideal": 1.0, "lfsr48": 1.1, "close seeds": 1.5}[job.config["generator"]]
        rms = [factor / t**0.5 for t in steps]
        result = {"rms": rms, "absolute": rms, "bias": [0.0] * len(steps), "by_product": bins}
        records.append(record(job, result))
    shown = product.FIGURE.show(QUICK, found(jobs, records))
    assert shown.rows[0] == (
        "25", "0.0736", "0.2000 ± 0.0000", "0.2200 ± 0.0000", "1.100 ± 0.000", "1.500 ± 0.000",
    )  # fmt: skip
    assert "ideal streams fall as T^-0.500" in shown.caption
    assert len(shown.data) == len(jobs) * len(steps)
    assert shown.data[0] == {
        "generator": "ideal", "T": 25, "seed": 1, "rms": 0.2, "absolute": 0.2, "bias": 0.0,
        "theory": product.theory(25), "ratio_to_ideal": 1.0,
        "runs": jobs[0].key, "commits": "0123456789ab",
    }  # fmt: skip
    assert shown.note == (
        "Reduced: 2,500 pairs of rates, 30 samples of each at 4 values of T, 2 seeds"
    )


def test_a_product_of_one_step_counts_every_pair():
    config = {"generator": "ideal", "steps": [1], "samples": 30, "seed": 1} | product.grid()
    result = execute(Job("product", config), Place(), lambda part: None)
    assert result["rms"][0] == pytest.approx(float(product.theory(1)), rel=0.02)
    assert len(result["by_product"][0]) == 20


def test_a_product_of_another_version_is_refused():
    config = {"generator": "ideal", "steps": [1], "samples": 1, "seed": 1} | product.grid()
    with pytest.raises(PaperError, match=r"this run wants \{'rates': 99,.*has \{'rates': 50,"):
        execute(Job("product", config | {"rates": 99}), Place(), lambda part: None)
