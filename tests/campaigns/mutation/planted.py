"""Deliberate faults in the source of the RTL: every bench must fail on those of its block.

They are data, a file per block in `tests/bench/faults`, beside the benches.
"""

from __future__ import annotations

import importlib.util
import tomllib
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.paths import ROOT

FOLDER = ROOT / "tests" / "bench" / "faults"


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
        assert spec is not None
        assert spec.origin is not None
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


def assert_fails(mutant: Mutant, bench: Callable[[types.ModuleType], object]) -> None:
    """Check that `bench`, given the module with the fault in it, notices."""
    with mutant.applied() as module, pytest.raises(AssertionError):
        bench(module)


def blocks() -> list[str]:
    """Return the names of the blocks that have planted faults."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def of(block: str) -> list[Mutant]:
    """Return the faults of one block's bench."""
    found = tomllib.loads((FOLDER / f"{block}.toml").read_text())
    return [
        Mutant(found["module"], fault["text"], fault["becomes"], fault["why"])
        for fault in found["fault"]
    ]
