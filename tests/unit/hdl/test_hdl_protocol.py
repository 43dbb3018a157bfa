"""The core's answers to the odd things that a host may send."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import Opcode, Status
from spikeloom.golden.spec.registers import registers
from spikeloom.hdl.core import BUFFER
from tests.bench import pysim
from tests.support.byte_program import Program, check, cycle_limit
from tests.support.core_faults import NEIGHBOURS, replaced
from tests.support.small_core import CLASSES, FULL, finish, program_of, small
from tests.support.small_core import core as built


@pytest.fixture(scope="module")
def network() -> Machine:
    return small()


@pytest.fixture
def program(network: Machine, seed: int) -> Program:
    return program_of(network, seed)


@pytest.fixture
def image(rng: np.random.Generator) -> np.ndarray:
    return (rng.integers(1, 256, 16) * (rng.random(16) < 0.6)).astype(np.uint8)


# Images


def test_a_sample_without_an_image_is_blank(program: Program, image: np.ndarray):
    program.image(image)
    program.infer()
    program.infer()
    program.train(1)
    program.train(1)
    finish(program)


def test_a_new_image_replaces_one_that_was_not_used(program: Program, image: np.ndarray):
    program.image(FULL)
    program.image(image)
    program.train(2)
    program.image(FULL)
    program.image(np.zeros(16, np.uint8))
    program.train(2)
    finish(program)


def test_pixels_beyond_the_image_are_skipped_and_reported(program: Program):
    program.tokens(bytes([15 << 3 | 4, 9, 8, 7, 6, 0]))  # pixel 15 and three that are not there
    program.read("status")
    program.train(0)
    program.write("clear", 0)
    program.tokens(bytes([31 << 3 | 1, 5, 31 << 3, 31 << 3, 1, 5, 0]))
    program.train(0)
    finish(program)


def test_a_zero_among_the_literals_is_a_pixel_like_any_other(program: Program):
    program.tokens(bytes([3, 200, 0, 200, 2 << 3 | 2, 0, 255, 0]))
    program.train(3)
    finish(program)


def test_an_image_is_taken_while_a_sample_runs(program: Program, image: np.ndarray):
    core = built(program)
    taken_while_busy = 0
    program.image(image)
    program.train(1)
    program.image(FULL)
    program.infer()

    async def send(ctx: SimulatorContext) -> None:
        await pysim.put(ctx, core.i, program.data)

    async def receive(ctx: SimulatorContext) -> None:
        replies = bytes(await pysim.collect(ctx, core.o, program.reply_bytes))
        assert next(program.differences(replies), None) is None

    async def count(ctx: SimulatorContext) -> None:
        nonlocal taken_while_busy
        async for *_, valid, ready, busy in ctx.tick().sample(
            core.i.valid, core.i.ready, core.busy
        ):
            taken_while_busy += valid & ready & busy

    limit = cycle_limit(program.machine, program)
    pysim.run(core, send, receive, monitors=[count], max_cycles=limit)
    assert taken_while_busy > 2 * BUFFER  # more than waits on the way in and out


def test_a_reply_that_nobody_takes_is_not_lost(program: Program, image: np.ndarray):
    for label in range(3):
        program.image(image)
        program.train(label)
    program.digest()
    check(built(program), program, pause=1500)


def test_bytes_may_come_slowly_and_be_taken_slowly(program: Program, image: np.ndarray):
    program.identify()
    program.image(image)
    program.train(1)
    program.digest()
    check(built(program), program, stall=0.9)


# Registers


def test_fewer_steps_run_the_first_steps_and_nothing_else(program: Program, image: np.ndarray):
    for steps in (1, 2, 6, 3):
        program.write("steps", steps)
        program.image(image)
        program.train(1)
        program.image(image)
        program.infer()
    finish(program)


def test_steps_that_the_core_does_not_have_are_ignored(program: Program):
    for steps in (0, 7, 1 << 13, (1 << 32) - 1):
        program.write("steps", steps)
        assert program.read("steps") == 6
    finish(program)


def test_registers_that_are_not_there_read_as_zero(program: Program):
    there = {register.address for register in registers(program.machine).values()}
    for address in (min(set(range(256)) - there), 255):
        program.add(f"write {address}", protocol.write(address, 0xFFFFFFFF))
        assert program.add(f"read {address}", protocol.read(address)) == bytes(4)
    finish(program)


def test_counters_and_status_are_cleared_by_writing(program: Program, image: np.ndarray):
    program.bad_opcode(0x77)
    program.image(image)
    program.train(1)
    assert program.read("samples") == 1
    assert program.read("status") == Status.BAD_OPCODE
    program.write("clear", 0x12345678)
    counted = ("status", "samples", "cycles", "spikes.", "positive.", "negative.", "writes.")
    for name in registers(program.machine):
        if name.startswith(counted):
            assert program.read(name) == 0
    inexact = {exchange.what for exchange in program.exchanges if not exchange.exact}
    assert inexact == {"read cycles", "read writes.1", "read writes.2"}
    finish(program)


@pytest.mark.parametrize("clear", [lambda p: p.reset(), lambda p: p.write("clear", 0)])
def test_what_is_wrong_right_after_the_status_is_cleared_is_all_that_it_tells(
    program: Program, clear: Callable[[Program], None]
):
    program.read_weights(1, program.machine.layers[0].n_pre, 1)
    assert program.read("status") == Status.BAD_ROW
    clear(program)
    program.bad_opcode(0x77)
    assert program.read("status") == Status.BAD_OPCODE
    finish(program)


def test_counters_do_not_run_while_the_core_is_idle(network: Machine, seed: int):
    """`cycles` and `writes` too, which programs do not compare."""
    program = program_of(network, seed)
    program.write("clear", 0)
    cleared = len(program.data)
    for name in ("cycles", "writes.1", "writes.2"):
        program.read(name)
    core = built(program)

    async def bench(ctx: SimulatorContext) -> None:
        await pysim.put(ctx, core.i, program.data[:cleared])
        await ctx.tick().repeat(50)
        ctx.set(core.o.ready, 0)
        await pysim.put(ctx, core.i, program.data[cleared : cleared + 2])
        assert await pysim.collect(ctx, core.o, 4) == [0, 0, 0, 0]

    pysim.run(core, bench)


@pytest.mark.parametrize("label", [CLASSES, 256, 65535])
def test_a_label_that_is_no_class_trains_class_0_and_is_reported(
    program: Program, image: np.ndarray, label: int
):
    program.image(image)
    program.train(label)
    assert program.read("status") == Status.BAD_LABEL
    finish(program)


def test_every_unknown_opcode_is_skipped_and_reported(program: Program):
    for code in range(max(Opcode) + 1, 256):
        program.bad_opcode(code)
    assert program.read("status") == Status.BAD_OPCODE
    finish(program)


def test_reset_keeps_weights_and_forgets_a_loaded_image(program: Program, image: np.ndarray):
    program.image(FULL)
    program.train(1)
    program.write("steps", 2)
    program.write("shift.1", 3)
    program.image(image)
    program.reset()
    program.train(1)
    finish(program)


# Weights


@pytest.mark.parametrize("ports", [1, 2])
def test_weights_are_whole_at_once_after_a_sample(ports: int, image: np.ndarray, seed: int):
    """The last row written may still be on its way into a one-port memory."""
    program = program_of(small(), seed)
    for layer in (1, 2):
        program.write(f"probability.{layer}", 1 << 16)
    for label in range(3):
        program.image(image)
        program.train(label)
        layer = program.machine.layers[label % 2]
        program.write_weights(layer.index, layer.n_pre - 1, np.ones((1, layer.n_post), np.int16))
        program.read_all_weights()
        program.image(FULL)
        program.train(label)
        program.digest()
    finish(program, ports)


def test_no_rows_are_neither_expected_nor_sent(program: Program):
    for layer in program.machine.layers:
        for row in (0, layer.n_pre, 65535):
            program.read_weights(layer.index, row, 0)
            program.write_weights(layer.index, row, np.zeros((0, layer.n_post), np.int16))
    assert program.read("status") == 0
    finish(program)


def test_rows_beyond_the_crossbar_read_as_zero_are_not_written_and_are_reported(program: Program):
    for layer in program.machine.layers:
        for row in (layer.n_pre - 1, layer.n_pre, 255, 256, 65535):
            program.write("clear", 0)
            program.read_weights(layer.index, row, 3)
            assert program.read("status") == Status.BAD_ROW
            program.write("clear", 0)
            program.write_weights(layer.index, row, np.ones((3, layer.n_post), np.int16))
            assert program.read("status") == Status.BAD_ROW
    finish(program)


@pytest.mark.parametrize("opcode", [Opcode.READ_WEIGHTS, Opcode.WRITE_WEIGHTS])
@pytest.mark.parametrize("layer", [0, 3, 255])
def test_weights_of_a_layer_that_is_not_there_are_reported(
    program: Program, opcode: Opcode, layer: int
):
    program.add(f"{opcode!r} of layer {layer}", protocol.weights_header(opcode, layer, 0, 2))
    assert program.read("status") == Status.BAD_ROW
    finish(program)


# Spike lists: sizes that are powers of two, filled to the last place


@pytest.mark.parametrize("ports", [1, 2])
def test_steps_in_which_every_neuron_spikes_pass_whole_lists(ports: int):
    full_lists(ports)


def test_a_host_write_that_disturbs_its_neighbours_is_caught(monkeypatch: pytest.MonkeyPatch):
    replaced(NEIGHBOURS, monkeypatch)
    with pytest.raises(AssertionError, match="infer: the core replied"):
        full_lists(2)


def full_lists(ports: int) -> None:
    network = small(input__ramp="constant", neuron__start=1.0)
    program = Program(network)
    largest = [np.full((x.n_pre, x.n_post), x.weight_max, np.int16) for x in network.layers]
    program.load_weights(largest)
    for _ in range(3):
        program.image(FULL)
        program.train(0)
        program.load_weights(largest)
        program.image(FULL)
        program.infer()
    finish(program, ports)
