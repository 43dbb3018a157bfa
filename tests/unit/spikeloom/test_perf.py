"""Performance: cycles and floor of the very same samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikeloom import datasets, perf
from spikeloom.boards.estimate import line_bytes
from spikeloom.engines.device import DeviceEngine
from spikeloom.golden import initial
from spikeloom.golden.datasets import DataError, Dataset, Part
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.golden.spec.streams import streams
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.perf import Performance, measure
from tests.support.golden_transport import GoldenTransport

WARM_UP, IMAGES = 30, 12


@pytest.fixture(scope="module")
def config() -> NetworkConfig:
    return load("tiny")


@pytest.fixture(scope="module")
def digits(config: NetworkConfig) -> Dataset:
    return datasets.mnist(config, train=100, test=0, held_out=0)


class Fixed(GoldenTransport):
    """Takes a known number of cycles: 1000 per image."""

    def _add(self, name: str, value: int) -> None:
        super()._add(name, 1000 if name == "cycles" else value)


@pytest.fixture(params=[2, 1])
def measured(
    request: pytest.FixtureRequest, config: NetworkConfig, digits: Dataset, seed: int
) -> tuple[Hardware, Performance]:
    hardware = Hardware(lanes=(3,), ports=(request.param,))
    device = DeviceEngine("rtl", machine(config), Fixed(machine(config)))
    found = measure(seed, digits, device, hardware, warm_up=WARM_UP, images=IMAGES)
    return hardware, found


def trained(config: NetworkConfig, digits: Dataset, seed: int, count: int) -> Network:
    """Return a network that has seen the first `count` images of a run."""
    network = Network(machine(config))
    network.weights = initial.weights(network.machine, seed)
    network.stream_states = [stream.seed(seed) for stream in streams(config)]
    order = initial.order(seed, 0, len(digits.train.images))[:count]
    network.train(digits.train.images[order], digits.train.labels[order])
    return network


def test_the_floor_is_that_of_the_samples_that_were_timed(
    measured: tuple[Hardware, Performance], config: NetworkConfig, digits: Dataset, seed: int
):
    hardware, found = measured
    network = trained(config, digits, seed, WARM_UP)
    order = initial.order(seed, 0, len(digits.train.images))
    images, labels = digits.train.images[order], digits.train.labels[order]
    chosen = slice(WARM_UP, WARM_UP + IMAGES)
    _, activity = network.train(images[chosen], labels[chosen])
    expected = floor_cycles(hardware.of(network.machine), activity).mean()
    assert found.floor_per_train_image == expected
    assert found.ratio == 1000 / expected


def test_cycles_are_the_cores_own_per_image(measured: tuple[Hardware, Performance]):
    _, found = measured
    assert (found.cycles_per_train_image, found.cycles_per_infer_image) == (1000, 1000)
    assert (found.warm_up, found.train_images, found.infer_images) == (WARM_UP, IMAGES, IMAGES)


def test_the_floor_of_inference_is_of_its_spikes_alone(
    measured: tuple[Hardware, Performance], config: NetworkConfig, digits: Dataset, seed: int
):
    _, found = measured
    network = trained(config, digits, seed, WARM_UP + IMAGES)
    order = initial.order(seed, 0, len(digits.train.images))[WARM_UP : WARM_UP + IMAGES]
    spikes = [network.raster(digits.train.images[k], 0, 0)[0] for k in order]
    words = np.repeat([-(-16 // 3), -(-10 // 3), 0], config.sizes)
    expected = sum(int((s * words).sum()) for s in spikes) / IMAGES
    assert found.floor_per_infer_image == expected
    assert found.infer_ratio == 1000 / expected


def test_every_rate_is_measured(measured: tuple[Hardware, Performance]):
    _, found = measured
    rates = (
        found.images_per_second,
        found.infer_images_per_second,
        found.golden_images_per_second,
    )
    assert min(rates) > 0


@pytest.mark.parametrize(("warm_up", "images"), [(95, 6), (0, 0), (-1, 5)])
def test_too_few_images_are_refused(
    config: NetworkConfig, digits: Dataset, warm_up: int, images: int
):
    built = machine(config)
    device = DeviceEngine("rtl", built, GoldenTransport(built))
    with pytest.raises(DataError, match=f"{images} images after a warm-up of {warm_up}: .* 100 to"):
        measure(1, digits, device, DEFAULT, warm_up=warm_up, images=images)


def test_images_without_a_spike_are_refused(config: NetworkConfig, digits: Dataset):
    dark = dataclasses.replace(
        digits, train=Part(np.zeros_like(digits.train.images), digits.train.labels)
    )
    built = machine(config)
    device = DeviceEngine("rtl", built, GoldenTransport(built))
    with pytest.raises(DataError, match="made no spike"):
        measure(1, dark, device, DEFAULT, warm_up=3, images=3)


@pytest.mark.parametrize(("there", "measured"), [(100, 50), (20, 20)])
def test_a_board_is_measured_on_as_many_images_as_there_are(
    config: NetworkConfig,
    digits: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    there: int,
    measured: int,
):
    def rtl(machine: Machine, hardware: Hardware, **_: object) -> DeviceEngine:
        assert hardware.lanes == (3,)
        return DeviceEngine("rtl", machine, Fixed(machine))

    monkeypatch.setattr(perf, "RtlEngine", rtl)
    some = dataclasses.replace(digits, train=digits.train[:there])
    found = perf.board_speed(config, Hardware(lanes=(3,)), some, print)
    assert (found.train_cycles, found.infer_cycles, found.images) == (1000, 1000, measured)
    assert found.line_bytes == line_bytes(some.train.images)


def test_the_defaults_warm_up_before_they_measure():
    assert (perf.WARM_UP, perf.IMAGES) == (50_000, 50)
