"""Self-test of what the host reaches directly: the link, the registers, the weight memories."""

from __future__ import annotations

import numpy as np

from spikeloom.boards.host.device import identify
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.machine import LayerMachine
from spikeloom.golden.spec.protocol import Opcode
from spikeloom.golden.spec.registers import Access, Register
from spikeloom.sim.compare.difference import weight_differences
from spikeloom.sim.selftest.probe import CheckError, Probe, expect_nothing, place_text

ECHOES = 200
NOPS = 8192


def link(probe: Probe) -> None:
    """Ask for the identity many times: one by one, at once, and among commands of no effect."""
    identity = identify(probe.transport).pack()
    for echo in range(ECHOES):
        _expect_bytes(probe, bytes([Opcode.IDENTIFY]), identity, f"echo {echo}")
    _expect_bytes(probe, bytes([Opcode.IDENTIFY]) * ECHOES, identity * ECHOES, "echoes at once")
    _expect_bytes(probe, bytes([Opcode.NOP] * NOPS + [Opcode.IDENTIFY]), identity, "a long command")
    mixed = probe.rng.choice([Opcode.NOP, Opcode.IDENTIFY], NOPS, p=(0.9, 0.1))
    echoes = int((mixed == Opcode.IDENTIFY).sum())
    _expect_bytes(probe, mixed.astype(np.uint8).tobytes(), identity * echoes, "commands mixed")


def _expect_bytes(probe: Probe, data: bytes, expected: bytes, what: str) -> None:
    found = probe.transport.transfer(data, len(expected))
    if found != expected:
        place = next(i for i, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b)
        raise CheckError(
            f"{what}: byte {place} of {len(expected)} is {found[place]:#04x}, "
            f"{expected[place]:#04x} is right"
        )


def registers(probe: Probe) -> None:
    """Write patterns to all registers that keep them, read all back; then reset and clear."""
    device = probe.device
    device.reset()
    device.clear()
    every = device.registers
    _expect_registers(probe, {r.name: r.reset for r in every.values()}, "after RESET")
    kept = [r for r in every.values() if r.access is Access.READ_WRITE and r.width]
    patterns = [
        lambda r: (1 << r.width) - 1,
        lambda r: 0xAAAAAAAA,
        lambda r: 0x55555555,
        lambda r: 0x01234567 * (2 * r.address + 1),
        lambda r: ~(0x01234567 * (2 * r.address + 1)),
        *(lambda r, bit=bit: 1 << bit for bit in range(32)),
    ]
    for pattern in patterns:
        values = {r.name: _fitting(probe, r, pattern(r)) for r in kept}
        device.write_all(values)
        _expect_registers(probe, values, "after writing")
    device.reset()
    _expect_registers(probe, {r.name: r.reset for r in kept}, "after RESET")


def _fitting(probe: Probe, register: Register, value: int) -> int:
    """Return a value that the register may hold, from any value."""
    value &= (1 << register.width) - 1
    if register.name == "steps":
        return 1 + value % probe.machine.config.steps
    if register.name.startswith("probability."):
        return min(value, 1 << (register.width - 1))  # the largest one: always
    return value


def _expect_registers(probe: Probe, expected: dict[str, int], what: str) -> None:
    found = probe.device.read_all(list(expected))
    wrong = [name for name in expected if found[name] != expected[name]]
    told = [f"register {n} is {found[n]:#x}, {expected[n]:#x} is right" for n in wrong]
    expect_nothing(told, what)


def weights(probe: Probe) -> None:
    """Fill every cell with patterns, march through all rows both ways, compare digests."""
    probe.forget()
    layers = probe.machine.layers
    patterns = {
        "all at the upper rail": lambda layer: np.full(_shape(layer), layer.weight_max),
        "all at the lower rail": lambda layer: np.full(_shape(layer), -layer.weight_max),
        "each its own value": lambda layer: _addressed(layer, 1),
        "each its own value, another way": lambda layer: _addressed(layer, 0x9E37),
    }
    for name, pattern in patterns.items():
        given = [pattern(layer).astype(np.int16) for layer in layers]
        probe.load(given)
        _expect_weights(given, probe.device.weights, name)
        probe.expect_digest(f"{name}: every weight reads right, yet ")
    _march(probe)
    probe.forget()


def _shape(layer: LayerMachine) -> tuple[int, int]:
    return layer.n_pre, layer.n_post


def _addressed(layer: LayerMachine, factor: int) -> np.ndarray:
    """Return weights that tell cells apart: a mix of the address's bits, within the rails."""
    place = np.arange(layer.n_pre * layer.n_post, dtype=np.uint64) * factor + layer.index
    mixed = (place * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    codes = 2 * layer.weight_max + 1
    return (mixed % codes).astype(np.int64).reshape(_shape(layer)) - layer.weight_max


def _expect_weights(right: list[np.ndarray], found: list[np.ndarray], what: str) -> None:
    expect_nothing([place_text(place) for place in weight_differences(right, found)], what)


def _march(probe: Probe) -> None:
    """Read each row as it was left and write its inverse, up and then down."""
    layers = probe.machine.layers
    right = [_addressed(layer, 0x9E37) for layer in layers]
    for name, step in (("marching up", 1), ("marching down", -1)):
        pairs = zip(layers, right, strict=True)
        _expect_weights(right, [_inverted(probe, *pair, step) for pair in pairs], name)
        right = [-weights for weights in right]
    _expect_weights(right, probe.device.weights, "after marching")


def _inverted(probe: Probe, layer: LayerMachine, weights: np.ndarray, step: int) -> np.ndarray:
    """Read a crossbar row by row, upwards or downwards, writing the inverse of `weights`."""
    rows = np.arange(layer.n_pre)[::step]
    data = b"".join(
        protocol.weights_header(Opcode.READ_WEIGHTS, layer.index, row, 1)
        + protocol.weights_header(Opcode.WRITE_WEIGHTS, layer.index, row, 1)
        + (-weights[row]).astype("<i2").tobytes()
        for row in rows.tolist()
    )
    reply = probe.transport.transfer(data, 2 * weights.size)
    return np.frombuffer(reply, "<i2").reshape(weights.shape)[::step]
