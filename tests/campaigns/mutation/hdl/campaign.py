"""Runs the mutants of a subject, then asks of every survivor whether anything could tell it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from spikeloom.sim.rtl.verilate import Log
from tests.campaigns.mutation.hdl import equivalence, netlist
from tests.campaigns.mutation.hdl.equivalence import Contract
from tests.campaigns.mutation.hdl.netlist import Mutant
from tests.campaigns.mutation.hdl.subject import Runs, SoundError, Subject
from tests.campaigns.mutation.report import EQUIVALENT, KILLED, SURVIVED

UNPROVED = "no proof and no run that tells it within the time"


@dataclass(frozen=True)
class Limits:
    """How much is done.

    Attributes
    ----------
    mutants : of a subject. seed : of Yosys' choice.
    runs : benches, each with its own seed, that a mutant has to survive.
    seconds : after which a subject's survivors get no more runs; each gets one in any case.
    search : seconds that a proof may take; 0: nothing is proved.
    """

    mutants: int
    seed: int = 1
    runs: int = 40
    seconds: float = float("inf")
    search: int = 60


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: `outcome`, and by what: the bench's message, or the verdict."""

    mutant: Mutant
    outcome: str
    by: str


@dataclass
class Result:
    """The mutants of one subject.

    Attributes
    ----------
    cells : of the netlist, by kind. runs : benches that the last survivors went through.
    """

    block: str
    name: str
    cells: dict[str, int]
    runs: int
    fates: list[Fate] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        """Return how many mutants ended so."""
        return sum(fate.outcome == outcome for fate in self.fates)


def run(subject: Subject, limits: Limits, log: Log | None = None) -> Result:
    """Run a subject's mutants and judge those that survive.

    Raises
    ------
    SoundError : the bench fails without a mutant. NetlistError, BuildError : nothing to run.
    """
    component = subject.component()
    made = netlist.make(component, limits.mutants, limits.seed)
    killed, runs = kill(subject.runs(component, made.verilog, log), made.mutants, limits)
    result = Result(subject.block, subject.name, made.cells, runs)
    for mutant in made.mutants:
        if (noticed := killed.get(mutant.number)) is not None:
            result.fates.append(Fate(mutant, KILLED, noticed))
        elif not limits.search:
            result.fates.append(Fate(mutant, SURVIVED, UNPROVED))
        else:
            prove = partial(
                equivalence.compare, component, made.rtlil, mutant.number, seconds=limits.search
            )
            result.fates.append(judge(mutant, prove, subject.contract(component)))
    return result


def kill(running: Runs, mutants: Iterable[Mutant], limits: Limits) -> tuple[dict[int, str], int]:
    """Return how mutants were noticed, by number, and how many benches the others survived.

    Raises `SoundError` where the bench notices mutant 0.
    """
    alive = [mutant.number for mutant in mutants]
    killed: dict[int, str] = {}
    started, runs = time.monotonic(), 0
    for seed in range(1, limits.runs + 1):
        if not alive or (runs and time.monotonic() - started > limits.seconds):
            break
        if (noticed := running(0, seed)) is not None:
            raise SoundError(
                f"seed {seed}: the bench fails without a mutant, so it says nothing about "
                f"mutants; repair it first: {noticed}"
            )
        runs += 1
        for number in list(alive):
            if (noticed := running(number, seed)) is not None:
                killed[number] = noticed
                alive.remove(number)
    return killed, runs


def judge(
    mutant: Mutant, prove: Callable[..., equivalence.Verdict], contract: Contract | None
) -> Fate:
    """Search for a run that tells a survivor: of any inputs, then of legal ones only."""
    verdict = prove(contract=None)
    if verdict.answer == "equivalent":
        return Fate(mutant, EQUIVALENT, "no input tells it")
    if contract is None:
        return Fate(mutant, SURVIVED, _told(verdict, "some input"))
    verdict = prove(contract=contract)
    if verdict.answer == "equivalent":
        return Fate(mutant, EQUIVALENT, "no input that the contract allows tells it")
    return Fate(mutant, SURVIVED, _told(verdict, "a legal input"))


def _told(verdict: equivalence.Verdict, what: str) -> str:
    if verdict.answer == "open":
        return UNPROVED
    return f"{what} tells it within {verdict.clocks} clocks"
