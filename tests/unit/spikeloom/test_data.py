"""Data for a network: what is trained on, held out and tested on, and the requests refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikeloom import data as network_data
from spikeloom.golden.datasets import DataError
from spikeloom.golden.spec.network import NetworkConfig, load


@pytest.fixture(scope="module")
def config() -> NetworkConfig:
    return load("tiny")


def test_the_held_out_images_are_the_last_whatever_is_trained_on(config: NetworkConfig):
    few = network_data.load(config, train=5, test=0, held_out=8)
    more = network_data.load(config, train=50, test=0, held_out=8)
    np.testing.assert_array_equal(few.held_images, more.held_images)
    assert network_data.load(config).held_images.shape == (network_data.HELD_OUT, 7, 7)
    assert len(network_data.load(config, train=59_900).held_images) == 100


def test_validation_tests_on_the_held_out_images(config: NetworkConfig):
    data = network_data.load(config, train=5, held_out=12, validate=True)
    np.testing.assert_array_equal(data.test_images, data.held_images)
    assert len(network_data.load(config, held_out=12, validate=True, test=7).test_images) == 7


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"train": 60_001}, "60001 images to train on: .* has 60000, less 0 held out"),
        ({"train": 59_500, "held_out": 600}, "less 600 held out; ask for 1 to 59400"),
        ({"train": 0}, "0 images to train on"),
        ({"held_out": 60_000}, "60000 images held out of 60000: hold out 0 to 59999"),
        ({"held_out": 0, "validate": True}, "hold out 1 to 59999"),
        ({"test": 10_001}, "10001 images to test on: there are 10000"),
        ({"held_out": 9, "validate": True, "test": 10}, "10 images to test on: there are 9"),
    ],
)
def test_more_images_than_there_are_are_refused(config: NetworkConfig, asked: dict, match: str):
    with pytest.raises(DataError, match=match):
        network_data.load(config, **asked)


def test_a_network_with_too_few_outputs_is_refused_or_gets_its_classes(config: NetworkConfig):
    three = dataclasses.replace(config, sizes=(49, 16, 3))
    with pytest.raises(DataError, match=r"10 classes and 'tiny' 3 outputs"):
        network_data.load(three)
    data = network_data.load(three, train=50, test=50, any_classes=True)
    assert (data.classes, len(data.train_labels)) == (3, 50)
    assert set(data.train_labels) | set(data.test_labels) == {0, 1, 2}


def test_an_image_size_that_does_not_divide_is_refused(config: NetworkConfig):
    with pytest.raises(DataError, match="28 x 28 cannot be down-sampled to 5 x 10"):
        network_data.load(dataclasses.replace(config, image=(5, 10), sizes=(50, 16, 10)))


def test_a_fingerprint_tells_data_apart(config: NetworkConfig):
    digits = network_data.load(config, train=90, test=10, held_out=20)
    again = network_data.load(config, train=90, test=3, held_out=25)
    assert network_data.fingerprint(again) == network_data.fingerprint(digits)
    other = digits.train_images.copy()
    other[3, 3, 3] ^= 1
    changed = dataclasses.replace(digits, train_images=other)
    assert network_data.fingerprint(changed) != network_data.fingerprint(digits)
