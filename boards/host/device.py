"""The host's side of the byte protocol: one class for the simulator and for a board."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import Identity, Opcode, Status
from spikeloom.golden.spec.registers import registers
from spikeloom.golden.spec.streams import streams

BATCH = 32
"""Samples per transfer: long enough to hide its cost, short enough to be interrupted."""


class DeviceError(RuntimeError):
    """A core that is not the one expected, or that reports an error."""


class Transport(Protocol):
    """Carries bytes to a core and back: a serial port or a simulated core."""

    def transfer(self, data: bytes, reply: int) -> bytes:
        """Send `data`, return exactly `reply` bytes, or raise."""


class Device:
    """A core behind a transport.

    Parameters
    ----------
    transport : carries the bytes.
    machine : the network that the core is expected to hold; `DeviceError` if it holds another.
    """

    def __init__(self, transport: Transport, machine: Machine) -> None:
        self._transport = transport
        self.machine = machine
        self._registers = registers(machine)
        self._streams = [stream.name for stream in streams(machine.config)]
        self.check_identity()

    def identify(self) -> Identity:
        """Ask the core what it is."""
        reply = self._transport.transfer(bytes([Opcode.IDENTIFY]), protocol.IDENTITY_BYTES)
        try:
            return Identity.unpack(reply)
        except ValueError as error:
            raise DeviceError(str(error)) from None

    def check_identity(self) -> None:
        """Refuse a core of another protocol version or another configuration."""
        found = self.identify()
        if found.version != protocol.VERSION:
            raise DeviceError(
                f"the core speaks protocol {found.version}, this host speaks {protocol.VERSION}: "
                "build the core again with this version of spikeloom"
            )
        wanted = self.machine.config.digest()
        if found.digest != wanted:
            raise DeviceError(
                f"the core holds configuration {found.digest}, {self.machine.config.name!r} is "
                f"{wanted}: load the core that was built for it"
            )

    def read(self, name: str) -> int:
        """Read a register by name."""
        return self.read_all([name])[name]

    def read_all(self, names: list[str]) -> dict[str, int]:
        """Read several registers in one transfer."""
        data = b"".join(protocol.read(self._registers[name].address) for name in names)
        reply = self._transport.transfer(data, 4 * len(names))
        values = np.frombuffer(reply, "<u4")
        return {name: int(value) for name, value in zip(names, values, strict=True)}

    def write(self, name: str, value: int) -> None:
        """Write a register by name; `ValueError` if the value does not fit."""
        register = self._registers[name]
        if not 0 <= value < 1 << register.width:
            raise ValueError(f"{name} = {value} does not fit {register.width} bits")
        self._transport.transfer(protocol.write(register.address, value), 0)

    @property
    def steps(self) -> int:
        """Steps per sample, 1 to the T of the configuration."""
        return self.read("steps")

    @steps.setter
    def steps(self, steps: int) -> None:
        if not 1 <= steps <= self.machine.config.steps:
            raise ValueError(f"steps = {steps} is outside 1..{self.machine.config.steps}")
        self.write("steps", steps)

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        for layer, update in zip(self.machine.layers, updates, strict=True):
            self.write(f"shift.{layer.index}", update.shift)
            self.write(f"probability.{layer.index}", update.probability)

    @property
    def stream_states(self) -> list[int]:
        """States of all streams, in the order of `golden.spec.streams.streams`."""
        names = [f"stream.{name}.{half}" for name in self._streams for half in ("low", "high")]
        values = list(self.read_all(names).values())
        return [low | high << 32 for low, high in zip(values[::2], values[1::2], strict=True)]

    @stream_states.setter
    def stream_states(self, states: list[int]) -> None:
        for name, value in zip(self._streams, states, strict=True):
            self.write(f"stream.{name}.low", value & 0xFFFFFFFF)
            if value >> 32 or self._registers[f"stream.{name}.high"].width:
                self.write(f"stream.{name}.high", value >> 32)

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights as the core holds them: int16[n_pre, n_post] per crossbar."""
        result = []
        for layer in self.machine.layers:
            header = protocol.weights_header(Opcode.READ_WEIGHTS, layer.index, 0, layer.n_pre)
            reply = self._transport.transfer(header, 2 * layer.n_pre * layer.n_post)
            result.append(np.frombuffer(reply, "<i2").reshape(layer.n_pre, layer.n_post).copy())
        return result

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        for layer, given in zip(self.machine.layers, weights, strict=True):
            largest = np.abs(given.astype(np.int32)).max()
            if given.shape != (layer.n_pre, layer.n_post) or largest > layer.weight_max:
                raise ValueError(
                    f"weights of shape {given.shape} within +-{largest} do not fit crossbar "
                    f"{layer.index}: it is {layer.n_pre} x {layer.n_post} within "
                    f"+-{layer.weight_max}"
                )
            header = protocol.weights_header(Opcode.WRITE_WEIGHTS, layer.index, 0, layer.n_pre)
            self._transport.transfer(header + given.astype("<i2").tobytes(), 0)

    def digest(self) -> int:
        """Return the CRC-32 of all weights, computed by the core (`protocol.weights_digest`)."""
        return int.from_bytes(self._transport.transfer(bytes([Opcode.DIGEST]), 4), "little")

    def reset(self) -> None:
        """Put streams, registers and counters back to their power-up values; weights stay."""
        self._transport.transfer(bytes([Opcode.RESET]), 0)

    def clear(self) -> None:
        """Clear status and counters."""
        self.write("clear", 0)

    def check_status(self) -> None:
        """Raise `DeviceError` if the core has reported an error since the last clear."""
        if status := self.read("status"):
            raise DeviceError(
                f"the core reports {Status(status)!r}: the link lost or changed bytes"
            )

    def counters(self) -> dict[str, int]:
        """Return samples, cycles, spikes, error spikes and writes since the last clear."""
        groups = ("samples", "cycles", "spikes.", "positive.", "negative.", "writes.")
        return self.read_all([name for name in self._registers if name.startswith(groups)])

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""
        commands = [protocol.train(int(label)) for label in labels]
        return self._run(images, commands)

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Infer samples in order; return counted output spikes, int32[n, classes]."""
        return self._run(images, [bytes([Opcode.INFER])] * len(images))

    def _run(self, images: np.ndarray, commands: list[bytes]) -> np.ndarray:
        """Load each image (uint8[n, ...]) and run its command."""
        classes = self.machine.config.sizes[-1]
        reply_bytes = 2 * (classes + 1)
        flat = np.ascontiguousarray(images, dtype=np.uint8).reshape(len(commands), -1)
        if flat.shape[1] != self.machine.config.sizes[0]:
            raise ValueError(
                f"images of {flat.shape[1]} pixels do not fit a network of "
                f"{self.machine.config.sizes[0]} inputs"
            )
        counts = np.empty((len(commands), classes), np.int32)
        for first in range(0, len(commands), BATCH):
            part = slice(first, first + BATCH)
            data = b"".join(
                protocol.encode_image(pixels.tobytes()) + command
                for pixels, command in zip(flat[part], commands[part], strict=True)
            )
            samples = len(commands[part])
            reply = self._transport.transfer(data, reply_bytes * samples)
            values = np.frombuffer(reply, "<u2").reshape(samples, classes + 1)
            counts[part] = values[:, :-1]
            if not np.array_equal(values[:, -1], values[:, :-1].argmax(axis=1)):
                raise DeviceError("the core's class is not the argmax of its counts: a faulty core")
        return counts
