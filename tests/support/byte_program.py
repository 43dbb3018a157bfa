"""Commands to a core with the replies they must get, at random and checked in a simulator."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from amaranth.lib import wiring
from amaranth.sim import SimulatorContext

from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import Feature, Opcode
from spikeloom.golden.spec.registers import Access, registers
from spikeloom.hdl.hardware import Hardware
from tests.bench import pysim
from tests.support.golden_transport import GoldenTransport
from tests.support.random_config import random_images, random_weights

DEPENDS_ON_HARDWARE = ("cycles", "writes.")
"""Registers whose value lanes and ports may change."""


@dataclass(frozen=True)
class Exchange:
    """One command, what it is called, and the reply it must get.

    Where that is not `exact`, it is a number that must be zero where the reference's is.
    """

    what: str
    command: bytes
    reply: bytes
    exact: bool = True

    def agrees(self, found: bytes) -> bool:
        """Tell whether a core may reply `found`."""
        return found == self.reply if self.exact else any(found) == any(self.reply)


class Program:
    """Commands in order; each is answered by the reference as it is added.

    `features` : what the core has that is to be asked.
    """

    def __init__(self, machine: Machine, features: Feature = Feature.COUNTERS) -> None:
        self.machine = machine
        self.exchanges: list[Exchange] = []
        self.samples = 0
        self._registers = registers(machine)
        self._reference = GoldenTransport(machine, features=features)

    def add(self, what: str, command: bytes, *, exact: bool = True) -> bytes:
        """Append a whole command; return the reference's reply."""
        taken, reply = self._reference.command(command)
        assert taken == len(command), f"{what}: {taken} of {len(command)} bytes are a command"
        self.exchanges.append(Exchange(what, command, reply, exact))
        return reply

    def identify(self) -> None:
        self.add("identify", bytes([Opcode.IDENTIFY]))

    def read(self, name: str) -> int:
        exact = not name.startswith(DEPENDS_ON_HARDWARE)
        register = self._registers[name]
        reply = self.add(f"read {name}", protocol.read(register.address), exact=exact)
        return int.from_bytes(reply, "little")

    def read_registers(self) -> None:
        for name in self._registers:
            self.read(name)

    def write(self, name: str, value: int) -> None:
        self.add(f"write {name} = {value}", protocol.write(self._registers[name].address, value))

    def image(self, pixels: np.ndarray) -> None:
        self.add(f"image {pixels.tolist()}", protocol.encode_image(pixels.tobytes()))

    def tokens(self, tokens: bytes) -> None:
        self.add(f"image tokens {tokens.hex(' ')}", bytes([Opcode.IMAGE]) + tokens)

    def train(self, label: int) -> None:
        self.samples += 1
        self.add(f"train {label}", protocol.train(label))

    def infer(self) -> None:
        self.samples += 1
        self.add("infer", bytes([Opcode.INFER]))

    def digest(self) -> None:
        self.add("digest", bytes([Opcode.DIGEST]))

    def reset(self) -> None:
        self.add("reset", bytes([Opcode.RESET]))

    def bad_opcode(self, code: int) -> None:
        self.add(f"opcode {code:#04x}", bytes([code]))

    def read_weights(self, layer: int, row: int, rows: int) -> None:
        header = protocol.weights_header(Opcode.READ_WEIGHTS, layer, row, rows)
        self.add(f"read weights of layer {layer}, row {row}, {rows} rows", header)

    def write_weights(self, layer: int, row: int, weights: np.ndarray) -> None:
        rows = len(weights)
        header = protocol.weights_header(Opcode.WRITE_WEIGHTS, layer, row, rows)
        what = f"write weights of layer {layer}, row {row}, {rows} rows {weights.tolist()}"
        self.add(what, header + weights.astype("<i2").tobytes())

    def load_weights(self, weights: list[np.ndarray]) -> None:
        for layer, given in enumerate(weights, start=1):
            self.write_weights(layer, 0, given)

    def read_all_weights(self) -> None:
        for layer in self.machine.layers:
            self.read_weights(layer.index, 0, layer.n_pre)

    @property
    def data(self) -> bytes:
        """All commands."""
        return b"".join(e.command for e in self.exchanges)

    @property
    def reply_bytes(self) -> int:
        """Length of all replies."""
        return sum(len(e.reply) for e in self.exchanges)

    def differences(self, replies: bytes) -> Iterator[str]:
        """Yield in words every reply that differs from the reference's."""
        place = 0
        for number, exchange in enumerate(self.exchanges):
            found = replies[place : place + len(exchange.reply)]
            place += len(exchange.reply)
            if not exchange.agrees(found):
                yield mismatch(number, exchange, found)


