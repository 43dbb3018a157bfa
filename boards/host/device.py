"""The host's side of the byte protocol: one class for the simulator and for a board."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden.samples import (
    checked_images,
    checked_labels,
    checked_states,
    checked_steps,
    checked_stop,
    checked_updates,
    checked_weights,
)
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import Feature, Identity, Opcode, Status
from spikeloom.golden.spec.registers import Register, map_digest, registers
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.streams import drawn, streams

HALVES = ("low", "high")
STOP = tuple(key.name for key in dataclasses.fields(StopConfig))

BATCH = 64
"""Samples that are encoded and sent at once: long enough to hide the cost of a transfer."""


class DeviceError(SpikeloomError, RuntimeError):
    """A core that is not the one expected, or that reports an error."""


class Transport(Protocol):
    """Carries bytes to a core and back: a serial port or a simulated core."""

    def transfer(self, data: bytes, reply: int) -> bytes:
        """Send `data`, return exactly `reply` bytes, or raise."""


def identify(transport: Transport) -> Identity:
    """Ask a core what it is; `DeviceError` if it is no core of ours."""
    reply = transport.transfer(bytes([Opcode.IDENTIFY]), protocol.IDENTITY_BYTES)
    try:
        return Identity.unpack(reply)
    except ValueError as error:
        raise DeviceError(str(error)) from None


class Device:
    """A core behind a transport.

    Parameters
    ----------
    transport : carries the bytes.
    machine : the network that the core is expected to hold; `DeviceError` if it holds another.

    Attributes
    ----------
    registers : the core's, by name. features : what the core has.
    ran : int32[n], the steps that each sample of the last call ran.
    """

    def __init__(self, transport: Transport, machine: Machine) -> None:
        self._transport = transport
        self.machine = machine
        self.registers: dict[str, Register] = registers(machine)
        every = streams(machine.config)
        self._drawn = {number: every[number].name for number in drawn(machine)}
        # streams that nothing draws from have no register: they stay what they were set to
        self._resting = [stream.seed(machine.config.random.seed) for stream in every]
        self.ran = np.zeros(0, np.int32)
        self.features = self.check_identity().features

    def check_identity(self) -> Identity:
        """Return what the core is; refuse another version, configuration or register map."""
        found = identify(self._transport)
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
        if found.registers != (known := map_digest(self.machine)):
            raise DeviceError(
                f"the core has register map {found.registers}, this host knows {known}: "
                "build the core again with this version of spikeloom"
            )
        return found

    def read(self, name: str) -> int:
        """Read a register by name."""
        return self.read_all([name])[name]

    def read_all(self, names: list[str]) -> dict[str, int]:
        """Read several registers in one transfer; `DeviceError` if one says what it cannot hold."""
        data = b"".join(protocol.read(self.registers[name].address) for name in names)
        reply = self._transport.transfer(data, 4 * len(names))
        values = dict(zip(names, np.frombuffer(reply, "<u4").tolist(), strict=True))
        for name, value in values.items():
            if value >> self.registers[name].width:
                raise DeviceError(
                    f"the core says {name} = {value}, which has {self.registers[name].width} "
                    "bits: a faulty core"
                )
        return values

    def write(self, name: str, value: int) -> None:
        """Write a register by name; `ValueError` if the value does not fit."""
        self.write_all({name: value})

    def write_all(self, values: dict[str, int]) -> None:
        """Write several registers in one transfer; `ValueError` if a value does not fit."""
        data = bytearray()
        for name, value in values.items():
            register = self.registers[name]
            if not 0 <= value < 1 << register.width:
                raise ValueError(f"{name} = {value} does not fit {register.width} bits")
            data += protocol.write(register.address, value)
        self._transport.transfer(bytes(data), 0)

    @property
    def steps(self) -> int:
        """Steps per sample, 1 to the T of the configuration."""
        return self.read("steps")

    @steps.setter
    def steps(self, steps: int) -> None:
        self.write("steps", checked_steps(self.machine, steps))

    @property
    def stop(self) -> StopConfig:
        """Margins that end a sample; what is beyond T is T, which ends none early either."""
        if not self.machine.config.stop.used:
            return StopConfig()
        found = self.read_all([f"stop.{key}" for key in STOP])
        return StopConfig(*found.values())

    @stop.setter
    def stop(self, stop: StopConfig) -> None:
        checked_stop(self.machine, stop)
        if self.machine.config.stop.used:
            most = self.machine.config.steps
            self.write_all({f"stop.{key}": min(getattr(stop, key), most) for key in STOP})

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        values = {}
        for layer, update in enumerate(checked_updates(self.machine, updates), start=1):
            values[f"shift.{layer}"] = update.shift
            values[f"probability.{layer}"] = update.probability
        self.write_all(values)

    @property
    def stream_states(self) -> list[int]:
        """States of all streams, in the order of `golden.spec.streams.streams`."""
        names = self._drawn.values()
        values = self.read_all([f"stream.{name}.{half}" for name in names for half in HALVES])
        states = list(self._resting)
        for number, name in self._drawn.items():
            low, high = (values[f"stream.{name}.{half}"] for half in HALVES)
            states[number] = low | high << 32
        return states

    @stream_states.setter
    def stream_states(self, states: list[int]) -> None:
        values = {}
        for number, value in enumerate(checked_states(self.machine, states)):
            name = self._drawn.get(number)
            if name is None:
                self._resting[number] = value
                continue
            values[f"stream.{name}.low"] = value & 0xFFFFFFFF
            if value >> 32 or self.registers[f"stream.{name}.high"].width:
                values[f"stream.{name}.high"] = value >> 32
        self.write_all(values)

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights as the core holds them: int16[n_pre, n_post] per crossbar."""
        return [self.read_rows(layer.index, 0, layer.n_pre) for layer in self.machine.layers]

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        for layer, given in enumerate(checked_weights(self.machine, weights), start=1):
            self.write_rows(layer, 0, given)

    def read_rows(self, layer: int, first: int, count: int) -> np.ndarray:
        """Return rows of crossbar `layer` (from 1): int16[count, n_post]."""
        header = protocol.weights_header(Opcode.READ_WEIGHTS, layer, first, count)
        columns = self.machine.layers[layer - 1].n_post
        reply = self._transport.transfer(header, 2 * count * columns)
        return np.frombuffer(reply, "<i2").reshape(count, columns).copy()

    def write_rows(self, layer: int, first: int, rows: np.ndarray) -> None:
        """Write int16[rows, n_post] into crossbar `layer` (from 1), from row `first` on."""
        header = protocol.weights_header(Opcode.WRITE_WEIGHTS, layer, first, len(rows))
        self._transport.transfer(header + rows.astype("<i2").tobytes(), 0)

    def digest(self) -> int:
        """Return the CRC-32 of all weights, computed by the core (`protocol.weights_digest`)."""
        return int.from_bytes(self._transport.transfer(bytes([Opcode.DIGEST]), 4), "little")

    def reset(self) -> None:
        """Put streams, registers and counters back to their power-up values; weights stay."""
        config = self.machine.config
        self._resting = [stream.seed(config.random.seed) for stream in streams(config)]
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
        """Return samples, cycles, steps run, spikes, error spikes and writes since the last clear.

        A core without `Feature.COUNTERS` has the first three only.
        """
        groups = ("samples", "cycles", "ran")
        if Feature.COUNTERS in self.features:
            groups += ("spikes.", "positive.", "negative.", "writes.")
        return self.read_all([name for name in self.registers if name.startswith(groups)])

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""
        return self._train(images, labels, b"")[0]

    def train_digests(
        self, images: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train as `train` does; return the counts and the weights' digest after each sample.

        Counts : int32[n, classes]; digests : uint32[n].
        """
        return self._train(images, labels, bytes([Opcode.DIGEST]))

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Infer samples in order; return counted output spikes, int32[n, classes]."""
        flat = checked_images(self.machine, images)
        return self._run(flat, [bytes([Opcode.INFER])] * len(flat))[0]

    def _train(
        self, images: np.ndarray, labels: np.ndarray, digest: bytes
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train, with a command after each sample that asks for the digest (or with b"")."""
        flat = checked_images(self.machine, images)
        checked = checked_labels(self.machine, labels, len(flat)).tolist()
        commands = [protocol.train(label) + digest for label in checked]
        return self._run(flat, commands, digests=bool(digest))

    def _run(
        self, flat: np.ndarray, commands: list[bytes], *, digests: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Load each image (uint8[n, n_0]) and run its commands; return counts and digests."""
        classes = self.machine.config.sizes[-1]
        reply = np.dtype(
            [
                ("counts", "<u2", (classes,)),
                ("class", "<u2"),
                ("ran", "<u2"),
                ("digest", "<u4", (int(digests),)),
            ]
        )
        replies = bytearray()
        for first in range(0, len(commands), BATCH):
            part = slice(first, first + BATCH)
            data = b"".join(
                protocol.encode_image(pixels.tobytes()) + command
                for pixels, command in zip(flat[part], commands[part], strict=True)
            )
            # replies are asked for one batch late, so that the core never waits for us
            done = first if first + BATCH < len(commands) else len(commands)
            asked = reply.itemsize * done - len(replies)
            replies += self._transport.transfer(data, asked)
        found = np.frombuffer(replies, reply)
        counts, self.ran = found["counts"].astype(np.int32), found["ran"].astype(np.int32)
        if not np.array_equal(found["class"], counts.argmax(axis=1)):
            raise DeviceError("the core's class is not the argmax of its counts: a faulty core")
        return counts, found["digest"].ravel()
