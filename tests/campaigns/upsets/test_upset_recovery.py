"""Upsets: what the chip brings back by itself, and what opening the link brings back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from spikeloom.boards.host.device import Device
from spikeloom.boards.host.link import LinkTransport
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.protocol import Opcode
from spikeloom.golden.spec.streams import INPUT, streams
from tests.campaigns.upsets.chip import Chip, HangError
from tests.support.upset_chip import CONFIG, MACHINE, compiled, digits, loaded, named, same


@pytest.fixture
def chip() -> Iterator[Chip]:
    fresh = compiled().another()
    yield fresh
    fresh.close()


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
    assert same(device, golden, data.train.images, data.train.labels.astype(np.int64))


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
        assert same(device, golden, data.train.images, data.train.labels.astype(np.int64)), value


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
    chip.flip(named(chip, "core.network.sample.host__busy")[0])
    chip.idle_limit = 5000
    with pytest.raises(HangError):
        Device(chip, MACHINE)
    chip.restart()
    Device(chip, MACHINE)


def test_the_link_works_and_a_frame_upset_on_its_way_is_sent_again(chip, seed):
    rng = np.random.default_rng(seed)
    data = digits(rng, 6)
    labels = data.train.labels.astype(np.int64)
    device, golden = loaded(chip, rng)
    states, weights = device.stream_states, device.weights
    with chip.over_the_link() as line:
        link = LinkTransport(line)
        device = Device(link, MACHINE)
        device.stream_states = states
        chip.schedule(named(chip, "link.uart_in.wrong")[0], chip.cycles + 600)
        golden.put(weights, states)
        assert same(device, golden, data.train.images, labels)
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
