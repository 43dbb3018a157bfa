"""Lockstep: equal engines are found equal, and every planted fault is found where it is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikeloom import datasets
from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import GoldenEngine, start
from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.golden.spec.protocol import Opcode
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.streams import thinning_stream
from spikeloom.sim.compare.difference import Difference, MismatchError
from spikeloom.sim.compare.lockstep import Lockstep, Verification, verify
from tests.support.golden_transport import Fault, GoldenTransport

SEED, TRAIN, TEST = 5, 520, 30


@pytest.fixture(scope="module")
def config() -> NetworkConfig:
    return load("tiny")


@pytest.fixture(scope="module")
def digits(config: NetworkConfig) -> Dataset:
    return datasets.mnist(config, train=TRAIN, test=TEST, held_out=0)


def check(config: NetworkConfig, digits: Dataset, fault: Fault | None = None) -> Verification:
    built = machine(config)
    device = DeviceEngine("rtl", built, GoldenTransport(built, fault))
    return verify(config, SEED, digits, device)


def difference(config: NetworkConfig, digits: Dataset, fault: Fault) -> Difference:
    found = check(config, digits, fault)
    assert not found.equal
    assert found.difference is not None
    return found.difference


def image(digits: Dataset, sample: int) -> np.ndarray:
    """Return the image that is presented as number `sample` of the first epoch."""
    return digits.train.images[initial.order(SEED, 0, TRAIN)[sample]]


class Board(GoldenTransport):
    """A core that is far away: it tells which commands it was given."""

    def __init__(self, machine: Machine, fault: Fault | None = None) -> None:
        super().__init__(machine, fault)
        self.given: list[int] = []

    def command(self, data: bytes) -> tuple[int, bytes]:
        taken, answer = super().command(data)
        self.given += [data[0]] * (taken > 0)
        return taken, answer


def test_a_board_is_compared_by_the_digest_of_each_sample(config: NetworkConfig, digits: Dataset):
    transport = Board(machine(config))
    device = DeviceEngine("board", machine(config), transport)
    assert verify(config, SEED, digits, device) == Verification(944, TRAIN + TEST, None)
    assert transport.given.count(Opcode.DIGEST) >= TRAIN
    assert transport.given.count(Opcode.READ_WEIGHTS) == 0


@pytest.mark.parametrize(("sample", "step"), [(0, 0), (255, 6), (430, 0), (TRAIN - 1, 15)])
def test_a_wrong_weight_of_a_board_is_found_at_its_sample(
    config: NetworkConfig, digits: Dataset, sample: int, step: int
):
    fault = Fault(image(digits, sample), step, weight=(1, 3, 4))
    transport = Board(machine(config), fault)
    device = DeviceEngine("board", machine(config), transport)
    found = verify(config, SEED, digits, device).difference
    assert found is not None
    assert (found.kind, found.sample, found.step) == ("train", sample, step)
    assert (found.layer, found.row, found.column) == (1, 3, 4)
    # nothing was trained again but that sample, cut shorter and shorter
    assert transport.given.count(Opcode.TRAIN) < TRAIN + 10
    assert transport.given.count(Opcode.READ_WEIGHTS) <= 2 * 6


def test_a_count_and_a_generator_of_a_board_are_found(config: NetworkConfig, digits: Dataset):
    for fault, what in (
        (Fault(image(digits, 44), 3, count=9), "count of class 9"),
        (Fault(image(digits, 44), 3, stream=thinning_stream(1)), "the state of stream thinning1"),
    ):
        device = DeviceEngine("board", machine(config), GoldenTransport(machine(config), fault))
        found = verify(config, SEED, digits, device).difference
        assert found is not None
        assert (found.sample, found.step, found.what) == (44, 3, what)


def test_equal_engines_are_equal_in_every_weight_and_image(config: NetworkConfig, digits: Dataset):
    found = check(config, digits)
    assert found == Verification(944, TRAIN + TEST, None)
    assert found.equal


@pytest.mark.parametrize(
    ("sample", "step"), [(0, 0), (0, 15), (255, 6), (256, 6), (430, 0), (TRAIN - 1, 15)]
)
def test_a_wrong_weight_is_found_where_it_is(
    config: NetworkConfig, digits: Dataset, sample: int, step: int
):
    fault = Fault(image(digits, sample), step, weight=(2, 3, 4))
    found = difference(config, digits, fault)
    assert (found.kind, found.sample, found.step) == ("train", sample, step)
    assert (found.layer, found.row, found.column) == (2, 3, 4)
    assert abs(found.golden - found.device) == 1
    assert f"sample {sample} trained, step {step}: weight of layer 2, row 3, column 4" in str(found)


def test_a_wrong_weight_is_found_though_no_count_ever_shows_it(
    config: NetworkConfig, digits: Dataset
):
    dark = np.flatnonzero(digits.train.images.reshape(TRAIN, -1).max(axis=0) == 0)
    assert dark.size
    row = int(dark[0])
    found = difference(config, digits, Fault(image(digits, 123), 9, weight=(1, row, 7)))
    assert (found.sample, found.step, found.row, found.column) == (123, 9, row, 7)


def test_a_wrong_count_is_found(config: NetworkConfig, digits: Dataset):
    found = difference(config, digits, Fault(image(digits, 44), 3, count=9))
    assert (found.sample, found.step, found.what) == (44, 3, "count of class 9")
    assert found.device == found.golden + 1


@pytest.mark.parametrize("counter", ["spikes.0", "spikes.1", "positive.1", "negative.2"])
def test_a_wrong_spike_is_found_by_its_counter(
    config: NetworkConfig, digits: Dataset, counter: str
):
    found = difference(config, digits, Fault(image(digits, 310), 11, counter=counter))
    assert (found.sample, found.step, found.what) == (310, 11, f"counter {counter}")
    assert found.layer == int(counter[-1])
    assert found.device == found.golden + 1


def test_a_generator_that_went_astray_is_found(config: NetworkConfig, digits: Dataset):
    stream = thinning_stream(1)
    found = difference(config, digits, Fault(image(digits, 10), 0, stream=stream))
    assert (found.sample, found.step, found.what) == (10, 0, "the state of stream thinning1")


def test_all_that_differs_is_told(config: NetworkConfig, digits: Dataset):
    fault = Fault(image(digits, 20), 5, weight=(1, 2, 3), count=1, counter="spikes.2")
    found = difference(config, digits, fault)
    assert (found.row, found.column) == (2, 3)
    assert any("count of class 1" in text for text in found.also)
    assert any("counter spikes.2" in text for text in found.also)


def test_a_wrong_count_in_inference_is_found(config: NetworkConfig, digits: Dataset):
    fault = Fault(digits.test.images[17], 9, infer=True, count=0)
    found = difference(config, digits, fault)
    assert (found.kind, found.sample, found.step) == ("infer", 17, 9)
    assert "sample 17 inferred, step 9: count of class 0" in str(found)


def test_a_fault_that_does_not_repeat_is_told_as_such(config: NetworkConfig, digits: Dataset):
    built = machine(config)
    transport = GoldenTransport(built, Fault(image(digits, 70), count=2))
    device = DeviceEngine("rtl", built, transport)
    finish = transport._finish

    def once(*args: object, **kwargs: object) -> bytes:
        faulty = transport.fault
        shown = faulty and np.array_equal(faulty.image.reshape(-1), transport._image)
        reply = finish(*args, **kwargs)
        if shown:
            transport.fault = None
        return reply

    transport._finish = once
    found = verify(config, SEED, digits, device).difference
    assert found is not None
    assert (found.sample, found.step, found.what) == (70, None, "count of class 2")
    assert "does not repeat" in str(found)


def test_a_broken_digest_is_no_broken_weight(config: NetworkConfig, digits: Dataset):
    built = machine(config)

    class Device(DeviceEngine):
        def digest(self) -> int:
            return super().digest() ^ 1

    found = verify(config, SEED, digits, Device("rtl", built, GoldenTransport(built))).difference
    assert found is not None
    assert "digest" in found.what
    assert found.golden ^ found.device == 1


def test_seeds_and_epochs_are_taken_along(config: NetworkConfig, seed: int):
    data = datasets.mnist(config, train=40, test=5, held_out=10)
    built = machine(config)
    device = DeviceEngine("rtl", built, GoldenTransport(built))
    found = verify(config, seed, data, device, epochs=4)
    assert found.equal
    assert found.compared_images >= 4 * 40 + 5 + 10


def test_a_pair_is_an_engine_that_returns_what_the_core_does(
    config: NetworkConfig, digits: Dataset, seed: int
):
    built = machine(config)
    pair = Lockstep(GoldenEngine(built), DeviceEngine("rtl", built, GoldenTransport(built)))
    start(pair, seed)
    counts = pair.train(digits.train.images[:9], digits.train.labels[:9])
    alone = GoldenEngine(built)
    start(alone, seed)
    np.testing.assert_array_equal(
        counts, alone.train(digits.train.images[:9], digits.train.labels[:9])
    )
    assert pair.stream_states == alone.stream_states
    np.testing.assert_array_equal(pair.weights[0], alone.weights[0])
    assert pair.counters()["cycles"] > 0
    assert pair.device_seconds > 0


def test_a_state_set_from_outside_is_the_one_gone_back_to(
    config: NetworkConfig, digits: Dataset, seed: int
):
    built = machine(config)
    fault = Fault(digits.train.images[2], 4, weight=(1, 20, 5))
    pair = Lockstep(GoldenEngine(built), DeviceEngine("rtl", built, GoldenTransport(built, fault)))
    start(pair, seed)
    pair.weights = [np.zeros_like(w) for w in pair.weights]
    pair.train(digits.train.images[:5], digits.train.labels[:5])
    with pytest.raises(MismatchError) as caught:
        pair.compare_weights()
    found = caught.value.difference
    assert (found.sample, found.step, found.row, found.column) == (2, 4, 20, 5)


def test_the_rate_form_is_refused(config: NetworkConfig, digits: Dataset):
    rate = dataclasses.replace(config, learning=dataclasses.replace(config.learning, rule="rate"))
    with pytest.raises(ConfigError, match=r"learning\.rule = 'rate'"):
        check(rate, digits)
