"""What is mutated: a block with its bench, or the core with programs for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from amaranth.lib import wiring

from spikeloom.sim.rtl.verilate import Log
from tests.bench.bench import Case
from tests.campaigns.mutation.hdl.equivalence import Contract
from tests.campaigns.mutation.hdl.machine import Simulator

CUT = 61
"""Clocks after which a bench's first run, from power-up, is cut short by a reset."""


class SoundError(AssertionError):
    """The bench fails where no mutant is alive: nothing that it says of mutants means anything."""


class Runs(Protocol):
    """Runs a subject with one mutant in it."""

    def __call__(self, mutant: int, seed: int) -> str | None:
        """Return how the mutant was noticed, in a line, or None; mutant 0 must not be."""


class Subject(Protocol):
    """Something with mutants.

    Attributes
    ----------
    block : what it is counted under. name : which one of that block's.
    mutants : as many as it gets; 0: as many as any other.
    """

    block: str
    name: str
    mutants: int

    def contract(self, component: wiring.Component) -> Contract | None:
        """Return what may be given to it and looked at, where that is written down."""

    def component(self) -> wiring.Component:
        """Return a new component."""

    def runs(self, component: wiring.Component, verilog: str, log: Log | None) -> Runs:
        """Build the netlist `verilog` of a component's mutants; return what runs them."""


@dataclass(frozen=True)
class BlockSubject:
    """A block whose bench compares it with the golden model clock by clock.

    rules : makes its contract, see `Subject.contract`.
    """

    block: str
    case: Case
    rules: Callable[[wiring.Component], Contract] | None = None
    mutants: int = 0

    @property
    def name(self) -> str:
        """Name of the bench's case."""
        return self.case.name

    def component(self) -> wiring.Component:
        """Return a new component."""
        return self.case.component()

    def contract(self, component: wiring.Component) -> Contract | None:
        """Return what its callers keep to and look at."""
        return self.rules(component) if self.rules else None

    def runs(self, component: wiring.Component, verilog: str, log: Log | None = None) -> Runs:
        """Return what runs the bench from power-up, resets in its midst, and runs it whole."""
        simulator = Simulator(component, verilog, log)
        clocks: dict[int, int] = {}  # that the sound block takes, by seed

        def run(mutant: int, seed: int) -> str | None:
            if mutant and seed not in clocks:
                raise SoundError(f"{self.name}: seed {seed} has not been run without a mutant")
            with simulator.mutant(mutant) as instance:
                first, whole = (self.case.bench(component, seed) for _ in range(2))
                if mutant:
                    first.clocks = whole.clocks = 2 * clocks[seed] + CUT
                if noticed := _noticed(lambda: instance.run(first, CUT)):
                    return noticed
                instance.reset()
                if noticed := _noticed(lambda: instance.run(whole)):
                    return noticed
                clocks.setdefault(seed, whole.clock)
            return None

        return run


def _noticed(run: Callable[[], None]) -> str | None:
    """Return what a bench raised, in a line; None if nothing."""
    try:
        run()
    except AssertionError as error:
        return str(error).splitlines()[0][:120] if str(error) else "assertion"
    except Exception as error:  # a bench that meets what it cannot even compare has noticed
        return f"{type(error).__name__}: {error}"[:120]
    return None
