# amaranth: UnusedElaboratable=no
"""How a core is built: lanes for any network, memories with a name and a style."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil

from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import DEFAULT, NAME, STYLES, Hardware, HardwareError
from spikeloom.hdl.memories import memories
from tests.support.byte_program import Program, check
from tests.support.random_config import random_config, random_hardware
from tests.support.small_core import FULL, program_of, small

MEMORY = re.compile(r"((?:^ *attribute .*\n)*)^ *memory width (\d+) size (\d+) ", re.MULTILINE)
ATTRIBUTE = re.compile(r'attribute \\(\w+) "([^"]*)"')


def written(config: NetworkConfig, hardware: Hardware) -> list[tuple[dict[str, str], int, int]]:
    """Return attributes, width and depth of every memory in the RTLIL of a core."""
    text = rtlil.convert(Core(config, hardware))
    return [
        (dict(ATTRIBUTE.findall(attributes)), int(width), int(depth))
        for attributes, width, depth in MEMORY.findall(text)
    ]


def assert_all_found(config: NetworkConfig, hardware: Hardware) -> None:
    hardware = dataclasses.replace(hardware, buffered=False)  # the buffers are Amaranth's own
    found = memories(Core(config, hardware))
    inside = written(config, hardware)
    assert Counter((m.name, m.width, m.depth) for m in found) == Counter(
        (attributes[NAME], width, depth) for attributes, width, depth in inside
    )
    names = [memory.name for memory in found]
    assert len(names) == len(set(names)), "a name says which memory"


def test_every_memory_is_found_by_its_name():
    found = {memory.name: memory for memory in memories(Core(load("tiny")))}
    layer = DEFAULT.of(machine(load("tiny")))[0]
    weights = found["layer1.weights"]
    assert (weights.width, weights.depth) == (
        layer.weight_bits * layer.lanes,
        layer.n_pre * layer.words,
    )
    assert weights.bits == weights.width * weights.depth
    assert_all_found(load("tiny"), DEFAULT)


@pytest.mark.parametrize("number", range(4))
def test_every_memory_of_any_core_is_found(number: int, seed: int):
    rng = np.random.default_rng([seed, number])
    config = random_config(rng, error__membranes="separate")
    assert_all_found(config, random_hardware(config, rng))


def test_a_drum_is_a_memory_where_that_is_wanted():
    config = load("mnist-784-128-10")
    drums = {"layer1.waiting"}
    assert not drums & {memory.name for memory in memories(Core(config))}
    assert drums <= {memory.name for memory in memories(Core(config, Hardware(drums=True)))}


def test_styles_reach_the_memories_they_name_and_no_other():
    names = [memory.name for memory in memories(Core(load("tiny")))]
    styles = {name: STYLES[k % len(STYLES)] for k, name in enumerate(names[1:])}
    assert set(styles.values()) == set(STYLES)
    found = written(load("tiny"), Hardware(styles=tuple(styles.items()), buffered=False))
    assert len(found) == len(names)
    for attributes, _, _ in found:
        style = styles.get(attributes[NAME], "auto")
        assert attributes.get("ram_style", "auto") == style, attributes[NAME]


@pytest.mark.parametrize(
    ("neurons", "lanes", "per_clock"),
    [(0, 12, 12), (4, 12, 4), (5, 12, 4), (11, 12, 6), (99, 12, 12), (1, 12, 1), (6, 7, 1)],
)
def test_neurons_per_clock_divide_the_lanes(neurons: int, lanes: int, per_clock: int):
    wide = machine(load("mnist-784-128-10"))
    assert Hardware(lanes=(lanes,), neurons=neurons).of(wide)[0].neurons == per_clock


# Lanes, ports and their limits


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("tiny", [8, 8]),
        ("mnist-196-64-10", [16, 10]),
        ("mnist-784-128-10", [32, 10]),
        ("mnist-784-128-64-10", [32, 32, 10]),
    ],
)
def test_lanes_follow_the_image_where_nobody_tells_them(name: str, lanes: list[int]):
    assert [layer.lanes for layer in DEFAULT.of(machine(load(name)))] == lanes


def test_a_network_of_one_input_and_one_of_very_many_are_built():
    numbers = machine(load("tiny"))
    for inputs, lanes in ((1, 1), (2, 2), (5, 4), (65535, 16)):
        first = dataclasses.replace(numbers.layers[0], n_pre=inputs)
        layers = DEFAULT.of(dataclasses.replace(numbers, layers=(first, numbers.layers[1])))
        assert layers[0].lanes == lanes


def test_a_layer_is_built_of_its_lanes():
    """16 columns by 3, and 10 by 12, which are too many."""
    first, last = Hardware(lanes=(3, 12), ports=(1,)).of(machine(load("tiny")))
    assert (first.lanes, first.words, first.banks, first.ports) == (3, 6, 4, 1)
    assert (last.lanes, last.words, last.banks, last.ports) == (10, 1, 16, 1)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"lanes": (8, 0)}, "lanes = 0: allowed are 1 to 1024"),
        ({"lanes": (1025,)}, "lanes = 1025: allowed are 1 to 1024"),
        ({"ports": (3,)}, "ports = 3: allowed are 1 to 2"),
        ({"draws": 9}, "draws = 9: allowed are 1 to 8"),
        ({"parts": 0}, "parts = 0: allowed are 1 to 16"),
        ({"ports": ()}, "give 1 or 2 for each layer, or once for all"),
    ],
)
def test_hardware_that_there_is_not_is_refused(given: dict[str, Any], told: str):
    with pytest.raises(HardwareError, match=re.escape(told)):
        Hardware(**given)


def test_a_core_without_counters_has_less_logic():
    with_, without = (
        rtlil.convert(Core(load("tiny"), Hardware(counters=counters))) for counters in (True, False)
    )
    assert len(without) < len(with_)


# The one choice that shows in results

FIRES = 0
"""Seed of weights that fire; with one of six others nothing does, and no input spike shows."""


def trained(program: Program) -> Program:
    program.image(FULL // 2)
    program.train(1)
    program.digest()
    return program


def with_a_dead_stream(seed: int) -> Program:
    program = trained(program_of(small(), seed))
    for half in ("low", "high"):
        program.write(f"stream.input.{half}", 0)
    return program


def test_streams_that_are_not_revived_are_golden_until_one_is_zero_and_after_reset(seed: int):
    unrevived = Hardware(revives=False)
    program = with_a_dead_stream(seed)
    program.reset()
    check(Core(small().config, unrevived), trained(program))


def test_a_stream_that_is_zero_differs_from_golden_where_it_is_not_revived(seed: int):
    check(Core(small().config, Hardware()), trained(with_a_dead_stream(seed)))
    fires = trained(with_a_dead_stream(FIRES))
    with pytest.raises(AssertionError, match=r"train 1|digest"):
        check(Core(small().config, Hardware(revives=False)), fires)
