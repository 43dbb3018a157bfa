"""The bitstream of a network for a board, and how fast its core is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from spikeloom import cache, datasets, outputs, perf, progress
from spikeloom.boards import estimate, targets
from spikeloom.boards.build import SEEDS
from spikeloom.boards.clock import MHZ
from spikeloom.boards.estimate import Report, Speed
from spikeloom.boards.targets import Target
from spikeloom.golden.datasets import DataError
from spikeloom.golden.spec import network as configurations
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import Hardware

Log = Callable[[str], None]


def build(
    board: str | Target,
    config: NetworkConfig | str | Path | None = None,
    folder: str | Path = "build",
    *,
    hardware: Hardware | None = None,
    clock_mhz: float | None = None,
    seeds: int | None = None,
    measure: bool = True,
    data: str | Path | None = None,
    log: Log = progress.say,
) -> Report:
    """Build the bitstream of a network for a board, and find how fast its core is.

    Parameters
    ----------
    board : its name, see ``spikeloom boards``.
    config : the network, or what `spikeloom.load` takes; the board's own where left out.
    folder : for the bitstream and the tools' logs.
    hardware : how the core is built; what the board has for this network where left out.
    clock_mhz : of the core; the board's where left out.
    seeds : placements that are tried where the clock is missed narrowly.
    measure : whether the very core is simulated, on images of `data` (those that come along where
        left out).
    log : told the stages.

    Raises
    ------
    ToolError : a tool is missing. PlanError : the network is too big for the board's memory.
    """
    target = targets.find(board) if isinstance(board, str) else board
    if not isinstance(config, NetworkConfig):
        config = configurations.load(config or target.config)
    hardware = hardware or target.hardware_for(config)
    return estimate.make(
        target,
        config,
        hardware,
        outputs.folder(folder, "name another one (--out)"),
        log,
        cache=cache.folder("boards"),
        clock_hz=None if clock_mhz is None else round(clock_mhz * MHZ),
        seeds=seeds or SEEDS,
        measure=_measure(config, hardware, data, log) if measure else None,
    )


def _measure(
    config: NetworkConfig, hardware: Hardware, data: str | Path | None, log: Log
) -> Callable[[], Speed]:
    """Return what measures a core; its images are read now, before any tool runs.

    Where the digits that nobody asked for do not fit, it raises the `DataError` that says so.
    """
    try:
        images = datasets.load(data or "mnist", config, held_out=0, any_classes=True)
    except DataError as error:
        if data is not None:
            raise
        log(f"its speed will not be measured: {error}")
        return partial(_raise, error)
    return partial(perf.board_speed, config, hardware, images, log)


def _raise(error: Exception) -> NoReturn:
    raise error
