"""The core's 32-bit registers: names and addresses follow from the configuration.

An address depends on nothing but what the register is, so a new register moves no other:

===========  =======================================================================
0x00 - 0x0F  the network's own
0x10 - 0x1F  streams of the network
0x20 + 16 l  what belongs to layer l (0: the input), its streams included
===========  =======================================================================

A map's digest is in the core's identification: a host that knows another map is told so.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass

from spikeloom.golden.spec.learning import CERTAIN
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import VERSION, Feature, Identity
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.streams import drawn, streams

LAYERS, PAGE = 0x20, 0x10
DEPTH_MAX = (0x100 - LAYERS) // PAGE - 1
"""Crossbars whose registers fit 8-bit addresses."""
STREAMS = {
    "input": 0x10,
    "label": 0x12,
    "inference": 0x14,
    "jitter": 0x16,
    "noise": 0x18,
    "thinning": 0x6,
    "dropout": 0x8,
}
"""Where the low half of a stream's state is, the last two in the page of their layer."""


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
    """Return the register map of a network, by name, in the order of addresses.

    Two halves of a stream's state are `stream.NAME.low` and `.high`; per-layer names end in the
    layer's number (`shift.1`, `spikes.0`). A stream that is never drawn from has no registers.
    The counters of spikes, error spikes and writes read as 0 in a core without `Feature.COUNTERS`.
    """
    config = machine.config
    if config.depth > DEPTH_MAX:
        raise ConfigError(
            f"sizes: {config.depth} crossbars do not fit the core's register map: it has places "
            f"for {DEPTH_MAX}, take fewer layers"
        )
    found = [
        Register("status", 0x0, Access.READ, 4, 0, "error bits, see protocol.Status"),
        Register("clear", 0x1, Access.CLEAR, 0, 0, "writing clears status and all counters"),
        Register(
            "steps", 0x2, Access.READ_WRITE, 13, config.steps, "per sample, at most the built-in T"
        ),
        Register("samples", 0x3, Access.READ, 32, 0, "samples run, trained and inferred"),
        Register(
            "cycles", 0x4, Access.READ, 32, 0, "clocks in which a sample was running, modulo 2**32"
        ),
        Register("ran", 0x5, Access.READ, 32, 0, "steps that samples ran, modulo 2**32"),
        *_stop(machine),
        *_streams(machine),
    ]

    def add(kind: int, name: str, access: Access, width: int, reset: int, text: str) -> None:
        place = LAYERS + PAGE * layer + kind
        found.append(Register(f"{name}.{layer}", place, access, width, reset, text))

    for layer in range(config.depth + 1):
        add(0x2, "spikes", Access.READ, 32, 0, "spikes, modulo 2**32")
        if layer:
            update = machine.updates(0)[layer - 1]
            wide = CERTAIN.bit_length()
            chance = "chance in 1/65536 that a pre-synaptic spike may write"
            add(0x0, "shift", Access.READ_WRITE, 4, update.shift, "log2 of the weight step")
            add(0x1, "probability", Access.READ_WRITE, wide, update.probability, chance)
            add(0x3, "positive", Access.READ, 32, 0, "positive error spikes")
            add(0x4, "negative", Access.READ, 32, 0, "negative error spikes")
            add(0x5, "writes", Access.READ, 32, 0, "weight words written by learning")
    return {r.name: r for r in sorted(found, key=lambda register: register.address)}


def _stop(machine: Machine) -> list[Register]:
    """Return the registers of the margins, where a sample can end early at all.

    They are as wide as T: no sample ends by a margin of T spikes before its last step.
    """
    stop, steps = machine.config.stop, machine.config.steps
    if not stop.used:
        return []
    texts = {
        "train": "margin, trained; 0: none",
        "infer": "margin, inferred; 0: none",
        "least": "steps that a sample runs",
    }
    return [
        Register(
            f"stop.{key}",
            0x6 + number,
            Access.READ_WRITE,
            steps.bit_length(),
            min(getattr(stop, key), steps),
            text,
        )
        for number, (key, text) in enumerate(texts.items())
    ]


def _streams(machine: Machine) -> list[Register]:
    """Return the registers of all streams that are drawn from."""
    config, found = machine.config, []
    for stream in (streams(config)[number] for number in drawn(machine)):
        seed, width = stream.seed(config.random.seed), stream.lfsr.degree
        text = f"state of stream {stream.name}"
        if stream.name == "inference":
            text = "seed of stream inference, its state at the start of each inferred sample"
        place = STREAMS[stream.purpose]
        if stream.layer is not None:
            place += LAYERS + PAGE * stream.layer
        for half, name in enumerate(("low", "high")):
            bits, value = min(32, max(0, width - 32 * half)), seed >> 32 * half & 0xFFFFFFFF
            full = f"stream.{stream.name}.{name}"
            found.append(Register(full, place + half, Access.READ_WRITE, bits, value, text))
    return found


def map_digest(machine: Machine) -> str:
    """Return 8 hex digits that change whenever a register moves, or is used otherwise."""
    lines = [
        f"{register.address:02x} {register.name} {register.access.value} {register.width}"
        for register in registers(machine).values()
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


def identity(machine: Machine, features: Feature) -> Identity:
    """Return what a core of this version says of itself."""
    config = machine.config
    return Identity(VERSION, config.depth, features, config.digest(), map_digest(machine))