def mismatch(number: int, exchange: Exchange, found: bytes) -> str:
    """Say that a reply differs."""
    return (
        f"command {number}, {exchange.what}: the core replied {found.hex(' ')}, "
        f"golden {exchange.reply.hex(' ')}"
    )


def random_program(
    machine: Machine, rng: np.random.Generator, length: int, features: Feature = Feature.COUNTERS
) -> Program:
    """Draw `length` things for a host to do, after loading weights and before reading all back."""
    program = Program(machine, features)
    images = random_images(machine.config.sizes[0], rng)
    classes = machine.config.sizes[-1]
    program.identify()
    program.load_weights(random_weights(machine, rng))
    program.read_registers()
    if rng.random() < 0.5:  # else updates are as rare as the configuration says
        for layer in machine.layers:
            program.write(f"probability.{layer.index}", 1 << 16)
    for _ in range(length):
        match rng.choice(_DEEDS, p=_CHANCES):
            case "train":
                for _ in range(2):
                    program.image(images[rng.integers(len(images))])
                    program.train(int(rng.integers(classes)))
            case "infer":
                program.image(images[rng.integers(len(images))])
                program.infer()
            case "blank":
                program.infer() if rng.random() < 0.5 else program.train(int(rng.integers(classes)))
            case "two images":
                program.image(images[1])
                program.image(images[rng.integers(len(images))])
            case "registers":
                _change_registers(program, rng)
            case "weights":
                _touch_weights(program, rng)
            case "digest":
                program.digest()
            case "faults":
                _misbehave(program, rng)
            case "counters":
                program.read_registers()
                if rng.random() < 0.5:
                    program.write("clear", int(rng.integers(1 << 32)))
            case "reset":
                program.reset()
    program.digest()
    program.read_all_weights()
    program.read_registers()
    return program


_WEIGHTED = {
    "train": 10,
    "infer": 3,
    "blank": 1,
    "two images": 1,
    "registers": 2,
    "weights": 2,
    "digest": 1,
    "faults": 1,
    "counters": 1,
    "reset": 0.5,
}
_DEEDS = list(_WEIGHTED)
_CHANCES = np.array(list(_WEIGHTED.values())) / sum(_WEIGHTED.values())


def _change_registers(program: Program, rng: np.random.Generator) -> None:
    machine = program.machine
    layer = int(rng.integers(1, machine.config.depth + 1))
    writable = [r for r in registers(machine).values() if r.access is Access.READ_WRITE and r.width]
    streams = [r for r in writable if r.name.startswith("stream.")]
    margins = [register for register in writable if register.name.startswith("stop.")]
    match rng.integers(5 if margins else 4):
        case 4:
            register = margins[rng.integers(len(margins))]
            value = rng.choice([0, 1, 2, 4, rng.integers(1 << register.width)])
            program.write(register.name, int(value))
        case 0:
            program.write("steps", int(rng.integers(1, machine.config.steps + 1)))
        case 1:
            program.write(f"shift.{layer}", int(rng.integers(16)))
        case 2:
            chance = int(rng.choice([0, 1 << 16, rng.integers(1 << 16)]))
            program.write(f"probability.{layer}", chance)
        case 3:
            register = streams[rng.integers(len(streams))]
            program.write(register.name, int(rng.integers(1 << register.width)))


