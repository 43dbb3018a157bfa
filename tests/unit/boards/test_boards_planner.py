# amaranth: UnusedElaboratable=no
"""The memory planner: where memories go, and what it says of a network that is too big."""

from __future__ import annotations

import dataclasses

import pytest

from spikeloom.boards import planner
from spikeloom.boards.devices import BSRAM, DP16KD, EBR, SPRAM, UP5K, BlockRam
from spikeloom.boards.planner import LOGIC, PlanError, check, plan
from spikeloom.boards.targets import TARGETS
from spikeloom.golden.spec.network import load
from spikeloom.hdl.hardware import Hardware, HardwareError
from spikeloom.hdl.memories import StoredMemory

SMALL = Hardware(lanes=(1,), draws=1)


# As measured with Yosys 0.70: width, depth, blocks.
@pytest.mark.parametrize(
    ("ram", "width", "depth", "blocks"),
    [
        (EBR, 16, 256, 1),
        (EBR, 16, 2048, 8),
        (EBR, 1, 16384, 4),
        (EBR, 18, 1024, 5),
        (EBR, 36, 512, 5),
        (DP16KD, 16, 1024, 1),
        (DP16KD, 18, 1024, 1),
        (DP16KD, 36, 512, 1),
        (DP16KD, 16, 8192, 8),
        (BSRAM, 16, 1024, 1),
        (BSRAM, 16, 8192, 8),
        (SPRAM, 64, 12544, 4),
        # 784 x 128 weights of 9 bits, 16 and 32 lanes; 784 x 512, 16 and 32
        (DP16KD, 144, 6272, 52),
        (DP16KD, 288, 3136, 56),
        (DP16KD, 144, 25088, 200),
        (DP16KD, 288, 12544, 208),
    ],
)
def test_blocks_are_those_that_yosys_takes(ram: BlockRam, width: int, depth: int, blocks: int):
    assert ram.blocks(width, depth) == blocks


def test_every_named_memory_is_placed_and_the_link_has_its_buffer():
    found = plan(TARGETS["hx8k"], load("tiny"), SMALL)
    names = [p.memory.name for p in found.placements]
    assert len(set(names)) == len(names)
    assert {"layer1.weights", "link.buffer"} <= set(names)
    weights = next(p for p in found.placements if p.memory.name == "layer1.weights")
    assert weights.memory.bits == 784 * 8
    assert weights.kind == "EBR"
    assert found.fits
    assert "layer1.weights: 784 x 8 = 6,272 bits: 2 EBR" in found.lines()


def test_a_small_memory_is_logic_where_that_is_cheaper():
    bits = StoredMemory("bits", 2, 16)
    assert planner._place(bits, UP5K, "auto").kind == LOGIC
    assert planner._place(bits, UP5K, "block").kind == "EBR"


def test_single_port_ram_takes_what_is_said_to_be_huge():
    weights = StoredMemory("layer1.weights", 64, 12544)
    assert planner._place(weights, UP5K, "huge").kind == "SPRAM"
    assert planner._place(weights, UP5K, "huge").blocks == 4
    assert planner._place(weights, UP5K, "auto").kind == "EBR"


def test_a_network_that_is_too_big_is_refused_with_the_lanes_that_would_do(
    monkeypatch: pytest.MonkeyPatch,
):
    target = TARGETS["ulx3s-85f"]
    config = load("mnist-784-512-10")
    monkeypatch.setattr(planner, "LANES", (10, 32))
    told: list[str] = []
    with pytest.raises(PlanError) as error:
        check(target, config, Hardware(lanes=(32, 10), draws=4), told.append)
    text = str(error.value)
    assert "mnist-784-512-10 is too big for ULX3S with ECP5-85F" in text
    assert "DP16KD of 208 are needed" in text
    assert "bits. The largest memory is layer1.weights, 12,544 words of 256 bits" in text
    assert "With 10 lanes in the first layer its memories fit" in text
    assert told == ["its memories do not fit; searching for what would"]


def test_where_no_lanes_help_the_largest_hidden_layer_is_said(monkeypatch: pytest.MonkeyPatch):
    target = TARGETS["icestick"]
    config = load("mnist-196-64-10")
    monkeypatch.setattr(planner, "LANES", (1,))
    with pytest.raises(PlanError, match=r"no number of lanes .* hidden neurons in place of 64"):
        check(target, config, SMALL, print)


def test_the_hidden_layer_that_is_said_to_fit_does_and_one_more_does_not():
    target, config = TARGETS["icestick"], load("mnist-196-64-10")
    size = planner._largest(target, config, SMALL)

    def fits(hidden: int) -> bool:
        other = dataclasses.replace(config, sizes=(196, hidden, 10))
        return plan(target, other, SMALL).fits

    assert 0 < size < 64
    assert fits(size)
    assert not fits(size + 1)


# A choice that is none


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (
            "layer1.weight=huge",
            r"layer1.weight=huge: there is no memory.*\(is it layer1.weights\?\)",
        ),
        (
            "layer9.weights=block",
            r"layer9.weights=block: there is no memory of that name.*; there are",
        ),
        (
            "layer1.weights=huge",
            r"layer1.weights=huge: iCE40 HX8K has no single-port RAM; take block",
        ),
    ],
)
def test_a_style_that_no_memory_could_have_is_refused(setting: str, told: str):
    target, config = TARGETS["hx8k"], load("tiny")
    hardware = target.hardware_for(config).changed(plan=(setting,))
    with pytest.raises(HardwareError, match=told):
        plan(target, config, hardware)


def test_a_style_for_all_memories_of_a_kind_is_taken():
    target, config = TARGETS["hx8k"], load("tiny")
    hardware = target.hardware_for(config).changed(plan=("layer2.weights=logic",))
    found = plan(target, config, hardware)
    kinds = {p.kind for p in found.placements if p.memory.name.startswith("layer2.weights")}
    assert kinds == {LOGIC}
