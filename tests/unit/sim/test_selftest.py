"""The self-test: a sound core passes every check, a fault is told under its concept's name."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from spikeloom.boards.host.device import DeviceError
from spikeloom.boards.host.link import CoreStuckError, LinkError
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict, load
from spikeloom.golden.spec.neuron import Leak
from spikeloom.golden.spec.protocol import Feature, Opcode
from spikeloom.hdl import core
from spikeloom.sim.selftest.probe import CheckError, Probe, variant
from spikeloom.sim.selftest.selftest import CHECKS, Finding, selftest
from tests.campaigns.mutation.planted import Mutant, of
from tests.support.configurations import random_config, table
from tests.support.core_faults import replaced
from tests.support.golden_transport import GoldenTransport, foreign
from tests.support.verilated import verilated

NAMES = [check.name for check in CHECKS]


@pytest.fixture(scope="module")
def tiny() -> Machine:
    return machine(load("tiny"))


def rich(**keys: Any) -> list[dict[str, Any]]:
    own = {"error_threshold": 0.5, "reach": 0.5, **keys}
    return [{**layer, **own} for layer in table()["layer"]]


def small(**changes: Any) -> Machine:
    """Return a network that is rich in what can go wrong."""
    given = {
        "image": [4, 5],
        "sizes": [20, 9, 4],
        "steps": 16,
        "neuron__floor": 1.0,
        "layer": rich(),
        **changes,
    }
    return machine(from_dict(table(**given)))


def failed(transport: Any, expected: Machine) -> Finding:
    """Return the check that failed; those before it passed, those after it were not run."""
    found = list(selftest(transport, expected))
    assert [finding.name for finding in found] == NAMES
    states = [finding.state for finding in found]
    place = states.index("failed")
    assert set(states[:place]) <= {"passed"}
    assert set(states[place + 1 :]) <= {"not run"}
    assert found[place].detail
    return found[place]


class Loose(Network):
    """A network that takes any weights: rails that are too narrow must show in learning only."""

    @property
    def weights(self) -> list[np.ndarray]:
        return Network.weights.fget(self)

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        for layer, given in zip(self.machine.layers, weights, strict=True):
            self._view(layer.index)[:] = given


class Wrong(GoldenTransport):
    """A core that is sound but for its network, which is another machine's."""

    def __init__(self, machine: Machine, wrong: Machine, features: Feature) -> None:
        super().__init__(machine, features=features)
        self._network = Loose(wrong)


@pytest.mark.parametrize("features", [Feature.COUNTERS, Feature(0)], ids=["counters", "none"])
def test_a_sound_core_passes(tiny: Machine, features: Feature):
    found = list(selftest(GoldenTransport(tiny, features=features), tiny))
    assert [(finding.name, finding.state, finding.detail) for finding in found] == [
        (name, "passed", "") for name in NAMES
    ]


def test_any_sound_core_passes(seed: int):
    rng = np.random.default_rng(seed)
    for features in (Feature.COUNTERS, Feature(0)):
        drawn = machine(random_config(rng, learning__rule="ssnn-bp"))
        found = selftest(GoldenTransport(drawn, features=features), drawn, seed=seed)
        assert [finding.detail for finding in found] == [""] * len(NAMES)


def test_it_leaves_a_core_as_after_reset(tiny: Machine):
    transport = GoldenTransport(tiny)
    before = dict(transport._values)
    list(selftest(transport, tiny))
    assert transport._values == before


def test_what_a_network_lacks_is_noted(tiny: Machine):
    notes = {found.name: found.notes for found in selftest(GoldenTransport(tiny), tiny)}
    assert notes["wta"] == ("this network has none",)
    assert notes["dropout"] == ("this network drops nothing",)
    assert notes["stopping"] == ("this network runs all steps of every sample",)
    assert any("floor of layer 1: nothing that this network does" in n for n in notes["neuron"])


