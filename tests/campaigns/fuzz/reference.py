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
from dataclasses import dataclass

import numpy as np

from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import Feature, Opcode
from tests.campaigns.fuzz.case import CaseError, Command
from tests.support.golden_transport import GoldenTransport

DEPENDS_ON_HARDWARE = ("cycles", "writes.")
"""Registers whose value lanes and ports may change: only whether it is 0 is compared."""

_KINDS = {"read": "<u4", "train": "<u2", "infer": "<u2", "read_weights": "<i2", "digest": "<u4"}
"""Numbers on the line in a command's reply; bytes where it is none of these."""


@dataclass(frozen=True)
class Exchange:
    """One command as bytes, what it is called, and the numbers that the core must reply.

    Attributes
    ----------
    reply : bytes, u2 counts, class and steps, i2 weights or a u4; its dtype is that on the line.
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


class Reference:
    """A core in Python (`GoldenTransport`) that takes commands one by one."""

    def __init__(self, machine: Machine, features: Feature = Feature.COUNTERS) -> None:
        self.machine = machine
        self._core = GoldenTransport(machine, features=features)
        self._names = {each.address: name for name, each in self._core.registers.items()}

    @property
    def events(self) -> Counter[str]:
        """What has happened so far, see `GoldenTransport`."""
        return self._core.events

    @property
    def registers(self) -> tuple[str, ...]:
        """Names of all registers, in the order of their addresses."""
        return tuple(self._core.registers)

    @property
    def weights(self) -> list[np.ndarray]:
        """All weights, int16[n_pre, n_post] per crossbar."""
        return self._core.weights

    def encode(self, command: Command) -> bytes:
        """Return a command's bytes; `CaseError` if there is none like it."""
        name, *arguments = command
        action = getattr(self, f"_do_{name}", None)
        try:
            if action is None:
                raise TypeError(f"there is no command {name!r}")
            return action(*arguments)
        except (TypeError, ValueError, KeyError, struct.error, OverflowError) as error:
            raise CaseError(f"{name}: {error}") from None

    def answer(self, command: Command) -> Exchange:
        """Carry out a command; `CaseError` if there is none like it."""
        name, *arguments = command
        data = self.encode(command)
        taken, found = self._core.command(data)
        if taken != len(data):  # only tokens are taken as they are
            raise CaseError(f"{name}: {data[1:].hex()} does not end with the first header 00")
        reply, exact = np.frombuffer(found, _KINDS.get(name, "u1")), True
        if name == "read_weights" and reply.size:
            reply = reply.reshape(arguments[2], -1)
        if name == "read":
            register = self._names.get(self._address(arguments[0]), "")
            exact = not register.startswith(DEPENDS_ON_HARDWARE)
        shown = " ".join(str(argument) for argument in arguments)
        return Exchange(f"{name} {shown}".strip(), data, reply, exact)

    def _do_identify(self) -> bytes:
        return bytes([Opcode.IDENTIFY])

    def _address(self, register: str | int) -> int:
        return register if isinstance(register, int) else self._core.registers[register].address

    def _do_read(self, register: str | int) -> bytes:
        return protocol.read(self._address(register))

    def _do_write(self, register: str | int, value: int) -> bytes:
        return protocol.write(self._address(register), value)

    def _do_image(self, pixels: list[int]) -> bytes:
        if len(pixels) != self.machine.config.sizes[0]:
            raise ValueError(
                f"{len(pixels)} pixels, the network has {self.machine.config.sizes[0]}"
            )
        return protocol.encode_image(bytes(pixels))

    def _do_tokens(self, tokens: str) -> bytes:
        return bytes([Opcode.IMAGE]) + bytes.fromhex(tokens)

    def _do_train(self, label: int) -> bytes:
        return protocol.train(label)

    def _do_infer(self) -> bytes:
        return bytes([Opcode.INFER])

    def _do_read_weights(self, layer: int, row: int, rows: int) -> bytes:
        return protocol.weights_header(Opcode.READ_WEIGHTS, layer, row, rows)

    def _do_write_weights(self, layer: int, row: int, weights: list[list[int]]) -> bytes:
        header = protocol.weights_header(Opcode.WRITE_WEIGHTS, layer, row, len(weights))
        if not 1 <= layer <= self.machine.config.depth:
            return header
        columns = self.machine.layers[layer - 1].n_post
        return header + np.array(weights, "<i2").reshape(len(weights), columns).tobytes()

    def _do_digest(self) -> bytes:
        return bytes([Opcode.DIGEST])

    def _do_reset(self) -> bytes:
        return bytes([Opcode.RESET])

    def _do_opcode(self, code: int) -> bytes:
        if code in tuple(Opcode) and code != Opcode.NOP:
            raise ValueError(f"{code} is {Opcode(code).name}, which has a name of its own")
        return bytes([code])
