"""Deliberate faults: every bench must fail on those of its block."""

from __future__ import annotations

import importlib.util
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class MutantError(LookupError):
    """A fault that cannot be put in: the text it replaces is not in the source exactly once."""


@dataclass(frozen=True)
class Mutant:
    """One fault: `original` of module spikeloom.hdl.`module` becomes `faulty`."""

    module: str
    original: str
    faulty: str
    why: str

    @property
    def source(self) -> Path:
        """The file of the sound module."""
        spec = importlib.util.find_spec(f"spikeloom.hdl.{self.module}")
        assert spec is not None and spec.origin is not None
        return Path(spec.origin)

    @contextmanager
    def applied(self) -> Iterator[types.ModuleType]:
        """Give the module with the fault in it; the sound one stays what others import."""
        text = self.source.read_text()
        if (count := text.count(self.original)) != 1:
            raise MutantError(
                f"{self.source.name} holds {self.original!r} {count} times, not once: "
                f"rewrite the mutant {self.why!r} to match the source"
            )
        module = types.ModuleType(f"spikeloom.hdl.{self.module}_with_a_fault")
        module.__file__ = str(self.source)
        code = compile(text.replace(self.original, self.faulty), f"<{self.why}>", "exec")
        exec(code, module.__dict__)
        yield module


def of(block: str) -> list[Mutant]:
    """Return the faults of one block's bench."""
    return [Mutant(*entry) for entry in MUTANTS[block]]


MUTANTS: dict[str, list[tuple[str, str, str, str]]] = {
    "lfsr": [
        (
            "lfsr",
            "state[tap - lfsr.chunk : tap] for tap in lfsr.taps",
            "state[tap - lfsr.chunk : tap] for tap in lfsr.taps[:-1]",
            "a tap is missing",
        ),
        ("lfsr", "advance(leaps[-1], lfsr)", "advance(leaps[0], lfsr)", "all draws are the same"),
        (
            "lfsr",
            "with m.Case(count):",
            "with m.Case(min(count, 1)):",
            "several draws move the state by one word",
        ),
        ("lfsr", "register[32:].eq(self.value)", "register[32:].eq(0)", "upper half not written"),
        (
            "lfsr",
            "with m.If(self.infer):\n                m.d.sync += other",
            "with m.If(self.infer):\n                m.d.sync += main",
            "inference moves training's state",
        ),
        ("lfsr", "main.eq(first)", "main.eq(first ^ 1)", "clear to a wrong value"),
    ],
    "encoder": [
        (
            "encoder",
            "(self.words[d] < product)",
            "(self.words[d] <= product)",
            "a word equal to the product spikes",
        ),
        ("encoder", "there2[d] & ~drop2[d] & ", "there2[d] & ", "dropout is ignored"),
        (
            "encoder",
            "taken.eq(sum(there2[d] for d in range(draws)))",
            "taken.eq(sum(there2[d] & ~drop2[d] for d in range(draws)))",
            "a dropped pixel draws nothing",
        ),
        (
            "encoder",
            "last_group.eq(place + draws >= active)",
            "last_group.eq(place + draws > active)",
            "a group too many where draws divide the pixels",
        ),
        (
            "encoder",
            "with m.If(self.swap | self.empty):",
            "with m.If(self.swap):",
            "the image that was replaced stays",
        ),
        (
            "encoder",
            "Mux(self.train, ramps[0][step], ramps[1][step])",
            "Mux(self.train, ramps[1][step], ramps[0][step])",
            "the ramps of training and inference are swapped",
        ),
        (
            "encoder",
            "self.drop_word < self._machine.input_dropout",
            "self.drop_word <= self._machine.input_dropout",
            "a word equal to the chance drops",
        ),
        (
            "encoder",
            "with m.Elif(self.ready):\n            m.d.sync += spikes",
            "with m.Else():\n            m.d.sync += spikes",
            "spikes go on where the list is not ready",
        ),
    ],
    "dropout": [
        ("dropout", "self.word < self._chance", "self.word <= self._chance", "equality drops"),
        ("dropout", "count != neurons - 1", "count != neurons", "a neuron too many is drawn"),
        ("dropout", "self.dropped.eq(0), ", "", "what was dropped stays so"),
    ],
}
