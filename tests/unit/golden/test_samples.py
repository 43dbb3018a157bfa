"""Images, labels, steps and weights: one check in every engine; a bad one loses nothing."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.boards.host.device import Device
from spikeloom.engines.engine import GoldenEngine
from spikeloom.golden import initial
from spikeloom.golden.network import Network
from spikeloom.golden.samples import SampleError, checked_images, checked_labels
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load
from tests.support.golden_transport import GoldenTransport

TINY = machine(load("tiny"))
ENGINES = {
    "network": Network,
    "engine": GoldenEngine,
    "device": lambda numbers: Device(GoldenTransport(numbers), numbers),
}
PLAIN = np.arange(147, dtype=np.uint8).reshape(3, 49)
LABELS = np.array([0, 9, 4])


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest):
    made = ENGINES[request.param](TINY)
    made.weights = initial.weights(TINY, 3)
    return made


def refused(engine, message: str, images=PLAIN, labels=LABELS) -> None:
    """Both ways of running a sample refuse, or only training where the labels are at fault."""
    before = engine.weights, engine.stream_states
    with pytest.raises(SampleError, match=message):
        engine.train(images, labels)
    if images is not PLAIN:
        with pytest.raises(SampleError, match=message):
            engine.infer(images)
    assert engine.stream_states == before[1]
    np.testing.assert_array_equal(engine.weights[0], before[0][0])
    if hasattr(engine, "counters"):
        assert not any(engine.counters().values())


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (PLAIN / np.float32(255), r"float32 from 0 to 0.57.*: .* multiply by 255, round and cast"),
        (PLAIN * 1.0, r"are float64 from 0 to 146: .* scale to 0..255, round and cast to uint8"),
        (PLAIN > 99, r"are bool from 0 to 1: .* multiply by 255, round and cast to uint8"),
        (PLAIN * np.int32(2), r"reach from 0 to 292: a pixel is a whole number in 0\.\.255, scale"),
        (PLAIN - np.int16(1), r"reach from -1 to 145"),
        (PLAIN[:, :-1], r"shape \[3, 48\] do not fit a network of 49 inputs: give \[n, 49\] or "),
        (PLAIN[0], r"shape \[49\] do not fit"),
        (np.zeros((3, 8, 8), np.uint8), r"shape \[3, 8, 8\] do not .* give .*\[n, 7, 7\]"),
    ],
)
def test_images_that_would_be_changed_are_refused(engine, images, message):
    refused(engine, message, images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:2], r"labels of shape \[2\] for 3 images: give one for each, \[3\]"),
        (np.zeros(4, int), r"labels of shape \[4\] for 3 images"),
        (np.array([[0, 1, 2]]), r"labels of shape \[1, 3\] for 3"),
        (np.array([0, 10, 2]), r"labels\[1\] = 10 is no class: the network has 10, 0\.\.9"),
        (np.array([0, 1, -1]), r"labels\[2\] = -1 is no class"),
        (np.array([0.0, 1.0, 2.0]), r"labels are float64: a label is a whole number, cast them"),
    ],
)
def test_labels_that_are_none_are_refused(engine, labels, message):
    refused(engine, message, labels=labels)


@pytest.mark.parametrize("steps", [0, 17, -1, 2.5, "3", True])
def test_steps_outside_the_built_in_ones_are_refused(engine, steps):
    engine.steps = np.int64(3)
    with pytest.raises(SampleError, match=rf"steps = {steps!r} is outside 1\.\.16"):
        engine.steps = steps
    assert engine.steps == 3


@pytest.mark.parametrize(
    ("layer", "given", "message"),
    [
        (
            1,
            np.full((16, 10), 2048, np.int16),
            r"within \+-2048 do not fit crossbar 2: it is 16 x 10",
        ),
        (1, np.full((16, 10), -2048), r"within \+-2048 do not fit crossbar 2: .* within \+-2047"),
        (1, np.zeros((16, 9), np.int16), r"shape \(16, 9\) .* crossbar 2"),
        (1, np.zeros((16, 10)), r"weights of crossbar 2 are float64: they are whole numbers"),
        (0, np.zeros((0, 16), np.int16), r"shape \(0, 16\) .* crossbar 1: it is 49 x 16"),
    ],
)
def test_weights_are_loaded_whole_or_not_at_all(engine, layer, given, message):
    before = engine.weights
    wrong = [np.zeros_like(weights) for weights in before]
    wrong[layer] = given
    with pytest.raises(SampleError, match=message):
        engine.weights = wrong
    with pytest.raises(SampleError, match=r"weights of 1 crossbars: the network has 2"):
        engine.weights = wrong[:1]
    for mine, theirs in zip(engine.weights, before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ([Update(0, 1)], r"updates of 1 crossbars: the network has 2"),
        ([Update(0, 1)] * 3, r"updates of 3 crossbars"),
        ([Update(0, 1), Update(16, 1)], r"shift=16, .*: a shift lies in 0\.\.15"),
        ([Update(0, 65537), Update(0, 1)], r"probability=65537.*, a probability in 0\.\.65536"),
    ],
)
def test_updates_that_no_core_can_hold_are_refused(engine, updates, message):
    with pytest.raises(SampleError, match=message):
        engine.set_updates(updates)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda states: states[:-1], r"states of 6 streams: the network has 7"),
        (
            lambda states: [*states[:-1], 1 << 32],
            r"stream dropout1 at 0x100000000: lfsr32 has 32 b",
        ),
        (lambda states: [-1, *states[1:]], r"stream input at -0x1: lfsr64 has 64 bits"),
    ],
)
def test_states_that_are_none_are_refused_together(engine, change, message):
    before = engine.stream_states
    with pytest.raises(SampleError, match=message):
        engine.stream_states = change([state ^ 1 for state in before])
    assert engine.stream_states == before


def test_whole_numbers_of_any_width_and_pictures_are_taken(engine):
    expected = engine.infer(PLAIN)
    for images in (PLAIN.astype(np.int64), PLAIN.reshape(3, 7, 7), PLAIN.tolist()):
        np.testing.assert_array_equal(engine.infer(images), expected)
    assert engine.infer(PLAIN[:0]).shape == (0, 10)


def test_what_is_right_is_not_copied():
    assert np.shares_memory(checked_images(TINY, PLAIN), PLAIN)
    labels = LABELS.astype(np.int64)
    assert checked_labels(TINY, labels, 3) is labels


def test_a_raster_is_checked_too():
    network = Network(TINY)
    with pytest.raises(SampleError, match="multiply by 255"):
        network.raster(PLAIN[0] / 255, 0, 1)
    with pytest.raises(SampleError, match=r"labels\[0\] = 10 is no class"):
        network.raster(PLAIN[0], 10, 1)
