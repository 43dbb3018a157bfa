from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden import initial
from spikeloom.golden.network import Network
from spikeloom.golden.samples import SampleError
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.streams import INPUT
from spikeloom.golden.stopping import lead
from tests.support.configurations import table


@pytest.mark.parametrize(
    ("counts", "label", "wanted"),
    [
        ([3, 7, 5], -1, 2),  # best less second
        ([7, 7, 5], -1, 0),  # two that are best
        ([0, 0], -1, 0),
        ([3, 7, 5], 1, 2),  # the label is the best
        ([3, 7, 5], 2, -2),  # it is behind
        ([9, 9, 9], 0, 0),
        ([4, 1, 0], 0, 3),
    ],
)
def test_leads_by_hand(counts, label, wanted):
    assert lead(np.array(counts, np.int32), label) == wanted


def built(**stop) -> Network:
    network = Network(machine(from_dict(table(steps=40, stop={"train": 1, **stop}))))
    network.weights = initial.weights(network.machine, 1)
    return network


def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(1, 256, (1, 6)).astype(np.uint8)


def test_a_sample_that_stops_is_the_sample_cut_to_its_steps(rng):
    """Counts, weights and every stream; the next sample, too."""
    stops, cut = built(train=2, infer=1), built(train=2, infer=1)
    cut.stop = StopConfig()
    first, ended = stops.weights, set()
    for label in range(60):
        if label % 6 == 0:  # what learns labels at random ends silent, and never stops
            stops.weights = cut.weights = first
        image = picture(rng)
        counts, _ = stops.train(image, np.array([label % 3]))
        cut.steps = int(stops.ran[0])
        ended.add(cut.steps)
        same, _ = cut.train(image, np.array([label % 3]))
        np.testing.assert_array_equal(counts, same)
        np.testing.assert_array_equal(stops.activity, cut.activity)
        assert stops.stream_states == cut.stream_states
        for mine, theirs in zip(stops.weights, cut.weights, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        inferred = stops.infer(image)
        cut.steps = int(stops.ran[0])
        ended.add(cut.steps)
        np.testing.assert_array_equal(inferred, cut.infer(image))
    assert len(ended) > 3


def test_it_ends_with_the_first_step_that_is_sure_and_not_before_the_least(rng):
    network = built(infer=2, least=5)
    for _ in range(20):
        image = picture(rng)
        network.stop = StopConfig()
        spikes, _ = network.raster(image[0], 0, 0)
        counts = spikes[:, -3:].cumsum(axis=0)
        leads = [np.sort(row)[-1] - np.sort(row)[-2] for row in counts]
        sure = [t + 1 for t in range(40) if t + 1 >= 5 and leads[t] >= 2] or [40]
        network.stop = StopConfig(1, 2, 5)
        network.infer(image)
        assert network.ran[0] == sure[0]


def test_input_words_are_drawn_of_the_steps_that_ran(rng):
    network, image = built(train=1), picture(rng)
    before = network.stream_states[INPUT]
    network.train(image, np.array([0]))
    lfsr = network.machine.config.random.input
    after = CATALOG[lfsr].shift(before, 16 * 6 * int(network.ran[0]))
    assert network.stream_states[INPUT] == after


def test_margins_that_cannot_be_are_refused():
    network = built()
    with pytest.raises(SampleError, match=r"stop.infer = 4096 is outside 0 to 4095"):
        network.stop = StopConfig(1, 4096)
    with pytest.raises(SampleError, match=r"stop.least = 0 is outside 1 to 4096"):
        network.stop = StopConfig(1, 1, 0)
    with pytest.raises(SampleError, match=r"stop.train = 1.5 is outside"):
        network.stop = StopConfig(1.5)
    assert network.stop == StopConfig(1)


def test_a_network_without_stopping_says_where_it_comes_from():
    network = Network(machine(from_dict(table())))
    network.stop = StopConfig()
    with pytest.raises(SampleError, match=r"'small' is built without stopping, both its margins"):
        network.stop = StopConfig(infer=3)
