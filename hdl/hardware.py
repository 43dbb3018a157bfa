"""How a network is built: choices that cost or save hardware and change no result.

The one exception is told at `Hardware.revives`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.machine import LayerMachine, Machine, ceil_div, clog2

if TYPE_CHECKING:  # half a second, which a command that only reads choices need not wait
    from amaranth import Module
    from amaranth.lib.memory import Memory

STYLES = ("auto", "block", "distributed", "logic", "huge")
"""What a memory may be made of; `huge` is the iCE40 UltraPlus' single-port RAM, `logic` is
flip-flops."""

NAME = "store"
"""The attribute of a memory that holds its name."""

MOST_LANES = 32
"""Lanes up to which larger images get more by default: beyond them the encoder is the slower."""

_LIMITS = {"lanes": 1024, "ports": 2, "draws": 8, "parts": 16}
_OPTIONS = ("lanes", "ports", "draws")  # of a command line, beside its plan
_WORDS = {"yes": True, "no": False, "true": True, "false": False}


class HardwareError(SpikeloomError, ValueError):
    """A hardware choice that there is not."""


@dataclass(frozen=True)
class BuiltLayer(LayerMachine):
    """One crossbar and its neurons as they are built: `LayerMachine`, and its hardware.

    Attributes
    ----------
    lanes, words, banks : columns per access, accesses per row, rows per transposed access.
    ports : of the weight memory.
    neurons : forward neurons evaluated per clock; divides the lanes.
    """

    lanes: int
    words: int
    banks: int
    ports: int
    neurons: int


@dataclass(frozen=True)
class Hardware:
    """How a core is built; the defaults suit any network.

    Attributes
    ----------
    lanes : columns of each crossbar read per clock, the last number for every further one; none
        for as many as the square root of the inputs, rounded up to a power of two, at most
        `MOST_LANES`.
    ports : 1 or 2 ports of each weight memory, the last number for every further one.
    draws : random numbers per clock of the encoder.
    neurons : forward neurons per clock behind a crossbar; 0 for as many as it has lanes. What does
        not divide the lanes counts as the largest number below it that does.
    counters : the core counts spikes, error spikes and writes (else only samples and cycles).
    registered : weights and pixels go through a register behind their memory: a clock more, a
        shorter path.
    buffered : the core has buffers of its own for commands and replies: shorter paths to its pins.
    parts : memories that the first crossbar's lanes lie in, each with address registers of its own:
        shorter wires.
    revives : a stream of random words whose state an upset or the host has put to 0 begins the next
        sample at its seed, as in golden. Without, all its words are 0 until RESET: results differ
        from golden then, and at no other time.
    drums : spikes that wait lie in memories where that is possible, not in flip-flops.
    styles : (name of a memory, one of `STYLES`) pairs; a name without its closing number stands for
        all of them; a memory that is not named is "auto".
    """

    lanes: tuple[int, ...] = ()
    ports: tuple[int, ...] = (2,)
    draws: int = 2
    neurons: int = 0
    counters: bool = True
    registered: bool = True
    buffered: bool = True
    parts: int = 1
    revives: bool = True
    drums: bool = False
    styles: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that no hardware has."""
        if not self.ports:
            raise HardwareError("ports = (): give 1 or 2 for each layer, or once for all")
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            for number in value if isinstance(value, tuple) else (value,):
                if not 1 <= number <= most:
                    raise HardwareError(f"{name} = {number}: allowed are 1 to {most}")

    def of(self, machine: Machine) -> tuple[BuiltLayer, ...]:
        """Return the layers of a network as they are built."""
        side = 1 + math.isqrt(machine.layers[0].n_pre - 1)
        lanes = self.lanes or (min(MOST_LANES, 1 << clog2(side)),)
        count = len(machine.layers)
        each = zip(
            machine.layers, _for_each(lanes, count), _for_each(self.ports, count), strict=True
        )
        return tuple(self._build(*layer) for layer in each)

    def _build(self, layer: LayerMachine, lanes: int, ports: int) -> BuiltLayer:
        lanes = min(lanes, layer.n_post)
        most = min(self.neurons or lanes, lanes)
        return BuiltLayer(
            **{
                field.name: getattr(layer, field.name) for field in dataclasses.fields(LayerMachine)
            },
            lanes=lanes,
            words=ceil_div(layer.n_post, lanes),
            banks=1 << clog2(lanes),
            ports=ports,
            neurons=next(n for n in range(most, 0, -1) if lanes % n == 0),
        )

    def style(self, name: str) -> str:
        """Return what the memory called `name` is made of."""
        styles = dict(self.styles)
        return styles.get(name) or styles.get(name.rstrip("0123456789"), "auto")

    def memory(self, m: Module, name: str, shape: object, depth: int) -> Memory:
        """Add a memory to a module, without initial contents; `name` is unique in the core."""
        from amaranth.lib.memory import Memory

        attributes = {NAME: name}
        style = self.style(name)
        if style != "auto":
            attributes["ram_style"] = style
        memory = Memory(shape=shape, depth=depth, init=[], attrs=attributes)
        m.submodules[name.replace(".", "_")] = memory
        return memory

    def changed(
        self,
        *,
        lanes: tuple[int, ...] | None = None,
        ports: tuple[int, ...] | None = None,
        draws: int | None = None,
        plan: tuple[str, ...] = (),
    ) -> Hardware:
        """Return these choices with those given in their place.

        Parameters
        ----------
        plan : ``name=value`` each: another field with a number or yes or no, or a memory and one
            of `STYLES`.
        """
        given = {"lanes": lanes, "ports": ports, "draws": draws}
        found = dataclasses.replace(self, **{k: v for k, v in given.items() if v is not None})
        for setting in plan:
            name, _, value = setting.partition("=")
            found = found._set(name.strip(), value.strip())
        return found

    def plan(self) -> dict[str, object]:
        """Return all choices beside lanes, ports and draws."""
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in _OPTIONS}

    def _set(self, name: str, value: str) -> Hardware:
        """Return these choices with one of the plan's, or the style of one memory, changed."""
        fields = {key: now for key, now in self.plan().items() if key != "styles"}
        if "." in name and value in STYLES:
            styles = dict(self.styles) | {name: value}
            return dataclasses.replace(self, styles=tuple(styles.items()))
        if name in fields and isinstance(fields[name], bool) and value in _WORDS:
            return dataclasses.replace(self, **{name: _WORDS[value]})
        if name in fields and not isinstance(fields[name], bool) and value.isdecimal():
            return dataclasses.replace(self, **{name: int(value)})
        near = difflib.get_close_matches(name, fields, 1)
        known = ", ".join(
            f"{key}={'yes|no' if isinstance(now, bool) else 'N'}" for key, now in fields.items()
        )
        raise HardwareError(
            f"no hardware choice {name}={value}{f' (is it {near[0]}?)' if near else ''}: there are "
            f"{known}, and MEMORY={'|'.join(STYLES)} with a memory's name such as layer1.weights"
        )


def _for_each(numbers: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return `count` numbers; the last one stands for those that are missing."""
    return (*numbers, *numbers[-1:] * count)[:count]


DEFAULT = Hardware()