COMPETING = {"wta__kind": "softmax", "wta__strength": 3.0}
FAULTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"ramp_train": (257,) * 16}, "encoder"),
    ({}, {"neuron__reset": "zero"}, "neuron"),
    ({}, {"layer1__train": {"theta": 257}}, "neuron"),
    ({}, {"layer2__train": {"theta": 4097}}, "neuron"),
    ({}, {"layer1__train": {"start": 127}}, "neuron"),
    ({}, {"layer1__train": {"floor": -1 << 20}}, "neuron"),
    ({}, {"layer1__train": {"ceiling": 1 << 20}}, "neuron"),
    ({}, {"layer2__train": {"ceiling": 1 << 20}}, "neuron"),
    ({"neuron__kernel_shift": 2}, {"neuron__kernel_shift": 1}, "crossbar"),
    ({"layer": rich(leak=0.0625)}, {"layer1__leak": Leak(5)}, "neuron"),
    ({}, {"layer2__leak": Leak(12)}, "neuron"),
    ({}, {"layer1__train": {"excess": 1}}, "neuron"),
    ({"layer": rich(drop=1.5)}, {"layer2__train": {"excess": 0}}, "neuron"),
    ({"wta__kind": "lateral", "wta__strength": 0.25}, {"layer2__inhibition": 2048}, "wta"),
    ({"wta__kind": "recurrent", "wta__strength": 0.25}, {"wta__kind": "feedforward"}, "wta"),
    (COMPETING, {"noise_gain": (0,) * 16}, "class"),  # without currents too
    (COMPETING, {"noise_gain": (12288,) * 16}, "wta"),
    (COMPETING, {"layer1__train": {"theta": 257}}, "neuron"),
    ({}, {"layer2__error_threshold": 200}, "error"),
    ({}, {"label": (0,) * 16}, "error"),
    ({}, {"layer1__error_threshold": 2049}, "backward"),
    ({}, {"error__gate": "open"}, "backward"),
    ({}, {"error__gate": "discard"}, "backward"),
    ({"error__cost": 0.5}, {"layer1__cost": 0}, "backward"),
    ({"error__cost": 0.5}, {"layer1__cost": 1025}, "backward"),
    ({}, {"layer1__weight_max": 126}, "learning"),
    ({}, {"layer2__weight_max": 2046}, "learning"),
    ({"input__dropout": 0.4}, {"input_dropout": 1}, "encoder"),
    ({"input__jitter": 1}, {"input__jitter": 2}, "encoder"),
    (
        {"layer": [{**table()["layer"][0], "dropout": 0.3}, table()["layer"][1]]},
        {"layer1__dropout": 1},
        "dropout",
    ),
    ({"input__dropout": 0.4}, {"ramp_infer": (100,) * 16}, "inference"),
]


@pytest.mark.parametrize("features", [Feature.COUNTERS, Feature(0)], ids=["counters", "none"])
@pytest.mark.parametrize(("changes", "fault", "concept"), FAULTS)
def test_a_wrong_concept_is_named(
    changes: dict[str, Any], fault: dict[str, Any], concept: str, features: Feature
):
    sound = small(**changes)
    found = failed(Wrong(sound, variant(sound, **fault), features), sound)
    assert found.name == concept, found


