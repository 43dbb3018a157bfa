"""What a core must reply to each command, by the golden network and the protocol's own words.

=============  ==================================  ================================================
command        takes                               is
=============  ==================================  ================================================
identify
read           register's name, or an address      READ
write          the same, value                     WRITE
image          pixels                              IMAGE, encoded as the host does
tokens         hex digits                          IMAGE with these tokens, whatever they say
train          label                               TRAIN
infer                                              INFER
read_weights   layer, row, rows                    READ_WEIGHTS
write_weights  layer, row, a list of rows          WRITE_WEIGHTS
digest                                             DIGEST
reset                                              RESET
opcode         code                                NOP, or a code that no command has
=============  ==================================  ================================================
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikeloom.golden.network import NEGATIVE, POSITIVE, PRE, ROWS, Network
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import Feature, Opcode, Status
from spikeloom.golden.spec.registers import Access, identity, registers
from spikeloom.golden.spec.streams import drawn, streams
from tests.campaigns.fuzz.case import CaseError, Command

DEPENDS_ON_HARDWARE = ("cycles", "writes.")
"""Registers whose value lanes and ports may change: only whether it is 0 is compared."""

NOTHING = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Exchange:
    """One command as bytes, what it is called, and the numbers that the core must reply.

    Attributes
    ----------
    reply : bytes, u2 counts and class, i2 weights or a u4; its dtype is that on the line.
    exact : whether the reply must be equal; else it must be 0 exactly where `reply` is.
    """

    what: str
    data: bytes
    reply: np.ndarray
    exact: bool = True

    def check(self, found: bytes) -> None:
        """Raise `AssertionError` with every number that differs."""
        numbers = np.frombuffer(found, self.reply.dtype).reshape(self.reply.shape)
        expected = self.reply
        if not self.exact:
            numbers, expected = numbers != 0, expected != 0
        np.testing.assert_array_equal(numbers, expected, f"{self.what}: core and golden differ")


def _halves(machine: Machine) -> Iterator[tuple[int, str, str]]:
    """Yield the number of every stream that is drawn from, and its two registers."""
    every = streams(machine.config)
    for number in drawn(machine):
        name = every[number].name
        yield number, f"stream.{name}.low", f"stream.{name}.high"


def configure(network: Network, values: dict[str, int]) -> None:
    """Give a network what the registers say, by their names: steps, updates, states of streams."""
    network.steps = values["steps"]
    network.set_updates(
        tuple(
            Update(values[f"shift.{layer.index}"], values[f"probability.{layer.index}"])
            for layer in network.machine.layers
        )
    )
    states = network.stream_states
    for number, low, high in _halves(network.machine):
        states[number] = values[low] | values[high] << 32
    network.stream_states = states


def show_streams(network: Network, values: dict[str, int]) -> None:
    """Put the states of a network's streams into the registers, by their names."""
    states = network.stream_states
    for number, low, high in _halves(network.machine):
        values[low], values[high] = states[number] & 0xFFFFFFFF, states[number] >> 32


