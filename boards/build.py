"""Builds a bitstream: Amaranth, Yosys, nextpnr, packer; says whether it fits and is fast enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from spikeloom.boards import flow
from spikeloom.boards.clock import MHZ
from spikeloom.boards.result import (
    Resources,
    Timing,
    Utilisation,
    resources,
    timing,
    utilisation,
    utilisation_line,
)
from spikeloom.boards.steps import Done, Log, StepError
from spikeloom.boards.targets import Hardware, Target
from spikeloom.golden.spec.network import NetworkConfig

SEEDS = 4
"""How many seeds of the placer are tried where the clock is missed narrowly."""

NARROW = 0.12
"""What part of the clock may be missing for another seed to be worth its time."""


class TooBigError(RuntimeError):
    """nextpnr was stopped: the design needs more cells of some kind than there are."""


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
            raise TooBigError


@dataclass(frozen=True)
class Bitstream:
    """One build.

    Attributes
    ----------
    target, config, hardware : what was built; `config` with the lanes, ports and draws in it.
    clock_hz : the clock that was asked for, as near as the PLL comes.
    resources : cells used and there.
    timing : of the best seed; None where the design does not fit.
    seed : the best one. seeds : how many were tried.
    file : the bitstream; None where the design does not fit. dfu : see `flow.dfu_suffix`.
    logs : of each step, by the tool's name. seconds : what the steps took when they ran.
    """

    target: Target
    config: NetworkConfig
    hardware: Hardware
    clock_hz: int
    resources: Resources
    timing: Timing | None
    seed: int
    seeds: int
    file: Path | None
    dfu: tuple[int, int] | None
    logs: dict[str, Path]
    seconds: float

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
        if not self.timing.met:
            return (
                f"the clock is missed: {self.timing.fmax_hz / MHZ:.2f} MHz reached of "
                f"{self.clock_hz / MHZ:.2f} MHz, {100 * self.timing.missing:.1f} % are missing; "
                f"fewer lanes (now {_list(self.hardware.lanes)}) make paths shorter, more seeds "
                f"(--seeds) may find a better placement, --clock asks for less"
            )
        return None

    def save(self, folder: Path) -> Path:
        """Copy the bitstream into a folder of the user's, with what its boot loader wants."""
        folder.mkdir(parents=True, exist_ok=True)
        data = self.file.read_bytes()
        if self.dfu is not None:
            data = flow.with_dfu_suffix(data, *self.dfu)
        path = folder / f"{self.target.name}-{self.config.name}{self.file.suffix}"
        path.write_bytes(data)
        return path

    def _too_big(self) -> str:
        over = [
            f"{count.over:,} {name} too many ({count.used:,} of {count.available:,})"
            for name, count in self.resources.named().items()
            if count.over
        ]
        what = "; ".join(over) or "nextpnr found no legal placement or route, it is too full"
        return (
            f"{self.config.name} does not fit {self.target.title}: {what}. Fewer lanes (now "
            f"{_list(self.hardware.lanes)}) take fewer LUTs; fewer hidden neurons, fewer weight "
            "bits or a smaller image take less of everything"
        )


def _list(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


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
    config : its own lanes, ports and draws do not count.
    hardware : lanes and so on; the target's for this network where not given.
    clock_hz : the core's clock; the target's where not given.
    seeds : at most so many placements, counted up from `first_seed`; the next one only where the
        clock is missed by less than `NARROW`.
    cache : folder that keeps what tools made, by content. log : told of each tool that starts.

    Raises
    ------
    ToolError : a tool is missing. ClockError : no PLL setting makes the clock.
    ConfigError : the hardware does not do what the network says.
    StepError : a tool failed otherwise.
    """
    hardware = hardware or target.hardware_for(config)
    log("Amaranth: components to RTLIL")
    made = flow.design(target, config, hardware, clock_hz or target.clock_hz)
    mapped = flow.synthesis(made, cache, log)
    logs = {"yosys": mapped.log}
    seconds = mapped.seconds
    best: tuple[Timing, int, Done] | None = None
    tried = 0

    def count(found: Utilisation) -> Resources:
        return resources(target.family, found, mapped[flow.STATISTICS])

    def outcome(cells: Resources, file: Path | None) -> Bitstream:
        return Bitstream(
            target=target,
            config=hardware.of(config),
            hardware=hardware,
            clock_hz=made.clock_hz,
            resources=cells,
            timing=best[0] if best else None,
            seed=best[1] if best else first_seed,
            seeds=tried,
            file=file,
            dfu=flow.dfu_suffix(made),
            logs=logs,
            seconds=seconds,
        )

    for seed in range(first_seed, first_seed + max(1, seeds)):
        watch = _Watch(lambda found: count(found).fits)
        tried += 1
        try:
            placed = flow.place(made, mapped[flow.NETLIST], seed, cache, log, watch)
        except (TooBigError, StepError) as error:
            if not watch.found:
                raise
            if isinstance(error, StepError):
                logs["nextpnr"] = error.log
                if not _unplaceable(error):
                    raise
            if best is None:
                return outcome(count(watch.found), None)
            continue
        seconds += placed.seconds
        reached = timing(placed[flow.REPORT], made.clock_hz)
        if best is None or reached.missing < best[0].missing:
            best = (reached, seed, placed)
            logs["nextpnr"] = placed.log
        if reached.met or reached.missing > NARROW:
            break
        log(
            f"seed {seed}: {reached.fmax_hz / MHZ:.2f} MHz of {made.clock_hz / MHZ:.2f} MHz, "
            f"{100 * reached.missing:.1f} % are missing"
        )
    placed = best[2]
    file = flow.pack(made, placed, cache, log)
    return outcome(count(utilisation(placed[flow.REPORT])), file)


def _unplaceable(error: StepError) -> bool:
    """Say whether nextpnr gave up for want of room, which is a result and not a fault."""
    words = ("no BELs remaining", "legal placement", "utilisation limit", "failed to place")
    return any(word in error.output for word in words) or "Unable to place" in error.output
