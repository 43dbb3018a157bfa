"""The core against golden: random networks, random bytes, random stalls, replies equal."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import data
from amaranth.lib.memory import Memory

from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.golden.spec.protocol import Feature
from spikeloom.hdl import core, feedback
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.vectors import suits
from spikeloom.sim.rtl.transport import VerilatedTransport
from spikeloom.sim.rtl.verilate import build, to_verilog
from tests.campaigns.mutation.planted import Mutant
from tests.support.byte_program import Program, check, random_program
from tests.support.configurations import table
from tests.support.core_faults import DROPOUT, FAULTS, NEIGHBOURS, replaced
from tests.support.random_config import (
    describe,
    random_config,
    random_hardware,
    random_images,
    random_lanes,
    random_weights,
)

STALLS = (0.0, 0.3, 0.8)


@pytest.fixture(autouse=True)
def small_drums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let drums put vectors of any size into memories: the networks here have few neurons."""
    monkeypatch.setattr(feedback, "SMALL", 0)


def features(hardware: Hardware) -> Feature:
    return Feature.COUNTERS if hardware.counters else Feature(0)


def fuzz(
    config: NetworkConfig,
    program: Program,
    rng: np.random.Generator,
    hardware: Hardware = DEFAULT,
) -> None:
    """Check one program under stalls at random; a difference comes with the configuration."""
    pause = int(rng.choice([0, 0, 40]))
    stall, stall_seed = float(rng.choice(STALLS)), int(rng.integers(99))
    try:
        check(core.Core(config, hardware), program, stall=stall, seed=stall_seed, pause=pause)
    except Exception as error:
        error.add_note(f"{describe(config)}\n{hardware}")
        raise


def try_any_network(seed: list[int], **fixed: Any) -> None:
    rng = np.random.default_rng(seed)
    config = random_config(rng, **fixed)
    hardware = random_hardware(config, rng)
    fuzz(config, random_program(machine(config), rng, 10, features(hardware)), rng, hardware)


@pytest.mark.parametrize("number", range(6))
def test_any_network_replies_as_golden_does(number: int, seed: int):
    try_any_network([seed, number])


@pytest.mark.slow
@pytest.mark.parametrize("number", range(40))
def test_many_networks_reply_as_golden_does(number: int, seed: int):
    try_any_network([seed, number])


def try_other_hardware(rng: np.random.Generator, variants: int) -> None:
    config = random_config(rng)
    program = random_program(machine(config), rng, 6)
    for _ in range(variants):
        hardware = dataclasses.replace(random_hardware(config, rng), counters=True)
        fuzz(config, program, rng, hardware)


def test_hardware_changes_no_reply(rng: np.random.Generator):
    try_other_hardware(rng, 2)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_hardware_changes_no_reply_of_many(number: int, seed: int):
    try_other_hardware(np.random.default_rng([seed, number]), 4)