class Broken(GoldenTransport):
    """A core in which one thing goes wrong, below the network."""

    def __init__(self, machine: Machine, what: str) -> None:
        super().__init__(machine)
        self._what = what
        self._echoes = 0

    def command(self, data: bytes) -> tuple[int, bytes]:
        shown = self._image.any()
        taken, answer = super().command(data)
        if not taken:
            return taken, answer
        opcode, values = data[0], self._values
        if self._what == "an echo is wrong" and opcode == Opcode.IDENTIFY:
            self._echoes += 1
            answer = answer[:-1] + b"\0" if self._echoes == 300 else answer
        elif self._what == "a register bit is stuck":
            values["probability.1"] &= ~0x10
        elif self._what == "two registers are one" and opcode == Opcode.WRITE:
            values["probability.2"] = values["probability.1"]
        elif self._what == "reset forgets a register" and opcode == Opcode.RESET:
            values["steps"] = 1
        elif self._what == "a generator stands still" and opcode == Opcode.TRAIN:
            values["stream.input.low"] ^= 4
        elif self._what == "inference moves a generator" and opcode == Opcode.INFER:
            values["stream.thinning1.low"] += 1
        elif self._what == "inference learns" and opcode == Opcode.INFER and shown:
            self._poke(lambda w: w.__setitem__((0, 0), (w[0, 0] + 1) // 2))
        elif self._what == "a cell is stuck":
            self._poke(lambda w: w.__setitem__((7, 3), w[7, 3] & ~2))
        elif self._what == "two rows are one" and opcode == Opcode.WRITE_WEIGHTS:
            self._poke(lambda w: w.__setitem__(9, w[1]))
        elif self._what == "a wrong digest" and opcode == Opcode.DIGEST:
            answer = bytes(4)
        elif self._what == "a tie goes to the highest" and opcode == Opcode.INFER:
            answer = answer[:-4] + b"\x09\0" + answer[-2:]
        return taken, answer

    def _poke(self, change: Any) -> None:
        weights = self._network.weights
        change(weights[0])
        self._network.weights = weights


@pytest.mark.parametrize(
    ("what", "concept", "words"),
    [
        ("an echo is wrong", "link", "byte .* is 0x00"),
        ("a register bit is stuck", "registers", r"register probability\.1 is 0x"),
        ("two registers are one", "registers", r"register probability\.2 is 0x"),
        ("reset forgets a register", "registers", "after RESET: register steps is 0x1"),
        ("a generator stands still", "lfsr", "stream input"),
        ("inference moves a generator", "inference", "stream thinning1"),
        ("inference learns", "inference", "digest of the weights"),
        ("a cell is stuck", "weights", "weight of layer 1, row 7, column 3 is"),
        ("two rows are one", "weights", "weight of layer 1, row 9, column 0 is"),
        ("a wrong digest", "weights", "reads right, yet the digest of the weights is 0x00000000"),
        ("a tie goes to the highest", "class", "not the argmax"),
    ],
)
def test_what_is_broken_below_the_network_is_named(
    tiny: Machine, what: str, concept: str, words: str
):
    found = failed(Broken(tiny, what), tiny)
    assert found.name == concept, found
    with pytest.raises(CheckError, match=words):
        raise CheckError(found.detail)


@pytest.mark.parametrize("key", ["train", "infer", "least"])
def test_samples_that_end_too_early_are_named(key: str):
    class Hasty(GoldenTransport):
        def _prepare(self) -> None:
            super()._prepare()
            stop, network = self._network.stop, self._network
            if getattr(stop, key) > 1:
                network.stop = dataclasses.replace(stop, **{key: getattr(stop, key) - 1})

    sound = small(stop={"train": 2, "infer": 2})
    found = failed(Hasty(sound), sound)
    assert found.name == "stopping", found
    assert "the number of steps run is" in found.detail


def test_a_stream_is_told_in_words(tiny: Machine):
    class Transport(GoldenTransport):
        def _train(self, label: int) -> bytes:
            image = self._image
            reply = super()._train(label)
            if image.sum() == 3:
                self._image[0] = image[0]
                super()._train(label)
            return reply

    detail = failed(Transport(tiny), tiny).detail
    assert "stream input drew" in detail
    assert "are right" in detail


def test_a_stuck_core_fails_the_check_that_it_got_stuck_in(tiny: Machine):
    class Stuck(GoldenTransport):
        def _infer(self) -> bytes:
            raise CoreStuckError("the core stands still")

    assert failed(Stuck(tiny), tiny).name == "class"


def test_a_broken_link_is_no_finding(tiny: Machine):
    class Silent(GoldenTransport):
        def _infer(self) -> bytes:
            raise LinkError("the board fell silent")

    with pytest.raises(LinkError, match="fell silent"):
        list(selftest(Silent(tiny), tiny))


def test_another_network_is_refused(tiny: Machine):
    with pytest.raises(DeviceError, match="holds configuration 0123456789abcdef"):
        list(selftest(foreign(tiny), tiny))


def test_only_rows_that_change_are_written(tiny: Machine):
    sent = []

    class Counting(GoldenTransport):
        def transfer(self, data: bytes, reply: int) -> bytes:
            sent.append(len(data))
            return super().transfer(data, reply)

    probe = Probe(Counting(tiny), tiny)
    weights = probe.zeros()
    probe.load(weights)
    weights[0][[3, 4, 9]] = 5
    sent.clear()
    probe.load(weights)
    assert sent == [6 + 2 * 2 * 16, 6 + 2 * 16]
    np.testing.assert_array_equal(probe.device.weights[0], weights[0])


# Faults of the RTL: module, why (`tests/bench/faults`), and the checks that may name it

RTL: list[tuple[str, str, set[str]]] = [
    ("lfsr", "several draws move the state by one word", {"lfsr"}),
    ("lfsr", "upper half not written", {"registers"}),
    ("encoder", "a word equal to the product spikes", {"encoder"}),
    ("forward", "a membrane at the threshold does not fire", {"neuron"}),
    ("forward", "no floor", {"neuron"}),
    ("error", "a membrane at the threshold does not fire", {"error", "backward"}),
    ("error", "the gate is ignored", {"backward"}),
    ("crossbar", "a negative error spike adds its column", {"backward"}),
    ("crossbar", "no saturation at the upper rail", {"learning"}),
    ("coincidence", "a word equal to the probability is kept", {"learning"}),
    ("weights", "half a weight", {"weights"}),
    ("weights", "a wrong CRC", {"weights"}),
    ("registers", "neighbours are swapped", {"registers"}),
    ("stopping", "a lead of the margin is not enough", {"stopping"}),
]
QUICK = 1
"""How many of them are built in a default run."""


def check_rtl(mutant: Mutant, config: NetworkConfig, monkeypatch: pytest.MonkeyPatch) -> Finding:
    replaced(mutant, monkeypatch)
    # not RtlEngine: it knows the core by its source files, which have no fault
    with verilated(core.Core(config), idle_limit=200_000) as transport:
        return failed(transport, machine(config))


@pytest.mark.parametrize(
    ("block", "why", "concepts"),
    [pytest.param(*f, marks=pytest.mark.slow if i >= QUICK else ()) for i, f in enumerate(RTL)],
)
def test_a_fault_of_the_rtl_is_named(
    block: str, why: str, concepts: set[str], monkeypatch: pytest.MonkeyPatch
):
    config = dataclasses.replace(small(stop={"train": 2, "infer": 2}).config, name="small")
    mutant = next(m for m in of(block) if m.why == why)
    found = check_rtl(mutant, config, monkeypatch)
    assert found.name in concepts, found
