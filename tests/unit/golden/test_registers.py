"""The register map: addresses that nothing moves, and the digest that tells two maps apart."""

from __future__ import annotations

import pytest

from spikeloom.golden.spec import registers as spec
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.golden.spec.registers import DEPTH_MAX, map_digest, registers
from spikeloom.golden.spec.schema import ConfigError
from tests.support.configurations import LAYER, table

ADDRESSES = {
    "status": 0x00, "clear": 0x01, "steps": 0x02, "samples": 0x03, "cycles": 0x04, "ran": 0x05,
    "stop.train": 0x06, "stop.infer": 0x07, "stop.least": 0x08,
    "stream.input.low": 0x10, "stream.input.high": 0x11,
    "stream.label.low": 0x12, "stream.label.high": 0x13,
    "stream.inference.low": 0x14, "stream.inference.high": 0x15,
    "stream.jitter.low": 0x16, "stream.jitter.high": 0x17,
    "stream.noise.low": 0x18, "stream.noise.high": 0x19,
    "spikes.0": 0x22, "stream.dropout0.low": 0x28, "stream.dropout0.high": 0x29,
    "shift.1": 0x30, "probability.1": 0x31, "spikes.1": 0x32, "positive.1": 0x33,
    "negative.1": 0x34, "writes.1": 0x35, "stream.thinning1.low": 0x36,
    "stream.thinning1.high": 0x37, "stream.dropout1.low": 0x38, "stream.dropout1.high": 0x39,
    "shift.2": 0x40, "probability.2": 0x41, "spikes.2": 0x42, "positive.2": 0x43,
    "negative.2": 0x44, "writes.2": 0x45, "stream.thinning2.low": 0x46,
    "stream.thinning2.high": 0x47,
}  # fmt: skip
"""What hosts and bitstreams out there agree on: add to it, and change nothing."""


def built(layers: int = 2, **changes):
    sizes = [6, *[8] * (layers - 1), 10]
    return machine(from_dict(table(sizes=sizes, layer=[dict(LAYER)] * layers, **changes)))


def test_addresses_are_written_down():
    full = {"label__train": "random", "input__dropout": 0.2, "input__jitter": 1}
    full |= {"wta__kind": "softmax", "stop": {"infer": 3}}
    layers = [dict(LAYER, dropout=0.2), dict(LAYER)]
    every = registers(machine(from_dict(table(layer=layers, **full))))
    assert {name: register.address for name, register in every.items()} == ADDRESSES


def test_registers_in_between_move_no_other():
    few, more = registers(built()), registers(built(label__train="random", input__dropout=0.2))
    assert set(few) < set(more)
    deep = registers(built(DEPTH_MAX))
    for name, register in few.items():
        assert register.address == more[name].address == deep[name].address
    assert len({register.address for register in deep.values()}) == len(deep)
    assert max(register.address for register in deep.values()) < 0x100


def test_another_map_has_another_digest(monkeypatch):
    plain = map_digest(built())
    assert map_digest(built()) == plain
    assert map_digest(built(label__train="random")) != plain
    monkeypatch.setitem(spec.STREAMS, "thinning", 0x8)
    assert map_digest(built()) != plain


def test_more_crossbars_than_have_places_are_refused():
    with pytest.raises(ConfigError, match=r"14 crossbars do not fit .* places for 13, take fewer"):
        registers(built(DEPTH_MAX + 1))
