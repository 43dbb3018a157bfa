"""Upsets: every bit of state can be inverted, exactly one at a time, and what it does is told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from upset_chip import CONFIG, MACHINE, compiled, digits

from spikeloom.boards.host.device import Device
from spikeloom.boards.host.link import LinkTransport
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.protocol import Opcode
from spikeloom.golden.spec.streams import INPUT, streams
from spikeloom.sim.upsets import UpsetError
from spikeloom.sim.upsets.campaign import Campaign
from spikeloom.sim.upsets.chip import Bit, Bits, Chip, HangError
from spikeloom.sim.upsets.golden import Golden
from spikeloom.sim.upsets.kinds import KINDS, LFSR, WEIGHTS, kind_of
from spikeloom.sim.upsets.outcome import Cleared, Outcome
from spikeloom.sim.upsets.state import upsettable
from spikeloom.sim.upsets.task import Size, Task


@pytest.fixture(scope="module")
def chips() -> Chip:
    return compiled().another()


@pytest.fixture
def chip(chips: Chip) -> Iterator[Chip]:
    fresh = chips.another()
    yield fresh
    fresh.close()


def named(chip: Chip, name: str) -> Bits:
    found = Bits([place for place in chip.places if place.name == name])
    assert len(found), name
    return found


def loaded(chip: Chip, rng: np.random.Generator) -> tuple[Device, Golden]:
    """Return a chip's device and golden, at the same random weights and streams."""
    golden, device = Golden(MACHINE), Device(chip, MACHINE)
    weights = [
        rng.integers(-la.weight_max, la.weight_max + 1, (la.n_pre, la.n_post)).astype(np.int16)
        for la in MACHINE.layers
    ]
    states = [stream.seed(int(rng.integers(1 << 30))) for stream in streams(CONFIG)]
    golden.put(weights, states)
    device.weights, device.stream_states = weights, states
    device.set_updates(MACHINE.updates(0))
    device.clear()
    return device, golden


def same(device: Device, golden: Golden, images: np.ndarray, labels: np.ndarray) -> bool:
    """Train both; say whether they still agree."""
    expected = golden.see(images, labels)
    counts = device.train(images, labels)
    return (
        np.array_equal(counts, expected.counts)
        and all(map(np.array_equal, device.weights, expected.weights))
        and device.stream_states == expected.states
    )


def test_without_an_upset_the_chip_is_golden_bit_for_bit(chip, seed):
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    data = digits(rng, 40)
    assert same(device, golden, data.train_images, data.train_labels.astype(np.int64))


def test_every_bit_can_be_inverted_and_inverted_back_and_nothing_else_changes(chip, seed):
    """All bits of the design, in the middle of training; twice inverted is as never."""
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    data = digits(rng, 30)
    labels = data.train_labels.astype(np.int64)
    assert same(device, golden, data.train_images[:10], labels[:10])
    every = Bits(list(chip.places))
    for bit in map(every.__getitem__, range(len(every))):
        was = chip.flip(bit)
        assert chip.flip(bit) is not was, bit
        assert chip.look(bit) is was, bit
    assert same(device, golden, data.train_images[10:], labels[10:])


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


def test_the_list_of_bits_is_complete(chips):
    """What Amaranth declares of the network is there in full; a table of constants is not."""
    sizes = dict.fromkeys(KINDS, 0)
    for place in chips.places:
        sizes[kind_of(place)] += place.bits
    assert all(sizes.values())
    # layer 1 has 6 x 2 words of 4 lanes of 8 bits; layer 2 at least 5 x 3 weights of 12 bits
    first = [p.bits for p in chips.places if p.name.endswith("layer1_weights")]
    assert first == [6 * 2 * 4 * 8]
    assert sizes[WEIGHTS] >= first[0] + 5 * 3 * 12
    # input, inference (seed and state), two thinning streams, 64 bits each; which of them is 0
    assert sizes[LFSR] == 5 * 64 + 4
    assert not [place.name for place in chips.places if place.name.startswith(("$", "_"))]


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
    for image, label in zip(data.train_images, data.train_labels, strict=True):
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
    device.train(data.train_images, data.train_labels)
    after = device.weights[0]
    written = (after != before)[:, :4].any(axis=1)  # a word is 4 columns
    assert written.any()
    assert after[written, 0].min() >= -127
    assert (after[~written, 0] == -128).all()


def test_a_stream_of_zeros_begins_the_next_sample_at_its_seed(chip, seed):
    """An LFSR has no way out of 0 by itself."""
    rng = np.random.default_rng(seed)
    device, golden = loaded(chip, rng)
    data = digits(rng, 10)
    register = named(chip, "core.network.streams.input.main")
    for number in range(64):
        if chip.look(register[number]):
            chip.flip(register[number])
    states = golden.stream_states
    assert device.stream_states == [0, *states[1:]]
    states[INPUT] = streams(CONFIG)[INPUT].seed(CONFIG.random.seed)
    golden.put(golden.weights, states)
    assert same(device, golden, data.train_images, data.train_labels.astype(np.int64))


@pytest.mark.parametrize("name", ["core.control.commands_state", "core.network.streams.input.seed"])
def test_any_value_of_a_register_is_cleared_by_opening_the_link(chip, seed, name):
    """Every state of the decoder, the stray one included."""
    rng = np.random.default_rng(seed)
    register = named(chip, name)
    width = min(len(register), 3)
    data = digits(rng, 5)
    for value in range(1 << width):
        for number in range(width):
            if chip.look(register[number]) != bool(value >> number & 1):
                chip.flip(register[number])
        chip.run(20)
        chip.restart()
        device, golden = loaded(chip, rng)
        assert same(device, golden, data.train_images, data.train_labels.astype(np.int64)), value


