"""The host driver over a core in Python: what it asks, checks and refuses."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from spikeloom.boards.host.device import BATCH, Device, DeviceError
from spikeloom.golden import initial
from spikeloom.golden.network import Network
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import load
from spikeloom.golden.spec.protocol import Feature
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.streams import INFERENCE, drawn, streams
from tests.support.golden_transport import GoldenTransport, foreign


@pytest.fixture
def tiny() -> Machine:
    return machine(load("tiny"))


@pytest.fixture
def transport(tiny: Machine) -> GoldenTransport:
    return GoldenTransport(tiny)


@pytest.fixture
def device(tiny: Machine, transport: GoldenTransport) -> Device:
    return Device(transport, tiny)


def images(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    pixels = rng.integers(0, 256, (count, 7, 7), np.uint8)
    pixels[rng.random(pixels.shape) < 0.4] = 0
    return pixels, rng.integers(0, 10, count)


def test_a_core_says_what_it_is(device: Device, tiny: Machine):
    identity = device.check_identity()
    assert (identity.version, identity.depth) == (protocol.VERSION, 2)
    assert identity.digest == tiny.config.digest()


def test_a_core_of_another_configuration_is_refused(tiny: Machine):
    with pytest.raises(DeviceError, match=r"holds configuration 0123456789abcdef.*'tiny' is"):
        Device(foreign(tiny), tiny)


def test_a_core_of_another_protocol_version_is_refused(tiny: Machine, transport: GoldenTransport):
    transport.identity = dataclasses.replace(transport.identity, version=99)
    with pytest.raises(DeviceError, match=r"speaks protocol 99, this host speaks 4"):
        Device(transport, tiny)


def test_a_core_of_another_register_map_is_refused(tiny: Machine, transport: GoldenTransport):
    transport.identity = dataclasses.replace(transport.identity, registers="01234567")
    with pytest.raises(DeviceError, match=r"map 01234567, this host knows .*: build the core ag"):
        Device(transport, tiny)


def test_a_register_that_says_more_than_it_holds_is_refused(
    device: Device, monkeypatch: pytest.MonkeyPatch
):
    said = (1 << 13).to_bytes(4, "little")
    monkeypatch.setattr(device, "_transport", SimpleNamespace(transfer=lambda data, reply: said))
    with pytest.raises(DeviceError, match="steps = 8192, which has 13 bits: a faulty core"):
        device.read("steps")


def test_what_is_not_a_core_is_refused(tiny: Machine):
    class Echo:
        def transfer(self, data: bytes, reply: int) -> bytes:
            return bytes(reply)

    with pytest.raises(DeviceError, match="not a spikeloom core"):
        Device(Echo(), tiny)


def test_weights_go_to_the_core_and_come_back(device: Device, tiny: Machine, seed: int):
    weights = initial.weights(tiny, seed)
    device.weights = weights
    for mine, theirs in zip(weights, device.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert device.digest() == protocol.weights_digest([w.tobytes() for w in weights])


def test_stream_states_go_to_the_core_and_come_back(device: Device, tiny: Machine, seed: int):
    states = [stream.seed(seed) for stream in streams(tiny.config)]
    device.stream_states = states
    assert device.stream_states == states


def test_margins_beyond_t_are_kept_as_t():
    built = machine(load("tiny").replace(**{"stop.train": 4095}))
    device = Device(GoldenTransport(built), built)
    assert device.stop == StopConfig(built.config.steps, 0, 1)
    device.stop = StopConfig(3, 17, 4096)
    assert device.stop == StopConfig(3, 16, 16)


def test_a_stream_without_a_register_stays_with_the_host(device: Device, tiny: Machine, seed: int):
    resting = set(range(len(streams(tiny.config)))) - set(drawn(tiny))
    assert resting
    names = {streams(tiny.config)[number].name for number in resting}
    assert not [name for name in device.registers if name.split(".")[1:2] in [[n] for n in names]]
    states = device.stream_states
    device.stream_states = [state + (k in resting) for k, state in enumerate(states)]
    assert [k for k, state in enumerate(device.stream_states) if state != states[k]] == [
        *sorted(resting)
    ]


def test_a_reset_restores_the_built_in_seeds_and_keeps_the_weights(
    device: Device, tiny: Machine, seed: int
):
    built_in = device.stream_states
    device.weights = weights = initial.weights(tiny, seed)
    device.stream_states = [stream.seed(seed) for stream in streams(tiny.config)]
    device.reset()
    assert device.stream_states == built_in
    np.testing.assert_array_equal(device.weights[0], weights[0])


def test_training_over_the_protocol_is_golden_training(
    device: Device, tiny: Machine, rng: np.random.Generator, seed: int
):
    network = Network(tiny)
    network.weights = device.weights = initial.weights(tiny, seed)
    updates = (Update(1, 40000), Update(4, 65536))
    network.set_updates(updates)
    device.set_updates(updates)
    pixels, labels = images(rng, BATCH + 5)
    expected, _ = network.train(pixels, labels)
    np.testing.assert_array_equal(device.train(pixels, labels), expected)
    for mine, theirs in zip(network.weights, device.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    states = zip(network.stream_states, device.stream_states, strict=True)
    assert [a == b for k, (a, b) in enumerate(states) if k != INFERENCE] == [True] * 6
    np.testing.assert_array_equal(device.infer(pixels), network.infer(pixels))


def test_counters_count_until_they_are_cleared(device: Device, rng: np.random.Generator):
    pixels, labels = images(rng, 5)
    device.train(pixels, labels)
    device.infer(pixels)
    found = device.counters()
    assert found["samples"] == 10
    assert found["spikes.0"] > 0
    device.clear()
    assert set(device.counters().values()) == {0}


def test_a_core_without_counters_counts_samples_and_cycles_only(
    tiny: Machine, rng: np.random.Generator
):
    transport = GoldenTransport(tiny, features=Feature(0))
    device = Device(transport, tiny)
    assert device.features == Feature(0)
    pixels, labels = images(rng, 3)
    device.train(pixels, labels)
    found = device.counters()
    assert (set(found), found["samples"]) == ({"samples", "cycles", "ran"}, 3)
    assert device.read("spikes.0") == 0


def test_digests_come_after_every_sample(
    device: Device, tiny: Machine, rng: np.random.Generator, seed: int
):
    network = Network(tiny)
    network.weights = device.weights = initial.weights(tiny, seed)
    pixels, labels = images(rng, 4)
    counts, digests = device.train_digests(pixels, labels)
    assert (counts.dtype, digests.dtype) == (np.int32, np.uint32)
    for k in range(4):
        expected, _ = network.train(pixels[[k]], labels[[k]])
        np.testing.assert_array_equal(counts[[k]], expected)
        crossbars = [w.astype("<i2").tobytes() for w in network.weights]
        assert digests[k] == protocol.weights_digest(crossbars)


def test_registers_are_written_in_one_transfer_or_not_at_all(
    device: Device, transport: GoldenTransport, monkeypatch: pytest.MonkeyPatch
):
    transfers: list[bytes] = []
    transfer = transport.transfer

    def counted(data: bytes, reply: int) -> bytes:
        transfers.append(data)
        return transfer(data, reply)

    monkeypatch.setattr(transport, "transfer", counted)
    device.write_all({"shift.1": 3, "probability.1": 1000})
    assert len(transfers) == 1
    assert device.read_all(["shift.1", "probability.1"]) == {"shift.1": 3, "probability.1": 1000}
    with pytest.raises(ValueError, match=r"shift.2 = 16 does not fit 4 bits"):
        device.write_all({"shift.1": 5, "shift.2": 16})
    assert device.read("shift.1") == 3


def test_a_register_value_that_does_not_fit_is_refused(device: Device):
    with pytest.raises(ValueError, match=r"shift.1 = 16 does not fit 4 bits"):
        device.write("shift.1", 16)


def test_an_error_that_the_core_reports_is_raised(device: Device, transport: GoldenTransport):
    transport.transfer(protocol.train(77), 24)
    with pytest.raises(DeviceError, match="BAD_LABEL"):
        device.check_status()
    device.clear()
    device.check_status()


def test_a_class_that_is_not_the_argmax_is_noticed(
    device: Device, transport: GoldenTransport, monkeypatch: pytest.MonkeyPatch
):
    transfer = transport.transfer
    monkeypatch.setattr(
        transport, "transfer", lambda data, reply: transfer(data, reply)[:-4] + b"\x09\x00\x10\x00"
    )
    with pytest.raises(DeviceError, match="not the argmax"):
        device.infer(np.zeros((1, 7, 7), np.uint8))
