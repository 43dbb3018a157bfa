"""Draws what a host does to a core: whole cases, with Hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from spikeloom.golden.spec.machine import LayerMachine, Machine, machine
from spikeloom.golden.spec.protocol import Opcode
from spikeloom.golden.spec.registers import Access, registers
from tests.campaigns.fuzz.case import Case, Command, Stalls
from tests.campaigns.fuzz.draw import Draw, configs, hardware, rarely

MOST = 12
"""Deeds of a case, beside loading weights."""

DEEDS = {  # how often each is drawn; the simplest first
    "train": 9,
    "infer": 3,
    "blank": 1,
    "two images": 1,
    "registers": 2,
    "streams": 1,
    "weights": 3,
    "digest": 1,
    "counters": 1,
    "odd": 2,
    "reset": 1,
}
OFTEN = [deed for deed, count in DEEDS.items() for _ in range(count)]


@st.composite
def cases(draw: Draw) -> Case:
    """Draw a network, how it is built, what is done to it, and how its streams are held back."""
    config = draw(configs())
    numbers = machine(config)
    commands: list[Command] = [
        ("write_weights", layer.index, 0, draw(_weights(layer, layer.n_pre)))
        for layer in numbers.layers
    ]
    if draw(st.sampled_from([True, True, False])):  # else they are as rare as the network says
        commands += [("write", f"probability.{layer.index}", 1 << 16) for layer in numbers.layers]
    for deed in draw(st.lists(st.sampled_from(OFTEN), min_size=1, max_size=MOST)):
        commands += draw(deeds(numbers, deed))
    return Case(config, draw(hardware(config)), tuple(commands), draw(_stalls()))


def _stalls() -> st.SearchStrategy[Stalls]:
    """Draw no stalls, some, or so many that one side nearly stands still."""
    chance = st.sampled_from([0, 0, 64, 128, 230])
    return st.builds(
        Stalls,
        seed=st.integers(0, 99),
        commands=chance,
        replies=chance,
        pause=st.sampled_from([0, 0, 0, 40]),
    )


@st.composite
def _weights(draw: Draw, layer: LayerMachine, rows: int) -> list[list[int]]:
    """Draw rows of weights: spread out, small, of one sign, or at the rails."""
    top = layer.weight_max
    kind = draw(rarely(["positive", "uniform"], ["rails", "small", "negative"]))
    size = 2 * rows * layer.n_post
    found = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), "<i2").astype(np.int32)
    sign, most = np.sign(found), max(1, top // 8) if kind == "small" else top
    found = np.abs(found) % (most + 1) * sign
    if kind == "rails":
        found = sign * top
    elif kind in ("positive", "negative"):
        found = np.abs(found) * (1 if kind == "positive" else -1)
    return found.reshape(rows, layer.n_post).tolist()


@st.composite
def _image(draw: Draw, pixels: int) -> Command:
    """Draw an image: full, blank, or some of it lit."""
    kind = draw(rarely(["full", "lit", "half"], ["blank"]))
    if kind in ("full", "blank"):
        return ("image", [255 * (kind == "full")] * pixels)
    values = draw(st.binary(min_size=pixels, max_size=pixels))
    if kind == "half":
        return ("image", [value & 127 if value & 128 else 0 for value in values])
    return ("image", list(values))


@st.composite
def deeds(draw: Draw, numbers: Machine, deed: str) -> list[Command]:
    """Draw the commands of one deed."""
    config = numbers.config
    pixels, classes = config.sizes[0], config.sizes[-1]
    match deed:
        case "train":
            samples = [
                [draw(_image(pixels)), ("train", draw(st.integers(0, classes - 1)))]
                for _ in range(draw(st.sampled_from([1, 2, 4])))
            ]
            return [command for sample in samples for command in sample]
        case "infer":
            return [draw(_image(pixels)), ("infer",)]
        case "blank":
            return [draw(st.sampled_from([("infer",), ("train", 0)]))]
        case "two images":
            return [draw(_image(pixels)), draw(_image(pixels))]
        case "registers":
            return [draw(_setting(numbers))]
        case "streams":
            return [draw(_state(numbers))]
        case "weights":
            return [draw(_rows(numbers))]
        case "counters":
            every = [("read", name) for name in registers(numbers)]
            return [*every, *draw(st.sampled_from([[], [("write", "clear", 1)]]))]
        case "odd":
            return draw(_odd(numbers))
    return [(deed,)]


@st.composite
def _setting(draw: Draw, numbers: Machine) -> Command:
    """Draw a write of steps, of a margin, of an update's size or of its chance."""
    layer = draw(st.integers(1, numbers.config.depth))
    steps, most = numbers.config.steps, 1 << 16
    stops = [name for name in registers(numbers) if name.startswith("stop.")]
    margins = [st.tuples(st.sampled_from(stops), st.sampled_from([0, 1, 2, 4095]))] if stops else []
    name, value = draw(
        st.one_of(
            *margins,
            st.tuples(st.just("steps"), st.integers(0, min(steps + 1, (1 << 13) - 1))),
            st.tuples(st.just(f"shift.{layer}"), st.integers(0, 15)),
            st.tuples(st.just(f"probability.{layer}"), st.sampled_from([most, 0, most // 2, 99])),
        )
    )
    return ("write", name, value)


@st.composite
def _state(draw: Draw, numbers: Machine) -> Command:
    """Draw a write of half a generator's state."""
    every = [
        register
        for register in registers(numbers).values()
        if register.name.startswith("stream.") and register.access is Access.READ_WRITE
    ]
    register = draw(st.sampled_from([register for register in every if register.width]))
    value = draw(st.one_of(st.just(0), st.integers(0, (1 << register.width) - 1)))
    return ("write", register.name, value)


@st.composite
def _rows(draw: Draw, numbers: Machine) -> Command:
    """Draw a read or a write of some rows, which straddle the last one now and then."""
    layer = draw(st.sampled_from(numbers.layers))
    row, rows = draw(st.integers(0, layer.n_pre)), draw(st.integers(0, 3))
    if draw(st.booleans()):
        return ("read_weights", layer.index, row, rows)
    return ("write_weights", layer.index, row, draw(_weights(layer, rows)))


@st.composite
def _odd(draw: Draw, numbers: Machine) -> list[Command]:
    """Draw what no driver sends: the protocol says what becomes of it."""
    layer = draw(st.sampled_from(numbers.layers))
    depth = numbers.config.depth
    far = draw(st.sampled_from([layer.n_pre, 256, 65535]))
    options: list[list[Command]] = [
        [("opcode", draw(st.sampled_from([0, max(Opcode) + 1, 0x80, 0xFF])))],
        [("train", draw(st.sampled_from([numbers.config.sizes[-1], 255, 256, 65535])))],
        [("tokens", draw(_tokens()))],
        [("read_weights", draw(st.sampled_from([0, depth + 1, 255])), 0, 2)],
        [("write_weights", draw(st.sampled_from([0, depth + 1])), 0, [])],
        [("read", 255), ("write", 255, 1)],
        [("read_weights", layer.index, far, 2)],
        [("write_weights", layer.index, far, [[1] * layer.n_post] * 2)],
        [("identify",)],
    ]
    return draw(st.sampled_from(options))


@st.composite
def _tokens(draw: Draw) -> str:
    """Draw image tokens that may go beyond the image, as hex digits."""
    data = bytearray()
    for header in draw(st.lists(st.integers(1, 255), max_size=4)):
        literals = header & 7
        data.append(header)
        data += draw(st.binary(min_size=literals, max_size=literals))
    return (data + b"\0").hex()