def test_the_state_of_the_decoder_that_no_command_leads_to_is_left_at_once(chip):
    """Commands go through seven of the eight codes; the first is where they begin."""
    register = named(chip, "core.control.commands_state")

    def code() -> int:
        return sum(chip.look(register[number]) << number for number in range(len(register)))

    first = code()
    seen = {first}
    commands = protocol.encode_image(bytes(range(6)))
    commands += bytes([Opcode.IDENTIFY]) + protocol.weights_header(Opcode.READ_WEIGHTS, 1, 0, 1)
    for byte in commands:
        chip.transfer(bytes([byte]), 0)
        for _ in range(40):
            seen.add(code())
            chip.run(1)
    chip.forget()
    (stray,) = set(range(8)) - seen
    for number in range(3):
        if (first ^ stray) >> number & 1:
            chip.flip(register[number])
    assert code() == stray
    chip.run(1)
    assert code() == first
    Device(chip, MACHINE)


def test_a_sample_that_never_ends_is_ended_by_opening_the_link(chip):
    """RESET waits for the sample, as every command does."""
    chip.flip(named(chip, "core.network.busy")[0])
    chip.idle_limit = 5000
    with pytest.raises(HangError):
        Device(chip, MACHINE)
    chip.restart()
    Device(chip, MACHINE)


def test_the_link_works_and_a_frame_upset_on_its_way_is_sent_again(chip, seed):
    rng = np.random.default_rng(seed)
    data = digits(rng, 6)
    labels = data.train_labels.astype(np.int64)
    device, golden = loaded(chip, rng)
    states, weights = device.stream_states, device.weights
    with chip.over_the_link() as line:
        link = LinkTransport(line)
        device = Device(link, MACHINE)
        device.stream_states = states
        chip.schedule(named(chip, "link.uart_in.wrong")[0], chip.cycles + 600)
        golden.put(weights, states)
        assert same(device, golden, data.train_images, labels)
        assert link.statistics.resent


def test_a_receiver_of_frames_in_no_field_recovers_by_itself(chip):
    """Field code 7 is none; a quiet line leads out of it."""
    field = named(chip, "link.received.field")
    with chip.over_the_link() as line:
        device = Device(LinkTransport(line), MACHINE)
        for number in range(3):
            if not chip.look(field[number]):
                chip.flip(field[number])
        device.check_identity()
        assert not any(chip.look(field[number]) for number in range(3))


def test_any_bit_of_the_links_rate_is_put_back_at_once(chip):
    divider = named(chip, "link.divider")
    before = [chip.look(divider[number]) for number in range(len(divider))]
    with chip.over_the_link() as line:
        device = Device(LinkTransport(line), MACHINE)
        for number in range(len(divider)):
            chip.flip(divider[number])
            chip.run(2)
            assert [chip.look(divider[k]) for k in range(len(divider))] == before, number
        device.check_identity()


@pytest.fixture(scope="module")
def campaign(chips: Chip) -> Campaign:
    rng = np.random.default_rng(1)
    size = Size(before=60, window=4, after=2, rest=60, test=100, repeats=8)
    return Campaign(chips, Task(CONFIG, digits(rng, 200), 1, size), 1)


def test_a_flip_of_a_stream_is_seen_and_cleared_by_the_reset_command(campaign):
    bits = campaign.bits[LFSR]
    bit = next(b for b in map(bits.__getitem__, range(320)) if b.place.name.endswith("input.main"))
    run = campaign.flip(LFSR, bit, 5)
    assert run.outcome in (Outcome.LEARNED, Outcome.WRONG)
    assert run.cleared is Cleared.RESET
    assert run.bit.startswith("core.network.streams.input.main[")


def test_a_few_upsets_of_every_kind_are_classified_and_cleared(campaign):
    runs = list(campaign.flips(3 * len(KINDS)))
    assert {run.kind for run in runs} == set(KINDS)
    assert all((run.outcome is Outcome.MASKED) == (run.cleared is Cleared.NOTHING) for run in runs)
    stuck = [run for run in runs if run.cleared is Cleared.NEVER]
    assert not stuck


@pytest.mark.slow  # minutes
def test_two_thousand_upsets_hang_nothing_that_opening_the_link_does_not_clear(campaign):
    stuck = [run for run in campaign.flips(2000) if run.cleared is Cleared.NEVER]
    assert not stuck


def test_a_chip_that_differs_from_golden_is_refused(chips, monkeypatch):
    rng = np.random.default_rng(1)
    size = Size(before=10, window=2, after=1, rest=10, test=10, repeats=2)
    task = Task(CONFIG, digits(rng, 40), 1, size)
    task.expected.counts[0, 0] += 1
    with pytest.raises(UpsetError, match=r"without an upset: learned away|without an upset: wrong"):
        Campaign(chips, task, 1)


def test_too_few_images_are_refused_with_the_numbers(seed):
    data = digits(np.random.default_rng(seed), 20)
    with pytest.raises(UpsetError, match="2009 images to train on and 1000 to test on are needed"):
        Task(CONFIG, data, 1)


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
