"""Data for a network: what is trained on, held out and tested on, and the requests refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikeloom import datasets
from spikeloom.golden.datasets import DataError, Part
from spikeloom.golden.spec.network import NetworkConfig, load


@pytest.fixture(scope="module")
def config() -> NetworkConfig:
    return load("tiny")


def test_the_held_out_images_are_the_last_whatever_is_trained_on(config: NetworkConfig):
    few = datasets.mnist(config, train=5, test=0, held_out=8)
    more = datasets.mnist(config, train=50, test=0, held_out=8)
    np.testing.assert_array_equal(few.held.images, more.held.images)
    assert datasets.mnist(config).held.images.shape == (datasets.HELD_OUT, 7, 7)
    assert len(datasets.mnist(config, train=59_900).held.images) == 100


def test_validation_tests_on_the_held_out_images(config: NetworkConfig):
    data = datasets.mnist(config, train=5, held_out=12, validate=True)
    np.testing.assert_array_equal(data.test.images, data.held.images)
    assert len(datasets.mnist(config, held_out=12, validate=True, test=7).test.images) == 7


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
        datasets.mnist(config, **asked)


def test_a_network_with_too_few_outputs_is_refused_or_gets_its_classes(config: NetworkConfig):
    three = dataclasses.replace(config, sizes=(49, 16, 3))
    with pytest.raises(DataError, match=r"10 classes and 'tiny' 3 outputs"):
        datasets.mnist(three)
    data = datasets.mnist(three, train=50, test=50, any_classes=True)
    assert (data.classes, len(data.train.labels)) == (3, 50)
    assert set(data.train.labels) | set(data.test.labels) == {0, 1, 2}


def test_an_image_size_that_does_not_divide_is_refused(config: NetworkConfig):
    with pytest.raises(DataError, match="28 x 28 cannot be down-sampled to 5 x 10"):
        datasets.mnist(dataclasses.replace(config, image=(5, 10), sizes=(50, 16, 10)))


def test_a_fingerprint_tells_data_apart(config: NetworkConfig):
    digits = datasets.mnist(config, train=90, test=10, held_out=20)
    again = datasets.mnist(config, train=90, test=3, held_out=25)
    assert again.train.fingerprint() == digits.train.fingerprint()
    other = digits.train.images.copy()
    other[3, 3, 3] ^= 1
    changed = dataclasses.replace(digits, train=Part(other, digits.train.labels))
    assert changed.train.fingerprint() != digits.train.fingerprint()


def test_a_part_slices_and_unpacks(config: NetworkConfig):
    data = datasets.mnist(config, train=90, test=10, held_out=20)
    X, y = data.train[10:20]
    np.testing.assert_array_equal(X, data.train.images[10:20])
    np.testing.assert_array_equal(y, data.train.labels[10:20])
    sevens = data.train[data.train.labels == 7]
    assert set(sevens.labels) == {7}
    assert repr(data.test) == "<mnist, test: 10 images of 7 x 7, 7 classes>"
    assert (len(data.train), len(data.held), len(data.test)) == (90, 20, 10)


def test_a_single_image_is_no_part(config: NetworkConfig):
    part = Part(np.zeros((3, 7, 7), np.uint8), np.zeros(3, np.uint8))
    with pytest.raises(TypeError, match=r"part\[1\]: write part\[1:2\]"):
        part[1]


def test_of_few_images_a_fifth_is_held_out(config: NetworkConfig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(datasets, "HELD_OUT", 20_000)
    assert len(datasets.mnist(config).held) == 12_000