class Reference:
    """A core in Python that takes commands one by one.

    Attributes
    ----------
    events : what has happened so far: samples, spikes, errors, writes of weight rows.
    """

    def __init__(self, machine: Machine, features: Feature = Feature.COUNTERS) -> None:
        self.machine = machine
        self.events: Counter[str] = Counter()
        self._features = features
        self._network = Network(machine)
        self._registers = registers(machine)
        self._names = {register.address: name for name, register in self._registers.items()}
        self._forget()

    @property
    def registers(self) -> tuple[str, ...]:
        """Names of all registers, in the order of their addresses."""
        return tuple(self._registers)

    @property
    def weights(self) -> list[np.ndarray]:
        """All weights, int16[n_pre, n_post] per crossbar."""
        return self._network.weights

    def answer(self, command: Command) -> Exchange:
        """Carry out a command; `CaseError` if there is none like it."""
        name, *arguments = command
        action = getattr(self, f"_do_{name}", None)
        try:
            if action is None:
                raise TypeError(f"there is no command {name!r}")
            data, reply, exact = action(*arguments)
        except (TypeError, ValueError, KeyError, struct.error, OverflowError) as error:
            raise CaseError(f"{name}: {error}") from None
        shown = " ".join(str(argument) for argument in arguments)
        return Exchange(f"{name} {shown}".strip(), data, reply, exact)

    def _do_identify(self) -> tuple[bytes, np.ndarray, bool]:
        said = identity(self.machine, self._features).pack()
        return bytes([Opcode.IDENTIFY]), np.frombuffer(said, np.uint8), True

    def _address(self, register: str | int) -> int:
        return register if isinstance(register, int) else self._registers[register].address

    def _do_read(self, register: str | int) -> tuple[bytes, np.ndarray, bool]:
        address = self._address(register)
        name = self._names.get(address, "")
        reply = np.array([self._values.get(name, 0)], "<u4")
        return protocol.read(address), reply, not name.startswith(DEPENDS_ON_HARDWARE)

    def _do_write(self, register: str | int, value: int) -> tuple[bytes, np.ndarray, bool]:
        address = self._address(register)
        data, name = protocol.write(address, value), self._names.get(address)
        known = self._registers[name] if name else None
        if known and known.access is Access.CLEAR:
            for other in self._registers.values():
                if other.access is Access.READ:
                    self._values[other.name] = 0
        elif name == "steps":
            self._values[name] = (
                value if 1 <= value <= self.machine.config.steps else self._values[name]
            )
        elif known and known.access is Access.READ_WRITE:
            self._values[known.name] = value & (1 << known.width) - 1
        return data, NOTHING, True

    def _do_image(self, pixels: list[int]) -> tuple[bytes, np.ndarray, bool]:
        if len(pixels) != self._image.size:
            raise ValueError(f"{len(pixels)} pixels, the network has {self._image.size}")
        self._image = np.array(pixels, np.uint8)
        return protocol.encode_image(bytes(pixels)), NOTHING, True

    def _do_tokens(self, tokens: str) -> tuple[bytes, np.ndarray, bool]:
        data = bytes.fromhex(tokens)
        self._image = np.zeros_like(self._image)
        place, pixel, ended = 0, 0, False
        while place < len(data) and not ended:
            skip, literals = divmod(data[place], 1 << protocol.LITERAL_BITS)
            ended = data[place] == 0
            pixel += skip
            for value in data[place + 1 : place + 1 + literals]:
                if pixel < self._image.size:
                    self._image[pixel] = value
                else:
                    self._report(Status.BAD_PIXEL)
                pixel += 1
            place += 1 + literals
        if not ended or place != len(data):
            raise ValueError(f"{tokens} does not end with the first header 00")
        return bytes([Opcode.IMAGE]) + data, NOTHING, True

    def _do_train(self, label: int) -> tuple[bytes, np.ndarray, bool]:
        data = protocol.train(label)
        if label >= self.machine.config.sizes[-1]:
            self._report(Status.BAD_LABEL)
            label = 0
        configure(self._network, self._values)
        counts, activity = self._network.train(self._image[np.newaxis], np.array([label]))
        return data, self._ran("trained", counts[0], activity[0]), True

    def _do_infer(self) -> tuple[bytes, np.ndarray, bool]:
        configure(self._network, self._values)
        sizes = self.machine.config.sizes
        spikes = self._network.raster(self._image, 0, 0)[0]
        parts = np.split(spikes, np.cumsum(sizes)[:-1], axis=1)
        activity = np.zeros((4, len(sizes)), np.int64)
        activity[PRE] = [part.sum(dtype=np.int64) for part in parts]
        counts = parts[-1].sum(axis=0, dtype=np.int64)
        return bytes([Opcode.INFER]), self._ran("inferred", counts, activity), True

    def _do_read_weights(self, layer: int, row: int, rows: int) -> tuple[bytes, np.ndarray, bool]:
        data = protocol.weights_header(Opcode.READ_WEIGHTS, layer, row, rows)
        if not 1 <= layer <= self.machine.config.depth:
            self._report(Status.BAD_ROW)
            return data, NOTHING, True
        there = self._network.weights[layer - 1][row : row + rows]
        reply = np.zeros((rows, there.shape[1]), "<i2")
        reply[: len(there)] = there
        if len(there) < rows:
            self._report(Status.BAD_ROW)
        return data, reply, True

    def _do_write_weights(
        self, layer: int, row: int, weights: list[list[int]]
    ) -> tuple[bytes, np.ndarray, bool]:
        data = protocol.weights_header(Opcode.WRITE_WEIGHTS, layer, row, len(weights))
        if not 1 <= layer <= self.machine.config.depth:
            self._report(Status.BAD_ROW)
            return data, NOTHING, True
        every = self._network.weights
        mine = every[layer - 1]
        given = np.array(weights, "<i2").reshape(len(weights), mine.shape[1])
        there = max(0, min(len(given), len(mine) - row))
        mine[row : row + there] = given[:there]
        self._network.weights = every
        if there < len(given):
            self._report(Status.BAD_ROW)
        return data + given.tobytes(), NOTHING, True

    def _do_digest(self) -> tuple[bytes, np.ndarray, bool]:
        crossbars = [weights.astype("<i2").tobytes() for weights in self._network.weights]
        reply = np.array([protocol.weights_digest(crossbars)], "<u4")
        return bytes([Opcode.DIGEST]), reply, True

    def _do_reset(self) -> tuple[bytes, np.ndarray, bool]:
        self._forget()
        return bytes([Opcode.RESET]), NOTHING, True

    def _do_opcode(self, code: int) -> tuple[bytes, np.ndarray, bool]:
        if code in tuple(Opcode) and code != Opcode.NOP:
            raise ValueError(f"{code} is {Opcode(code).name}, which has a name of its own")
        if code != Opcode.NOP:
            self._report(Status.BAD_OPCODE)
        return bytes([code]), NOTHING, True

    def _forget(self) -> None:
        """Do what RESET and power-up do: everything but the weights."""
        self._values = {name: register.reset for name, register in self._registers.items()}
        self._image = np.zeros(self.machine.config.sizes[0], np.uint8)

    def _report(self, status: Status) -> None:
        self._values["status"] |= status

    def _ran(self, kind: str, counts: np.ndarray, activity: np.ndarray) -> np.ndarray:
        """Show the streams, count a sample, use up its image, and return its reply."""
        show_streams(self._network, self._values)
        self._image = np.zeros_like(self._image)
        self._add("samples", 1)
        self._add("cycles", 1)
        for layer in range(len(self.machine.config.sizes)):
            self._add(f"spikes.{layer}", activity[PRE, layer])
        for layer in range(1, len(self.machine.config.sizes)):
            self._add(f"positive.{layer}", activity[POSITIVE, layer])
            self._add(f"negative.{layer}", activity[NEGATIVE, layer])
            self._add(f"writes.{layer}", activity[ROWS, layer])
        self.events[kind] += 1
        self.events["spikes"] += int(activity[PRE, 1:].sum())
        self.events["errors"] += int(activity[POSITIVE].sum() + activity[NEGATIVE].sum())
        self.events["rows_written"] += int(activity[ROWS].sum())
        return np.array([*counts, counts.argmax()], "<u2")

    def _add(self, name: str, value: int) -> None:
        if "." not in name or Feature.COUNTERS in self._features:
            self._values[name] = (self._values[name] + int(value)) & 0xFFFFFFFF
