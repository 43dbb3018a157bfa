"""A core in Python: the byte protocol over the golden network, a host's faults and its own."""

from __future__ import annotations

import dataclasses
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spikeloom.golden.activity import NEGATIVE, POSITIVE, PRE, ROWS, STEPS, counters
from spikeloom.golden.network import Network
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import Feature, Opcode, Status
from spikeloom.golden.spec.registers import Access, identity, registers
from spikeloom.golden.spec.stopping import LEAST, StopConfig
from spikeloom.golden.spec.streams import drawn, streams
from spikeloom.hdl.hardware import DEFAULT


@dataclass(frozen=True)
class Fault:
    """What goes wrong when `image` is trained (or inferred), from step `step` on.

    Exactly one of the rest is given: a weight (layer, row, column) that is one nearer to 0, a class
    with one count too many, a counter that is one too high, a stream that moves once too often.
    """

    image: np.ndarray
    step: int = 0
    infer: bool = False
    weight: tuple[int, int, int] | None = None
    count: int | None = None
    counter: str | None = None
    stream: int | None = None


class GoldenTransport:
    """Answers to the letter like the core of `machine`, whatever a host sends.

    Commands may be cut anywhere between two transfers.

    Replies that were not asked for are kept for later. `features` : what the core has.

    Attributes
    ----------
    events : what has happened so far: samples, spikes, errors, writes of weight rows, early ends.
    """

    def __init__(
        self,
        machine: Machine,
        fault: Fault | None = None,
        features: Feature = Feature.COUNTERS,
    ) -> None:
        self.machine = machine
        self.fault = fault
        self.delay: Callable[[], None] = lambda: None
        self.events: Counter[str] = Counter()
        self.identity = identity(machine, features)
        self._network = Network(machine)
        self.registers = registers(machine)
        self._names = {r.address: r.name for r in self.registers.values()}
        self._pending = b""
        self._replies = bytearray()
        self._reset()

    def transfer(self, data: bytes, reply: int) -> bytes:
        self._pending += data
        while self._pending:
            taken, answer = self.command(self._pending)
            if not taken:
                break
            self._pending = self._pending[taken:]
            self._replies += answer
        assert len(self._replies) >= reply, f"{len(self._replies)} bytes answered, {reply} expected"
        found = bytes(self._replies[:reply])
        del self._replies[:reply]
        return found

    @property
    def weights(self) -> list[np.ndarray]:
        return self._network.weights

    def _reset(self) -> None:
        self._values = {r.name: r.reset for r in self.registers.values()}
        self._image = np.zeros(self.machine.config.sizes[0], np.uint8)

    def command(self, data: bytes) -> tuple[int, bytes]:
        """Return the bytes that one command took (0: incomplete) and its answer."""
        opcode = data[0]
        fixed = {Opcode.READ: 2, Opcode.WRITE: 6, Opcode.TRAIN: 3, Opcode.READ_WEIGHTS: 6}
        if len(data) < fixed.get(opcode, 1):
            return 0, b""
        match opcode:
            case Opcode.NOP:
                return 1, b""
            case Opcode.IDENTIFY:
                return 1, self.identity.pack()
            case Opcode.READ:
                return 2, struct.pack("<I", self._values.get(self._names.get(data[1], ""), 0))
            case Opcode.WRITE:
                self._write(data[1], int.from_bytes(data[2:6], "little"))
                return 6, b""
            case Opcode.IMAGE:
                return self._load(data), b""
            case Opcode.TRAIN:
                return 3, self._train(int.from_bytes(data[1:3], "little"))
            case Opcode.INFER:
                return 1, self._infer()
            case Opcode.READ_WEIGHTS:
                return 6, self._read_weights(*struct.unpack("<BHH", data[1:6]))
            case Opcode.WRITE_WEIGHTS:
                return self._write_weights(data), b""
            case Opcode.DIGEST:
                crossbars = [w.astype("<i2").tobytes() for w in self._network.weights]
                return 1, struct.pack("<I", protocol.weights_digest(crossbars))
            case Opcode.RESET:
                self._reset()
                return 1, b""
        self._values["status"] |= Status.BAD_OPCODE
        return 1, b""

    def _write(self, address: int, value: int) -> None:
        name = self._names.get(address)
        if name is None or (name == "steps" and not 1 <= value <= self.machine.config.steps):
            return
        access, width = self.registers[name].access, self.registers[name].width
        if access is Access.READ_WRITE:
            self._values[name] = value & (1 << width) - 1
        elif access is Access.CLEAR:
            for register in self.registers.values():
                if register.access is Access.READ:
                    self._values[register.name] = 0

    def _load(self, data: bytes) -> int:
        pixels, place, size, beyond = 0, 1, self._image.size, False
        image = np.zeros(size, np.uint8)
        while place < len(data):
            header, place = data[place], place + 1
            if not header:
                self._image = image
                self._values["status"] |= Status.BAD_PIXEL * beyond
                return place
            literals = header & protocol.LITERAL_MAX
            pixels += header >> protocol.LITERAL_BITS
            there = data[place : place + min(literals, max(0, size - pixels))]
            image[pixels : pixels + len(there)] = list(there)
            beyond |= pixels + literals > size and literals > 0
            pixels, place = pixels + literals, place + literals
        return 0

    def _train(self, label: int) -> bytes:
        if label >= self.machine.config.sizes[-1]:
            self._values["status"] |= Status.BAD_LABEL
            label = 0
        self._prepare()
        counts, activity = self._network.train(self._image[np.newaxis], np.array([label]))
        return self._finish(counts[0], activity[0], infer=False)

    def _infer(self) -> bytes:
        self._prepare()
        counts = self._network.infer(self._image[np.newaxis])
        return self._finish(counts[0], self._network.activity[0], infer=True)

    def _prepare(self) -> None:
        """Give the network what the registers say."""
        self.delay()
        values, network = self._values, self._network
        network.steps = values["steps"]
        if self.machine.config.stop.used:
            least = max(LEAST.low, values["stop.least"])  # a step is run in any case
            network.stop = StopConfig(values["stop.train"], values["stop.infer"], least)
        network.set_updates(
            tuple(
                Update(values[f"shift.{layer.index}"], values[f"probability.{layer.index}"])
                for layer in self.machine.layers
            )
        )
        states = network.stream_states
        for number, low, high in self._halves():
            states[number] = values[low] | values[high] << 32
        network.stream_states = states

    def _halves(self) -> Iterator[tuple[int, str, str]]:
        """Yield the number of every stream that is drawn from, and its two registers."""
        every = streams(self.machine.config)
        for number in drawn(self.machine):
            name = every[number].name
            yield number, f"stream.{name}.low", f"stream.{name}.high"

    def _finish(self, counts: np.ndarray, activity: np.ndarray, *, infer: bool) -> bytes:
        """Show the streams, count a sample, use up its image, and return its reply."""
        states = self._network.stream_states
        for number, low, high in self._halves():
            self._values[low], self._values[high] = (
                states[number] & 0xFFFFFFFF,
                states[number] >> 32,
            )
        self._add("samples", 1)
        self._add("cycles", 100 + int(activity[PRE].sum()))
        for name, value in counters(activity[np.newaxis]).items():
            self._add(name, value)
        for layer in DEFAULT.of(self.machine):
            self._add(f"writes.{layer.index}", int(activity[ROWS, layer.index]) * layer.words)
        self.events["inferred" if infer else "trained"] += 1
        self.events["spikes"] += int(activity[PRE, 1:].sum())
        self.events["errors"] += int(activity[POSITIVE].sum() + activity[NEGATIVE].sum())
        self.events["rows_written"] += int(activity[ROWS].sum())
        self.events["stopped"] += int(activity[STEPS, 0]) < self._values["steps"]
        if self._faulty(infer):
            counts = self._break(counts)
        self._image = np.zeros_like(self._image)
        ran = int(activity[STEPS, 0])
        return struct.pack(f"<{counts.size + 2}H", *counts, int(counts.argmax()), ran)

    def _add(self, name: str, value: int) -> None:
        if "." in name and Feature.COUNTERS not in self.identity.features:
            return
        self._values[name] = (self._values[name] + value) & 0xFFFFFFFF

    def _faulty(self, infer: bool) -> bool:
        fault = self.fault
        return (
            fault is not None
            and fault.infer == infer
            and self._values["steps"] > fault.step
            and np.array_equal(fault.image.reshape(-1), self._image)
        )

    def _break(self, counts: np.ndarray) -> np.ndarray:
        fault = self.fault
        if fault.weight is not None:
            layer, row, column = fault.weight
            weights = self._network.weights
            weights[layer - 1][row, column] -= 1 if weights[layer - 1][row, column] > 0 else -1
            self._network.weights = weights
        if fault.counter is not None:
            self._add(fault.counter, 1)
        if fault.stream is not None:
            name = streams(self.machine.config)[fault.stream].name
            self._values[f"stream.{name}.low"] ^= 1
        return counts + (np.arange(counts.size) == fault.count)

    def _read_weights(self, layer: int, row: int, rows: int) -> bytes:
        if not 1 <= layer <= self.machine.config.depth:
            self._values["status"] |= Status.BAD_ROW
            return b""
        weights = self._network.weights[layer - 1]
        wanted = np.zeros((rows, weights.shape[1]), "<i2")
        there = weights[row : row + rows]
        wanted[: len(there)] = there
        if len(there) < rows:
            self._values["status"] |= Status.BAD_ROW
        return wanted.tobytes()

    def _write_weights(self, data: bytes) -> int:
        if len(data) < 6:
            return 0
        layer, row, rows = struct.unpack("<BHH", data[1:6])
        if not 1 <= layer <= self.machine.config.depth:
            self._values["status"] |= Status.BAD_ROW
            return 6
        weights = self._network.weights
        mine = weights[layer - 1]
        length = 6 + 2 * rows * mine.shape[1]
        if len(data) < length:
            return 0
        there = max(0, min(rows, len(mine) - row))
        given = np.frombuffer(data[6:length], "<i2").reshape(rows, mine.shape[1])
        mine[row : row + there] = given[:there]
        self._network.weights = weights
        if there < rows:
            self._values["status"] |= Status.BAD_ROW
        return length


def foreign(machine: Machine) -> GoldenTransport:
    """Return a core of another configuration than it should hold."""
    transport = GoldenTransport(machine)
    transport.identity = dataclasses.replace(transport.identity, digest="0123456789abcdef")
    return transport
