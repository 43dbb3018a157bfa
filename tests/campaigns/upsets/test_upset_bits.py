"""Upsets: every bit of state can be inverted, exactly one at a time, and as golden has it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from spikeloom.boards.host.device import Device
from spikeloom.golden.spec.streams import INPUT
from tests.campaigns.upsets import UpsetError
from tests.campaigns.upsets.chip import Bit, Bits, Chip
from tests.campaigns.upsets.kinds import KINDS, LFSR, WEIGHTS, kind_of
from tests.campaigns.upsets.state import upsettable
from tests.support.upset_chip import MACHINE, compiled, digits, loaded, named, same


@pytest.fixture
def chip() -> Iterator[Chip]:
    fresh = compiled().another()
    yield fresh
    fresh.close()


def test_without_an_upset_the_chip_is_golden_bit_for_bit(chip, seed):
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    data = digits(rng, 40)
    assert same(device, golden, data.train.images, data.train.labels.astype(np.int64))


def test_every_bit_can_be_inverted_and_inverted_back_and_nothing_else_changes(chip, seed):
    """All bits of the design, in the middle of training; twice inverted is as never."""
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    data = digits(rng, 30)
    labels = data.train.labels.astype(np.int64)
    assert same(device, golden, data.train.images[:10], labels[:10])
    every = Bits(list(chip.places))
    for bit in map(every.__getitem__, range(len(every))):
        was = chip.flip(bit)
        assert chip.flip(bit) is not was, bit
        assert chip.look(bit) is was, bit
    assert same(device, golden, data.train.images[10:], labels[10:])


def test_an_inverted_bit_is_the_only_one_that_changes(chip, seed):
    rng = np.random.default_rng(seed)
    loaded(chip, rng)
    every = Bits(list(chip.places))
    bits = [every[i] for i in range(len(every))]
    before = [chip.look(bit) for bit in bits]
    for number in rng.integers(len(bits), size=8):
        chip.flip(bits[number])
        after = [chip.look(bit) for bit in bits]
        assert np.flatnonzero(np.array(before) != after).tolist() == [number]
        before = after


def test_the_list_of_bits_is_complete(chip):
    """What Amaranth declares of the network is there in full; a table of constants is not."""
    sizes = dict.fromkeys(KINDS, 0)
    for place in chip.places:
        sizes[kind_of(place)] += place.bits
    assert all(sizes.values())
    # layer 1 has 6 x 2 words of 4 lanes of 8 bits; layer 2 at least 5 x 3 weights of 12 bits
    first = [p.bits for p in chip.places if p.name.endswith("layer1_weights")]
    assert first == [6 * 2 * 4 * 8]
    assert sizes[WEIGHTS] >= first[0] + 5 * 3 * 12
    # input, inference (seed and state), two thinning streams, 64 bits each; which of them is 0
    assert sizes[LFSR] == 5 * 64 + 4
    assert not [place.name for place in chip.places if place.name.startswith(("$", "_"))]


def test_a_flip_comes_after_the_clock_that_it_is_scheduled_for(chip):
    bit = named(chip, "core.network.cycles")[31]
    chip.schedule(bit, chip.cycles + 10)
    chip.run(9)
    assert not chip.look(bit)
    chip.run(1)
    assert chip.look(bit)
    chip.schedule(bit, chip.cycles + 1)
    chip.calm()
    chip.run(5)
    assert chip.look(bit)


def test_a_flipped_stream_bit_is_read_back(chip, seed):
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    bit = int(rng.integers(64))
    chip.flip(named(chip, "core.network.streams.input.main")[bit])
    states = golden.stream_states
    states[INPUT] ^= 1 << bit
    assert device.stream_states == states


def weight_bits(chip: Chip, device: Device) -> dict[tuple[int, int, int, int], Bit]:
    """Return (layer, row, column, bit) of every bit of the weights' memories that holds one."""
    found = {}
    bits = Bits([place for place in chip.places if kind_of(place) == WEIGHTS])
    before = device.weights
    for number in range(len(bits)):
        chip.flip(bits[number])
        after = device.weights
        chip.flip(bits[number])
        places = [
            (layer, int(row), int(column))
            for layer, (old, new) in enumerate(zip(before, after, strict=True), 1)
            for row, column in np.argwhere(old != new)
        ]
        if not places:
            continue  # beyond the last row or the last column
        ((layer, row, column),) = places
        changed = int(before[layer - 1][row, column]) ^ int(after[layer - 1][row, column])
        width = MACHINE.layers[layer - 1].weight_bits
        changed &= (1 << width) - 1
        assert changed.bit_count() == 1
        found[layer, row, column, changed.bit_length() - 1] = bits[number]
    return found


def test_golden_with_the_same_weight_flips_is_the_chip_bit_for_bit(chip, seed):
    """What the accuracy curves rest on: upsets in golden's weights are upsets in the memories."""
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    places = weight_bits(chip, device)
    assert len(places) == 6 * 5 * 8 + 5 * 3 * 12
    keys = list(places)
    data = digits(rng, 40)
    for image, label in zip(data.train.images, data.train.labels, strict=True):
        for _ in range(rng.integers(6)):
            key = keys[rng.integers(len(keys))]
            if golden.flip(*key):
                chip.flip(places[key])
        assert same(device, golden, image[None], np.array([label], np.int64))


def test_a_weight_beyond_its_rail_is_brought_back_by_a_write_to_its_word(chip, seed):
    """The one code of the memory that is no weight, -128 of 8 bits."""
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    places = weight_bits(chip, device)
    weights = golden.weights
    weights[0][:, 0] = 0
    device.weights = weights
    for row in range(6):
        chip.flip(places[1, row, 0, 7])
    before = device.weights[0]
    assert (before[:, 0] == -128).all()
    data = digits(rng, 200)
    device.train(data.train.images, data.train.labels)
    after = device.weights[0]
    written = (after != before)[:, :4].any(axis=1)  # a word is 4 columns
    assert written.any()
    assert after[written, 0].min() >= -127
    assert (after[~written, 0] == -128).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text + text, "2 modules in place of one: flatten"),
        (lambda text: text.replace("posedge clk", "negedge clk"), "a design with one clock"),
        (lambda text: text.replace("<=", "="), "a design without state"),
    ],
)
def test_a_design_that_cannot_be_upset_is_refused(change, message):
    text = (
        "module top(clk, x);\n  input clk;\n  output x;\n  reg x = 0;\n"
        "  always @(posedge clk)\n    x <= !x;\nendmodule\n"
    )
    assert [place.name for place in upsettable(text).places] == ["x"]
    with pytest.raises(UpsetError, match=message):
        upsettable(change(text))
