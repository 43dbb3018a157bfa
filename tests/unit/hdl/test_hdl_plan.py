# amaranth: UnusedElaboratable=no
"""Plans of a core: every memory has a name and a style, and neurons share the lanes evenly."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

import numpy as np
import pytest
from amaranth.back import rtlil

from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.hdl.core import Core
from spikeloom.hdl.plan import NAME, STYLES, Plan, memories
from tests.support import stimulus
from tests.support.random_config import random_config, random_plan

MEMORY = re.compile(r"((?:^ *attribute .*\n)*)^ *memory width (\d+) size (\d+) ", re.MULTILINE)
ATTRIBUTE = re.compile(r'attribute \\(\w+) "([^"]*)"')


def written(config: NetworkConfig, plan: Plan) -> list[tuple[dict[str, str], int, int]]:
    """Return attributes, width and depth of every memory in the RTLIL of a core."""
    text = rtlil.convert(Core(config, plan))
    return [
        (dict(ATTRIBUTE.findall(attributes)), int(width), int(depth))
        for attributes, width, depth in MEMORY.findall(text)
    ]


def assert_all_found(config: NetworkConfig, plan: Plan) -> None:
    plan = dataclasses.replace(plan, buffered=False)  # the buffers are Amaranth's own
    found = memories(Core(config, plan))
    inside = written(config, plan)
    assert Counter((m.name, m.width, m.depth) for m in found) == Counter(
        (attributes[NAME], width, depth) for attributes, width, depth in inside
    )
    names = [memory.name for memory in found]
    assert len(names) == len(set(names)), "a name says which memory"


def test_every_memory_is_found_by_its_name():
    found = {memory.name: memory for memory in memories(Core(load("tiny")))}
    layer = stimulus.machine().layers[0]
    weights = found["layer1.weights"]
    assert (weights.width, weights.depth) == (
        layer.weight_bits * layer.lanes,
        layer.n_pre * layer.words,
    )
    assert weights.bits == weights.width * weights.depth
    assert_all_found(load("tiny"), Plan())


@pytest.mark.parametrize("number", range(4))
def test_every_memory_of_any_core_is_found(number: int, seed: int):
    rng = np.random.default_rng([seed, number])
    assert_all_found(random_config(rng, error__membranes="separate"), random_plan(rng))


def test_a_drum_is_a_memory_where_the_plan_wants_it():
    config = load("mnist-784-128-10")
    drums = {"layer1.waiting"}
    assert not drums & {memory.name for memory in memories(Core(config))}
    assert drums <= {memory.name for memory in memories(Core(config, Plan(drums=True)))}


def test_styles_reach_the_memories_they_name_and_no_other():
    names = [memory.name for memory in memories(Core(load("tiny")))]
    styles = {name: STYLES[k % len(STYLES)] for k, name in enumerate(names[1:])}
    assert set(styles.values()) == set(STYLES)
    found = written(load("tiny"), Plan(styles=tuple(styles.items()), buffered=False))
    assert len(found) == len(names)
    for attributes, _, _ in found:
        style = styles.get(attributes[NAME], "auto")
        assert attributes.get("ram_style", "auto") == style, attributes[NAME]


@pytest.mark.parametrize(
    ("neurons", "lanes", "per_clock"),
    [(0, 12, 12), (4, 12, 4), (5, 12, 4), (11, 12, 6), (99, 12, 12), (1, 12, 1), (6, 7, 1)],
)
def test_neurons_per_clock_divide_the_lanes(neurons: int, lanes: int, per_clock: int):
    layer = stimulus.layer(3, 20, lanes=lanes)
    assert Plan(neurons=neurons).neurons_per_clock(layer) == per_clock


def test_a_core_without_counters_has_less_logic():
    with_, without = (
        rtlil.convert(Core(load("tiny"), Plan(counters=counters))) for counters in (True, False)
    )
    assert len(without) < len(with_)
