"""The core's 32-bit registers: names and addresses follow from the configuration."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from spikeloom.golden.spec.learning import CERTAIN
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.streams import drawn, streams


class Access(enum.Enum):
    """What a host may do with a register."""

    READ = "read"
    READ_WRITE = "read/write"
    CLEAR = "write clears"


@dataclass(frozen=True)
class Register:
    """One register: `width` low bits are used, `reset` is its value after power-up and RESET."""

    name: str
    address: int
    access: Access
    width: int
    reset: int
    description: str


def registers(machine: Machine) -> dict[str, Register]:
    """Return the register map of a network, by name.

    Two halves of a stream's state are `stream.NAME.low` and `.high`; per-layer names end in the
    layer's number (`shift.1`, `spikes.0`). A stream that is never drawn from has no registers.
    The counters of spikes, error spikes and writes read as 0 in a core without `Feature.COUNTERS`.
    """
    config = machine.config
    found: dict[str, Register] = {}

    def add(name: str, access: Access, width: int, reset: int, description: str) -> None:
        found[name] = Register(name, len(found), access, width, reset, description)

    add("status", Access.READ, 4, 0, "error bits, see protocol.Status")
    add("clear", Access.CLEAR, 0, 0, "writing clears status and all counters")
    add("steps", Access.READ_WRITE, 13, config.steps, "steps per sample, at most the built-in T")
    add("samples", Access.READ, 32, 0, "samples run, trained and inferred")
    add("cycles", Access.READ, 32, 0, "clock cycles in which a sample was running, modulo 2**32")
    for layer, update in zip(machine.layers, machine.updates(0), strict=True):
        i = layer.index
        add(f"shift.{i}", Access.READ_WRITE, 4, update.shift, "log2 of the weight step")
        add(
            f"probability.{i}",
            Access.READ_WRITE,
            CERTAIN.bit_length(),
            update.probability,
            "chance in 1/65536 that a pre-synaptic spike may write",
        )
    for stream in (streams(config)[number] for number in drawn(machine)):
        seed = stream.seed(config.random.seed)
        width = stream.lfsr.degree
        low, high = min(32, width), max(0, width - 32)
        text = f"state of stream {stream.name}"
        if stream.name == "inference":
            text = "seed of stream inference, its state at the start of each inferred sample"
        add(f"stream.{stream.name}.low", Access.READ_WRITE, low, seed & 0xFFFFFFFF, text)
        add(f"stream.{stream.name}.high", Access.READ_WRITE, high, seed >> 32, f"{text}, high")
    for i in range(len(config.sizes)):
        add(f"spikes.{i}", Access.READ, 32, 0, f"spikes of layer {i}, modulo 2**32")
    for i in range(1, len(config.sizes)):
        add(f"positive.{i}", Access.READ, 32, 0, f"positive error spikes of layer {i}")
        add(f"negative.{i}", Access.READ, 32, 0, f"negative error spikes of layer {i}")
    for i in range(1, len(config.sizes)):
        add(f"writes.{i}", Access.READ, 32, 0, f"weight words of crossbar {i} written by learning")
    if len(found) > 256:
        raise ValueError(f"{len(found)} registers do not fit 8-bit addresses: use fewer layers")
    return found
