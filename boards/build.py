"""Builds a bitstream: Amaranth, Yosys, nextpnr, packer; says whether it fits and is fast enough."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from spikeloom.boards import flow, planner
from spikeloom.boards.clock import MHZ
from spikeloom.boards.flow import Design
from spikeloom.boards.planner import MemoryPlan
from spikeloom.boards.result import (
    Resources,
    Timing,
    Utilisation,
    resources,
    timing,
    utilisation,
    utilisation_line,
)
from spikeloom.boards.steps import Done, Log, StepError, StopTool
from spikeloom.boards.targets import Target
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import BuiltLayer, Hardware

SEEDS = 4
"""How many seeds of the placer are tried where the clock is missed narrowly."""

NARROW = 0.12
"""What part of the clock may be missing for another seed to be worth its time."""

_UNPLACEABLE = (
    "no BELs remaining",
    "Unable to find legal placement",
    "utilisation limit",
    "Unable to place",
    "Failed to route",
)


@dataclass(frozen=True)
class Bitstream:
    """One build.

    Attributes
    ----------
    target, config, hardware : what was built.
    clock_hz : the clock that was asked for, as near as the PLL comes.
    memory : where its memories were expected to go. resources : cells used and there.
    timing : of the best seed; None where the design does not fit.
    seed : the best one. seeds : how many were tried.
    file : the bitstream; None where the design does not fit. dfu : see `flow.dfu_suffix`.
    logs : of each tool by its name. seconds : what the tools took when they ran.
    """

    target: Target
    config: NetworkConfig
    hardware: Hardware
    clock_hz: int
    memory: MemoryPlan
    resources: Resources
    timing: Timing | None
    seed: int
    seeds: int
    file: Path | None
    dfu: tuple[int, int] | None
    logs: dict[str, Path]
    seconds: float

    @property
    def layers(self) -> tuple[BuiltLayer, ...]:
        """The layers as they are built."""
        return self.hardware.of(machine(self.config))

    @property
    def fits(self) -> bool:
        """Whether there are cells enough, and the design could be placed and routed."""
        return self.timing is not None

    @property
    def good(self) -> bool:
        """Whether it fits and reaches its clock."""
        return self.timing is not None and self.timing.met

    def complaint(self) -> str | None:
        """Say what is wrong, by how much, and what to change; None where nothing is."""
        if self.timing is None:
            return self._too_big()
        if self.timing.met:
            return None
        return (
            f"the clock is missed: {self.timing.fmax_hz / MHZ:.2f} MHz reached of "
            f"{self.clock_hz / MHZ:.2f} MHz, {100 * self.timing.missing:.1f} % are missing; "
            f"fewer lanes (now {self._lanes()}) make paths shorter, more seeds "
            f"(--seeds) may find a better placement, --clock asks for less"
        )

    def _too_big(self) -> str:
        over = [
            f"{count.over:,} {name} too many ({count.used:,} of {count.available:,})"
            for name, count in self.resources.named().items()
            if count.over
        ]
        what = "; ".join(over) or "nextpnr found no legal placement or route, it is too full"
        return (
            f"{self.config.name} does not fit {self.target.title}: {what}. Fewer lanes (now "
            f"{self._lanes()}) take fewer LUTs; fewer hidden neurons, fewer weight "
            "bits or a smaller image take less of everything"
        )

    def _lanes(self) -> str:
        return ",".join(str(layer.lanes) for layer in self.layers)

    def save(self, folder: Path) -> tuple[Path | None, dict[str, Path]]:
        """Copy bitstream and logs into a folder of the user's; return where they are.

        The bitstream gets what its boot loader wants. Of a design that does not fit there are only
        logs, and a bitstream that an earlier build left is removed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.target.name}-{self.config.name}"
        logs = {tool: folder / f"{name}.{tool}.log" for tool in self.logs}
        for tool, path in logs.items():
            shutil.copyfile(self.logs[tool], path)
        if self.file is None:
            for stale in folder.glob(f"{name}.*"):
                if stale not in logs.values():
                    stale.unlink()
            return None, logs
        data = self.file.read_bytes()
        if self.dfu is not None:
            data = flow.with_dfu_suffix(data, *self.dfu)
        path = folder / f"{name}{self.file.suffix}"
        path.write_bytes(data)
        return path, logs


