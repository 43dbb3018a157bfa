"""Frames of the link: how they look, and how they are found among anything else."""

from __future__ import annotations

import doctest
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.golden.spec import link
from spikeloom.golden.spec.link import (
    BoardFrame,
    FrameError,
    Hello,
    HostFrame,
    Kind,
    Parser,
    ahead,
    divider,
)

PAYLOADS = st.binary(max_size=link.PAYLOAD_MAX)
TAGS, PLACES = st.integers(0, 15), st.integers(0, 4095)
HOST_FRAMES = st.one_of(
    st.builds(HostFrame, st.just(Kind.DATA), TAGS, TAGS, PLACES, PAYLOADS),
    st.builds(
        HostFrame, st.sampled_from((Kind.POLL, Kind.REWIND, Kind.OPEN)), TAGS, st.just(0), PLACES
    ),
    st.builds(HostFrame.rate, TAGS, st.integers(1, 65535)),
)
STATES = st.sampled_from((Kind.STATE, Kind.REFUSED))
BOARD_FRAMES = st.builds(BoardFrame, STATES, TAGS, TAGS, PLACES, PLACES, PAYLOADS)


# Frames


def test_the_worked_examples_are_right():
    assert doctest.testmod(link).failed == 0


@given(frame=HOST_FRAMES)
def test_a_frame_of_the_host_comes_back_as_it_was(frame):
    assert Parser(HostFrame).feed(frame.pack()) == [frame]
    assert len(frame.pack()) == 9 + len(frame.payload)


@given(frame=BOARD_FRAMES)
def test_a_frame_of_the_board_comes_back_as_it_was(frame):
    assert Parser(BoardFrame).feed(frame.pack()) == [frame]
    assert len(frame.pack()) == 11 + len(frame.payload)


def test_the_crc_is_that_of_zlib_bit_by_bit():
    data = HostFrame(Kind.DATA, 5, 3, 1000, b"spikes").pack()[1:]
    crc = 0xFFFFFFFF
    for byte in data[: -link.CRC_BYTES]:
        for bit in range(8):
            feedback = (crc ^ byte >> bit) & 1
            crc = crc >> 1 ^ 0xEDB88320 * feedback
    assert (crc ^ 0xFFFFFFFF).to_bytes(4, "little") == data[-link.CRC_BYTES :]
    assert zlib.crc32(data[: -link.CRC_BYTES]) == crc ^ 0xFFFFFFFF


def test_a_payload_that_is_too_long_is_refused():
    with pytest.raises(FrameError, match="129 bytes do not fit a frame of kind DATA: it carries 1"):
        HostFrame(Kind.DATA, 0, payload=bytes(129)).pack()
    with pytest.raises(FrameError, match="1 bytes do not fit a frame of kind POLL: it carries 0"):
        HostFrame(Kind.POLL, 0, payload=bytes(1)).pack()


@pytest.mark.parametrize("commands", [128, 256, 512, 1024])
@pytest.mark.parametrize("replies", [128, 1024])
@pytest.mark.parametrize("clock_hz", [12_000_000, 25_100_000, 120_000_000, 400_000_000])
def test_a_board_says_what_it_is(commands, replies, clock_hz):
    hello = Hello(link.VERSION, commands, replies, clock_hz)
    sizes, taken = hello.pack()
    frame = BoardFrame(Kind.HELLO, 7, sizes, 99, taken)
    (read,) = Parser(BoardFrame).feed(frame.pack())
    assert Hello.unpack(read) == hello


def test_a_clock_is_told_to_the_nearest_unit():
    _, taken = Hello(link.VERSION, 128, 128, 25_125_000).pack()
    assert Hello.unpack(BoardFrame(Kind.HELLO, 0, taken=taken)).clock_hz == 25_100_000


def test_a_clock_that_hello_cannot_tell_is_refused():
    with pytest.raises(FrameError, match=r"clock of 410 MHz .* choose one of 409.5 MHz at most"):
        Hello(link.VERSION, 128, 128, 410_000_000)


@pytest.mark.parametrize("place", [0, 100, 2048, 4000])
def test_places_compare_across_the_wrap(place):
    for far in (-1024, -1, 0, 1, 1024):
        assert ahead((place + far) % link.OFFSETS, place) == far


@pytest.mark.parametrize("clock_hz", [12e6, 16e6, 20e6, 25e6, 27e6, 48e6, 50e6, 75e6, 100e6])
def test_usual_rates_are_met(clock_hz):
    for baud in link.USUAL_BAUDS:
        if baud * link.CLOCKS_PER_BIT_MIN <= clock_hz:
            real = link.rate(int(clock_hz), divider(int(clock_hz), baud))
            assert abs(real / baud - 1) <= 0.007


def test_a_rate_that_a_clock_cannot_give_is_refused():
    with pytest.raises(
        ValueError, match=r"3000000 baud cannot be had from 12 MHz: at most 2400000"
    ):
        divider(12_000_000, 3_000_000)
    message = r"1200 baud cannot be had from 100 MHz: the nearest is 1526 baud"
    with pytest.raises(ValueError, match=message):
        divider(100_000_000, 1200)


# The parser


@given(frames=st.lists(BOARD_FRAMES, max_size=6), data=st.data())
def test_frames_are_found_whatever_is_around_them(frames, data):
    noise = st.binary(max_size=40).map(lambda junk: junk.replace(bytes([link.SOF]), b""))
    stream = bytearray()
    for frame in frames:
        stream += data.draw(noise) + frame.pack()
    parser, found = Parser(BoardFrame), []
    while stream:
        size = data.draw(st.integers(1, 200))
        found += parser.feed(bytes(stream[:size]))
        del stream[:size]
    assert found == frames
    assert parser.bad == 0


@given(frames=st.lists(BOARD_FRAMES, min_size=1, max_size=4), junk=st.binary(max_size=300))
def test_false_starts_cost_no_frame_that_follows(frames, junk):
    parser = Parser(BoardFrame)
    stream = bytes([link.SOF]) + junk + b"".join(frame.pack() for frame in frames)
    assert (parser.feed(stream) + parser.quiet())[-len(frames) :] == frames


@pytest.mark.parametrize("kind", [HostFrame, BoardFrame])
def test_no_wrong_bit_passes(kind):
    if kind is HostFrame:
        frame = HostFrame(Kind.DATA, 3, 2, 77, bytes(range(20)))
    else:
        frame = BoardFrame(Kind.STATE, 3, 2, 77, 99, bytes(range(20)))
    good = frame.pack()
    for bit in range(8, 8 * len(good)):
        wrong = bytearray(good)
        wrong[bit // 8] ^= 1 << bit % 8
        parser = Parser(kind)
        assert parser.feed(bytes(wrong)) + parser.quiet() == []


def test_what_was_skipped_is_counted():
    parser = Parser(BoardFrame)
    good = BoardFrame(Kind.STATE, 1).pack()
    wrong = good[:-1] + bytes([good[-1] ^ 1])
    assert len(parser.feed(b"abc" + wrong + good)) == 1
    assert (parser.bad, parser.skipped) == (1, 3 + len(wrong))
