"""ANNs and live modules as stages, and what a framework did as spikes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spikeloom import nir
from spikeloom.nir import checking, emulate
from spikeloom.nir.errors import NirError


class Tensor:
    """As much of a tensor as is asked for."""

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values, np.float32)

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self._values


def module(kind: str, **values: Any) -> Any:
    """Return an object of a class of that name."""
    made = type(kind, (), {})()
    vars(made).update(values)
    return made


def chain(*children: Any) -> Any:
    inner = [(str(i), child) for i, child in enumerate(children)]
    return SimpleNamespace(named_children=lambda: inner)


WEIGHT = np.array([[0.5, 1.0], [0.25, -1.0], [1.0, 1.0]])
LINEAR = module("Linear", weight=Tensor(WEIGHT), bias=None)


def leaky(**changes: Any) -> Any:
    own = {"beta": Tensor(0.9), "threshold": Tensor(1.0), "reset_mechanism": "subtract"}
    return module("Leaky", **own | {"reset_delay": True} | changes)


def test_a_snntorch_module_says_what_its_file_loses():
    network = nir.from_module(chain(module("Flatten"), chain(LINEAR, leaky())))
    (stage,) = network.stages
    np.testing.assert_array_equal(stage.weight, WEIGHT)
    np.testing.assert_allclose(stage.keep, 0.9)
    np.testing.assert_allclose(stage.drop, 1 / 0.9)
    assert (stage.zero, stage.at_threshold, network.sizes) == (False, False, [2, 3])
    zero = nir.from_module(chain(LINEAR, leaky(reset_mechanism="zero", beta=0.5)))
    assert zero.stages[0].zero


def test_spikingjelly_nodes():
    node = module("IFNode", v_threshold=2.0, v_reset=None)
    (stage,) = nir.from_module(chain(LINEAR, node)).stages
    assert (stage.zero, stage.at_threshold, stage.threshold[0], stage.keep[0]) == (
        False,
        True,
        2.0,
        1.0,
    )
    lif = module("LIFNode", v_threshold=1.0, v_reset=0.0, tau=2.0, decay_input=True)
    (stage,) = nir.from_module(chain(LINEAR, lif)).stages
    np.testing.assert_array_equal(stage.weight, WEIGHT / 2)
    assert (stage.zero, stage.keep[0]) == (True, 0.5)


@pytest.mark.parametrize(
    ("children", "words"),
    [
        ((LINEAR,), "no spiking neurons behind it"),
        ((leaky(),), r"'0' \(Leaky\) comes without a Linear"),
        ((LINEAR, LINEAR, leaky()), r"'1' \(Linear\) follows another"),
        ((LINEAR, module("BatchNorm1d")), r"'1' \(BatchNorm1d\) is not supported: there are Lin"),
        ((LINEAR, leaky(reset_mechanism="none")), "reset_mechanism 'none' is not supported"),
        ((LINEAR, leaky(reset_delay=False)), "reset_delay=False with subtract"),
        ((LINEAR, leaky(beta=0.0)), "beta and threshold must be above 0"),
        ((LINEAR, leaky(beta=np.ones(2))), "beta has 2 numbers for 3 neurons"),
        ((LINEAR, module("IFNode", v_threshold=1.0, v_reset=-1.0)), r"v_reset = -1\.0 is not"),
        (
            (LINEAR, module("LIFNode", v_threshold=1.0, v_reset=0.0, tau=1.0)),
            "tau = 1 keeps nothing",
        ),
    ],
)
def test_modules_that_cannot_be_are_named(children: tuple[Any, ...], words: str):
    with pytest.raises(NirError, match=words):
        nir.from_module(chain(*children))


def test_balancing_by_hand():
    """Largest activations 4 and 8: weights by 1/4, then by 4/8; biases by 1/4 and 1/8."""
    layers = [(np.array([[4.0]]), np.array([0.0])), (np.array([[1.0]]), np.array([4.0]))]
    network = nir.balanced(layers, np.full((3, 1), 255, np.uint8))
    first, second = network.stages
    assert (first.weight.item(), first.bias.item()) == (1.0, 0.0)
    assert (second.weight.item(), second.bias.item()) == (0.5, 0.5)
    assert {s.start for s in network.stages} == {0.5}
    with pytest.raises(NirError, match=r"layer 1 of the ANN is never active"):
        nir.balanced([(np.array([[-1.0]]), np.array([0.0]))], np.full((3, 1), 255, np.uint8))
    with pytest.raises(NirError, match=r"images of 2 pixels, the ANN takes 1"):
        nir.balanced(layers, np.zeros((3, 2), np.uint8))


def test_balanced_rates_are_activations():
    """After many steps a neuron's rate is its activation in thresholds: the conversion's law."""
    rng = np.random.default_rng(5)
    layers = [(rng.normal(0, 0.4, (9, 6)), np.zeros(9)), (rng.normal(0, 0.4, (4, 9)), np.zeros(4))]
    images = rng.integers(0, 256, (400, 6)).astype(np.uint8)
    network = nir.balanced(layers, images)
    x = images[:20] / 255
    rates = emulate.counts(network, x, 2000) / 2000
    for stage in network.stages:
        x = np.clip(x @ stage.weight.T, 0, 1)
    np.testing.assert_allclose(rates, x, atol=0.02)


def test_relu_files(tmp_path: Path):
    path = tmp_path / "ann.npz"
    np.savez(path, weight1=np.ones((3, 2), "f4"), weight2=np.ones((2, 3), "f4"), bias2=np.ones(2))
    (first, none), (_, bias) = nir.read_relu(path)
    assert (first.shape, none.tolist(), bias.tolist()) == ((3, 2), [0, 0, 0], [1, 1])
    for arrays, words in (
        ({"weights": np.ones(1)}, "holds weights: arrays weight1"),
        ({"weight1": np.ones(3)}, "weight1 is no table of finite numbers"),
        ({"weight1": np.full((2, 2), np.inf)}, "weight1 is no table of finite numbers"),
        ({"weight1": np.ones((2, 2)), "bias1": np.ones(3)}, "bias1 is no row of 2"),
        ({"weight1": np.ones((2, 2)), "weight2": np.ones((2, 3))}, "takes 3 numbers, 2 come"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(NirError, match=words):
            nir.read_relu(path)
    path.write_text("no")
    with pytest.raises(NirError, match=r"is no \.npz of weights"):
        nir.read_relu(path)
    with pytest.raises(NirError, match="cannot read"):
        nir.read_relu(tmp_path / "gone.npz")


def test_spike_files(tmp_path: Path):
    path, labels = tmp_path / "s.npz", np.array([1, 0])
    spikes = np.zeros((3, 2, 10), np.uint8)
    spikes[1, 0, 9] = 1
    np.savez(path, spikes=np.packbits(spikes, axis=-1), labels=labels, counts=np.zeros((2, 4)))
    given = nir.load_spikes(path, 10)
    np.testing.assert_array_equal(given.spikes, spikes)
    np.savez(path, pixels=np.ones((2, 10), np.uint8), labels=labels)
    assert nir.load_spikes(path, 10).pixels is not None
    for arrays, words in (
        ({"labels": labels}, "spikes is missing"),
        ({"pixels": np.ones((2, 10), np.uint8)}, "lacks 'labels'"),
        ({"labels": np.int64(3)}, r"labels of the shape \[\], expected one per image"),
        ({"labels": labels, "counts": np.ones(2)}, r"counts of the shape \[2\] for 2 labels"),
        (
            {"labels": labels, "spikes": np.zeros((3, 2, 1), np.uint8)},
            r"no \.npz of spikes, or damaged",
        ),
    ):
        np.savez(path, **arrays)
        with pytest.raises(NirError, match=words):
            nir.load_spikes(path, 10)
    with pytest.raises(NirError, match="cannot read"):
        nir.load_spikes(tmp_path / "gone.npz", 10)


def test_what_cannot_be_compared_is_refused():
    two = np.ones(2)
    stage = nir.Stage("n", np.ones((2, 4)), 0 * two, two, two, two, False, True)
    network = nir.Staged((stage,), ())
    lowered = nir.lower(network, steps=5)
    images = np.full((3, 4), 255, np.uint8)
    given = checking.drawn(images, np.zeros(3), 5)
    assert given.spikes.shape == (5, 3, 4)
    found = nir.agreement(network, lowered, given, constant=False)
    assert (found.images, found.same_counts, found.reference) == (3, 1.0, None)
    with pytest.raises(NirError, match="spikes are given, and constant currents asked for"):
        nir.agreement(network, lowered, checking.Spikes(given.labels, given.spikes), constant=True)
    wrong = checking.Spikes(given.labels, given.spikes, None, np.zeros((3, 7)))
    with pytest.raises(NirError, match="counts of 7 classes are given, the network has 2"):
        nir.agreement(network, lowered, wrong, constant=False)