@pytest.fixture
def rubbish(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Fill every memory with random bits, as silicon does at power-up."""
    bits, sound = random.Random(seed), Hardware.memory

    def filled(self: Hardware, m: Module, name: str, shape: Any, depth: int) -> Memory:
        memory = sound(self, m, name, shape, depth)
        if isinstance(shape, data.Layout):
            words = [shape.from_bits(bits.getrandbits(shape.size)) for _ in range(depth)]
        else:
            high = 1 << shape.width - shape.signed
            words = [bits.randrange(-high if shape.signed else 0, high) for _ in range(depth)]
        memory.init = words
        return memory

    monkeypatch.setattr(Hardware, "memory", filled)


@pytest.mark.usefixtures("rubbish")
def test_what_memories_hold_at_power_up_changes_nothing(seed: int):
    try_any_network([seed, 0], error__kernel_shift=1, neuron__kernel_shift=1)


@pytest.mark.slow
@pytest.mark.usefixtures("rubbish")
@pytest.mark.parametrize("number", range(8))
def test_what_memories_hold_at_power_up_changes_nothing_in_many(number: int, seed: int):
    try_any_network([seed, number])


def test_lateral_inhibition_beyond_every_weight_sum_is_exact(rng: np.random.Generator):
    """16 thresholds from each of six neighbours, where a column adds up to four weight units."""
    table = {
        "weight_bits": 2,
        "reach": 2.0,
        "init_gain": 1.0,
        "update": 0.2,
        "error_threshold": 1.0,
        "dropout": 0.0,
    }
    config = random_config(
        rng,
        image=[2, 2],
        sizes=[4, 7],
        layer=[table],
        wta__kind="lateral",
        wta__strength=16.0,
        neuron__floor=1.0,
        neuron__start=1.0,
        neuron__kernel_shift=0,
        input__rate=0.8,
    )
    fuzz(config, random_program(machine(config), rng, 6), rng, Hardware(lanes=(3,)))


COMPETITIONS: list[tuple[dict[str, Any], Hardware]] = [
    ({}, DEFAULT),
    ({"steps": 1}, DEFAULT),
    ({"sizes": [4, 3, 47], "steps": 4}, Hardware(lanes=(2, 8))),
    ({"sizes": [4, 5, 2], "neuron__kernel_shift": 1, "leak": 0.1}, Hardware(lanes=(5, 1))),
    ({"sizes": [4, 5, 4], "stop": {"train": 2, "infer": 2}, "input__jitter": 1}, DEFAULT),
]


@pytest.mark.parametrize(("changes", "hardware"), COMPETITIONS)
def test_a_competition_replies_as_golden_does(
    changes: dict[str, Any], hardware: Hardware, rng: np.random.Generator
):
    """All weights 0, which is a tie in each step, and membranes from one rail to the other."""
    changes = dict(changes)
    layer = {**table()["layer"][0], "leak": changes.pop("leak", 0.0)}
    loud = {**layer, "reach": 16.0}  # some steps to the limits, which lie 256 thresholds away
    fixed = {"image": [2, 2], "sizes": [4, 5, 3], "steps": 12, "layer": [layer, loud], **changes}
    competing = {"wta__kind": "softmax", "wta__strength": 3.0, "input__rate": 1.0}
    config = from_dict(table(**fixed, **competing))
    program = Program(machine(config))
    small, *_, last = random_weights(program.machine, rng)
    first, top = (each.weight_max for each in program.machine.layers)
    rails = np.full_like(last, top) * np.resize([1, -1], config.sizes[-1])
    full = np.full(config.sizes[0], 255, np.uint8)
    for weights in (0 * last, rails, last):
        program.load_weights([np.full_like(small, first), weights])
        for label in range(3):
            program.image(full)
            program.infer()
            program.train(label % config.sizes[-1])
    program.read_all_weights()
    program.read_registers()
    fuzz(config, program, rng, hardware)


def blank_images(rng: np.random.Generator) -> tuple[NetworkConfig, Program]:
    """Infer and train in turn with hidden dropout and nothing else that keeps the layers back."""
    still = {"neuron__start": 1.0, "layer__leak": 0.0, "neuron__kernel_shift": 0}
    still |= {"layer__drop": 1.0, "learning__rule": "ssnn-bp"}
    fixed = {"steps": 6, "input__dropout": 0.0, "layer__dropout": 0.5, **still}
    config = random_config(rng, **fixed)
    while config.depth < 2 or config.sizes[1] < 6:
        config = random_config(rng, **fixed)
    program = Program(machine(config))
    program.load_weights(random_weights(program.machine, rng))
    for _ in range(3):
        program.infer()
        program.train(1)
    program.read_all_weights()
    program.read_registers()
    return config, program


def test_a_sample_trained_after_an_inferred_one_waits_for_its_dropout(rng: np.random.Generator):
    config, program = blank_images(rng)
    fuzz(config, program, rng, random_lanes(config, rng))


@pytest.mark.slow
def test_a_layer_that_begins_before_its_dropout_is_caught(monkeypatch: pytest.MonkeyPatch):
    replaced(DROPOUT, monkeypatch)
    config, program = blank_images(np.random.default_rng(3))
    with pytest.raises(AssertionError):
        check(core.Core(config), program)


def test_random_networks_reach_every_option_and_event():
    """Otherwise all of this would compare silence with silence."""
    events: Counter[str] = Counter()
    for number in range(200):
        rng = np.random.default_rng(number)
        config = random_config(rng)
        program = random_program(machine(config), rng, 10)
        hardware = random_hardware(config, rng)
        options = {
            *(
                f"no {name}"
                for name in ("counters", "registered", "buffered")
                if not getattr(hardware, name)
            ),
            f"{config.depth} crossbars",
            f"reset {config.neuron.reset}",
            f"{config.error.membranes} membranes",
            f"gate {config.error.gate}",
            f"label {config.label.train}",
            f"wta {config.wta.kind}",
            f"ramp {config.input.ramp}",
            *(f"{use} {getattr(config.random, use)}" for use in ("input", "thinning", "dropout")),
            *(f"{ports} ports" for ports in hardware.ports),
            *(f"{each.weight_bits} bits" for each in config.layers),
            f"{hardware.draws} draws",
        }
        if config.neuron.kernel_shift and config.error.kernel_shift:
            options.add("both kernels")
        if config.input.dropout and config.layers[0].dropout:
            options.add("both dropouts")
        if config.error.cost and config.depth > 1:
            options.add("a cost")
        if config.input.jitter:
            options.add("jitter")
        layers = hardware.of(program.machine)
        if any(each.words * each.lanes != each.n_post for each in layers):
            options.add("odd lanes")
        if any(each.neurons != each.lanes for each in layers):
            options.add("folded")
        for each, above in itertools.pairwise(layers):
            if hardware.drums and suits(each.n_post, (each.lanes, above.banks)):
                options.add("drum of equal strides" if each.lanes == above.banks else "drum")
        events.update(options)
        events["stopped"] += any(
            int.from_bytes(exchange.reply[-2:], "little") < config.steps
            for exchange in program.exchanges
            if config.stop.used and exchange.what.startswith(("train", "infer"))
        )
        seen = {
            exchange.what.removeprefix("read ")
            for exchange in program.exchanges
            if exchange.what.startswith("read ") and any(exchange.reply)
        }
        last = config.depth
        for name in (f"spikes.{last}", f"positive.{last}", f"negative.{last}", f"writes.{last}"):
            events[name.replace(str(last), "output")] += name in seen
        if last > 1:
            for name in ("spikes.1", "positive.1", "negative.1", "writes.1"):
                events[name] += name in seen
    expected = {
        *("1 crossbars", "2 crossbars", "3 crossbars", "reset zero", "reset subtract"),
        *("shared membranes", "separate membranes", "gate hold", "gate discard", "gate open"),
        *("label front", "label constant", "label random", "label random-front"),
        *("wta none", "wta lateral", "wta feedforward", "wta recurrent", "wta softmax"),
        *("no counters", "no registered", "no buffered", "folded", "drum", "drum of equal strides"),
        "stopped",
        *("both kernels", "both dropouts", "odd lanes", "1 ports", "2 ports", "a cost", "jitter"),
        "ramp linear",
        *(f"input lfsr{degree}" for degree in (16, 24, 31, 32, 48, 64)),
        *(f"{bits} bits" for bits in range(2, 17)),
        *(f"{draws} draws" for draws in range(1, 6)),
        *("spikes.1", "positive.1", "negative.1", "writes.1"),
        *("spikes.output", "positive.output", "negative.output", "writes.output"),
    }
    rare = {name: events[name] for name in expected if events[name] < 5}
    assert not rare


def caught(fixed: dict[str, Any], hardware: Hardware, tries: int) -> bool:
    for number in range(tries):
        rng = np.random.default_rng(number)
        config = random_config(rng, **fixed)
        program = random_program(machine(config), rng, 10)
        try:
            built = hardware if hardware.lanes else random_lanes(config, rng, hardware)
            check(core.Core(config, built), program)
        except AssertionError:
            return True
    return False


def try_fault(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant, fixed, hardware = FAULTS[number]
    replaced(mutant, monkeypatch)
    assert caught(fixed, hardware, 30), mutant.why


@pytest.mark.parametrize("mutant", [NEIGHBOURS, DROPOUT, *(fault[0] for fault in FAULTS)])
def test_every_fault_of_the_core_fits_the_source(mutant: Mutant):
    with mutant.applied() as module:
        assert module.__file__ == str(mutant.source)


def test_the_fuzz_catches_a_fault(monkeypatch: pytest.MonkeyPatch):
    try_fault(0, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, len(FAULTS)))
def test_the_fuzz_catches_every_fault(number: int, monkeypatch: pytest.MonkeyPatch):
    try_fault(number, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_long_runs_of_native_cores_reply_as_golden_does(number: int, seed: int):
    rng = np.random.default_rng([seed, number])
    config = random_config(rng)
    hardware = random_hardware(config, rng)
    program = Program(machine(config), features(hardware))
    images = random_images(config.sizes[0], rng)
    program.load_weights(random_weights(program.machine, rng))
    for sample in range(4000):
        program.image(images[rng.integers(len(images))])
        program.train(
            int(rng.integers(config.sizes[-1]))
        ) if rng.random() < 0.8 else program.infer()
        if sample % 500 == 0:
            program.read_registers()
            program.read_all_weights()
            program.load_weights(random_weights(program.machine, rng))
    program.digest()
    program.read_all_weights()
    program.read_registers()
    library = build(to_verilog(Core(config, hardware)))
    for stalls in ({}, {"in_": 128, "out": 128}, {"in_": 0, "out": 250}):
        with VerilatedTransport(library) as transport:
            transport.stalls(seed=seed, **stalls)
            replies = transport.transfer(program.data, program.reply_bytes)
        assert next(program.differences(replies), None) is None, f"{describe(config)}\n{hardware}"