@dataclass
class _Watch:
    """Reads nextpnr's table of cells, and ends nextpnr after it where there are too few."""

    enough: Callable[[Utilisation], bool]
    found: Utilisation = field(default_factory=dict)

    def __call__(self, line: str) -> None:
        read = utilisation_line(line)
        if read is not None:
            self.found[read[0]] = read[1:]
        elif self.found and not self.enough(self.found):
            raise StopTool("more cells are needed than there are")


@dataclass
class _Placements:
    """Placements with one seed after another, until one is good or none is likely to be."""

    target: Target
    made: Design
    mapped: Done
    cache: Path
    log: Log
    timing: Timing | None = None
    seed: int = 0
    best: Done | None = None
    tried: int = 0
    seconds: float = 0.0
    cells: Resources | None = None
    failure: Path | None = None

    def count(self, found: Utilisation) -> Resources:
        """Sum nextpnr's cells."""
        return resources(self.target.family, found, self.mapped[flow.STATISTICS])

    def attempt(self, seed: int) -> bool:
        """Place and route with one seed; return whether another one is worth its time."""
        watch = _Watch(lambda found: self.count(found).fits)
        self.tried += 1
        try:
            placed = flow.place(
                self.made, self.mapped[flow.NETLIST], seed, self.cache, self.log, watch
            )
        except StepError as error:
            cells = self.count(watch.found)
            if cells.fits and not any(word in error.output for word in _UNPLACEABLE):
                raise
            self.failure, self.cells = error.log, self.cells or cells
            return cells.fits  # enough of everything, and yet no place: once more
        self.seconds += placed.seconds
        reached = timing(placed[flow.REPORT], self.made.clock_hz)
        if self.timing is None or reached.missing < self.timing.missing:
            self.timing, self.seed, self.best = reached, seed, placed
            self.cells = self.count(utilisation(placed[flow.REPORT]))
        self.log(
            f"seed {seed}: {reached.fmax_hz / MHZ:.2f} MHz of {self.made.clock_hz / MHZ:.2f} MHz"
        )
        return reached.missing > 0 and self.timing.missing <= NARROW


def build(
    target: Target,
    config: NetworkConfig,
    hardware: Hardware | None = None,
    *,
    clock_hz: int | None = None,
    seeds: int = SEEDS,
    first_seed: int = 1,
    cache: Path,
    log: Log,
) -> Bitstream:
    """Build the bitstream of a network for a board, or find that it cannot be had.

    Parameters
    ----------
    hardware : how the core is built; the target's for this network where not given.
    clock_hz : the core's clock; the target's where not given.
    seeds : at most so many placements, counted up from `first_seed`; the next one only where the
        best one so far misses the clock by less than `NARROW`.
    cache : folder that keeps what tools made, by content. log : told of each tool that starts.

    Raises
    ------
    PlanError : the network is too big for the board's memory.
    ToolError : a tool is missing. ClockError : no PLL setting makes the clock.
    StepError : a tool failed otherwise than by finding the design too big.
    """
    hardware = hardware or target.hardware_for(config)
    memory = planner.check(target, config, hardware, log)
    log("Amaranth: components to RTLIL")
    made = flow.design(target, config, hardware, clock_hz or target.clock_hz)
    mapped = flow.synthesis(made, cache, log)
    found = _Placements(target, made, mapped, cache, log)
    for seed in range(first_seed, first_seed + seeds):
        if not found.attempt(seed):
            break
    logs = {"yosys": mapped.log}
    placer_log = found.best.log if found.best else found.failure
    if placer_log:
        logs["nextpnr"] = placer_log
    return Bitstream(
        target=target,
        config=config,
        hardware=hardware,
        clock_hz=made.clock_hz,
        memory=memory,
        resources=found.cells,
        timing=found.timing,
        seed=found.seed,
        seeds=found.tried,
        file=flow.pack(made, found.best, cache, log) if found.best else None,
        dfu=flow.dfu_suffix(made),
        logs=logs,
        seconds=mapped.seconds + found.seconds,
    )