def _touch_weights(program: Program, rng: np.random.Generator) -> None:
    """Read or write some rows, so that they straddle the last one now and then."""
    layer = program.machine.layers[rng.integers(program.machine.config.depth)]
    row, rows = int(rng.integers(layer.n_pre + 1)), int(rng.integers(4))
    if rng.random() < 0.5:
        program.read_weights(layer.index, row, rows)
        return
    weights = rng.integers(-layer.weight_max, layer.weight_max + 1, (rows, layer.n_post))
    program.write_weights(layer.index, row, weights)


def _misbehave(program: Program, rng: np.random.Generator) -> None:
    machine = program.machine
    match rng.integers(6):
        case 0:
            program.bad_opcode(int(rng.integers(max(Opcode) + 1, 256)))
        case 1:
            program.train(int(rng.choice([machine.config.sizes[-1], 255, 256, 65535])))
        case 2:
            pixels = bytes(rng.integers(0, 256, machine.config.sizes[0] + 9, np.uint8))
            program.tokens(protocol.encode_image(pixels)[1:])
        case 3:
            program.read_weights(int(rng.choice([0, machine.config.depth + 1, 255])), 0, 2)
        case 4:
            for command in (protocol.read(255), protocol.write(255, 1), bytes([Opcode.NOP])):
                program.add(command.hex(" "), command)
        case 5:
            layer = machine.layers[rng.integers(machine.config.depth)]
            far = int(rng.choice([layer.n_pre, 256, 65535]))
            program.read_weights(layer.index, far, 2)
            program.write_weights(layer.index, far, np.ones((2, layer.n_post), np.int16))


def check(
    core: wiring.Component, program: Program, *, stall: float = 0.0, seed: int = 0, pause: int = 0
) -> None:
    """Run a program on a core in Amaranth's simulator; `AssertionError` at the first difference.

    Parameters
    ----------
    stall : of both streams, see `pysim.put`.
    pause : clocks for which the host takes nothing before each reply.
    """
    machine = program.machine

    async def send(ctx: SimulatorContext) -> None:
        await pysim.put(ctx, core.i, program.data, stall=stall, seed=seed)

    async def receive(ctx: SimulatorContext) -> None:
        stalls = random.Random(seed)
        for number, exchange in enumerate(program.exchanges):
            if exchange.reply and pause:
                await ctx.tick().repeat(pause)
            found = await pysim.collect(
                ctx, core.o, len(exchange.reply), stall=stall, seed=stalls.getrandbits(32)
            )
            if not exchange.agrees(bytes(found)):
                raise AssertionError(mismatch(number, exchange, bytes(found)))
        # every reply was taken, so anything that comes now is one too many
        for _ in range(50):
            ctx.set(core.o.ready, 1)
            *_, valid = await ctx.tick().sample(core.o.valid)
            assert not valid, "the core sent a byte that nobody asked for"

    pysim.run(core, send, receive, max_cycles=cycle_limit(machine, program, stall, pause))


def cycle_limit(machine: Machine, program: Program, stall: float = 0.0, pause: int = 0) -> int:
    """Return clocks after which a core that has not finished a program must be stuck."""
    accesses = sum(
        layer.words * (layer.n_pre + 12) + layer.n_post * (layer.words + layer.n_pre + 1) + 60
        for layer in Hardware(lanes=(1,)).of(machine)
    )
    step = accesses + machine.config.sizes[0] + 100
    sample = machine.config.steps * step + sum(machine.config.sizes) + 200
    transferred = len(program.data) + program.reply_bytes
    digests = sum(e.what == "digest" for e in program.exchanges)
    idle = len(program.exchanges) * (20 + pause) + digests * 8 * machine.config.weight_count
    return int((transferred * 8 + 100) / (1 - stall)) + program.samples * sample + idle
