"""What a board will do: a bitstream's figures, and the clock cycles of the very core in it.

Nothing here is measured on a board: cycles are those of the RTL simulated, the clock is what the
placer's timing analysis allows, the link is counted in bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.boards.build import SEEDS, Bitstream, build
from spikeloom.boards.clock import MHZ
from spikeloom.boards.targets import Target
from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec import link, protocol
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import Hardware
from spikeloom.shown import html_table

BITS_PER_BYTE = 10
"""On the line: start, eight, stop."""

IMAGES = 1000
"""Images whose bytes on the line are counted."""


@dataclass(frozen=True)
class Speed:
    """Clock cycles and bytes per image, means over real images.

    Attributes
    ----------
    train_cycles, infer_cycles : of the simulated core, of exactly the board's hardware.
    images : how many they are the mean of.
    line_bytes : sent to the board to train on an image, framed, in a streaming run.
    """

    train_cycles: float
    infer_cycles: float
    images: int
    line_bytes: float


Measure = Callable[[], Speed]
"""Finds how fast the core is that was built; `SpikeloomError` where that cannot be measured."""


def line_bytes(images: np.ndarray) -> float:
    """Return the mean number of bytes that images take on the line to be trained on.

    The first `IMAGES` are counted. Images and commands follow one another in frames that are full,
    as they do while the board is the slower one.
    """
    command = len(protocol.train(0))
    sent = np.mean(
        [len(protocol.encode_image(image.tobytes())) + command for image in images[:IMAGES]]
    )
    overhead = len(link.HostFrame(link.Kind.DATA, 0).pack())
    return float(sent * (link.PAYLOAD_MAX + overhead) / link.PAYLOAD_MAX)


@dataclass(frozen=True, repr=False)
class Report:
    """A build, how fast its core is (None where it was not simulated), and where its files are.

    `unmeasured` says why the core could not be simulated, where that was wanted.
    """

    built: Bitstream
    speed: Speed | None
    file: Path | None
    logs: dict[str, Path]
    unmeasured: str | None = None

    def values(self) -> dict[str, Any]:
        """Return everything as numbers, for ``--json``; None is what is not known."""
        built, speed = self.built, self.speed
        reached = built.timing
        hz = built.clock_hz

        def per_second(cycles: float | None) -> float | None:
            return hz / cycles if cycles and built.fits else None

        train = speed.train_cycles if speed else None
        infer = speed.infer_cycles if speed else None
        return {
            "board": built.target.name,
            "config": built.config.name,
            "digest": built.config.digest(),
            "fits": built.fits,
            "clock_met": built.good,
            **self._cells(),
            "clock_mhz": hz / MHZ,
            "fmax_mhz": reached.fmax_hz / MHZ if reached else None,
            "seed": built.seed,
            "seeds": built.seeds,
            "lanes": [layer.lanes for layer in built.layers],
            "ports": [layer.ports for layer in built.layers],
            "draws": built.hardware.draws,
            "plan": built.hardware.plan(),
            "cycles_per_train_image": train,
            "cycles_per_infer_image": infer,
            "microseconds_per_train_image": MHZ * train / hz if train else None,
            "microseconds_per_infer_image": MHZ * infer / hz if infer else None,
            "train_images_per_second": per_second(train),
            "infer_images_per_second": per_second(infer),
            "link_baud": built.target.baud,
            "link_bytes_per_image": speed.line_bytes if speed else None,
            "link_images_per_second": self.link_rate(),
            "measured_on_a_board": False,
            "unmeasured": self.unmeasured,
            "memories": [
                dataclasses.asdict(p.memory) | {"kind": p.kind, "blocks": p.blocks}
                for p in built.memory.placements
            ],
            "bitstream": str(self.file) if self.file else None,
            "logs": {name: str(path) for name, path in self.logs.items()},
            "complaint": built.complaint(),
        }

    def _cells(self) -> dict[str, int]:
        """Return how many cells of each kind are used and there."""
        found: dict[str, int] = {}
        for name, count in vars(self.built.resources).items():
            found |= {name: count.used, f"{name}_available": count.available}
        return found

    def __repr__(self) -> str:
        lines = [f"{name:>12}   {text}" for name, text in self.rows().items()]
        complaint = self.built.complaint()
        failed = [f"FAILED: {complaint}"] if complaint else []
        return "\n".join([f"<{self._title()}>", *lines, *failed])

    def _repr_html_(self) -> str:
        complaint = self.built.complaint()
        failed = {"FAILED": complaint} if complaint else {}
        return html_table(self._title(), (self.rows() | failed).items())

    def _title(self) -> str:
        return f"{self.built.config.name} for {self.built.target.name}"

    def link_rate(self) -> float | None:
        """Return the images per second that the serial line carries at the board's first rate."""
        if self.speed is None:
            return None
        return self.built.target.baud / BITS_PER_BYTE / self.speed.line_bytes

    def rows(self) -> dict[str, str]:
        """Return the same for people: name to text."""
        built, cells, values = self.built, self.built.resources, self.values()
        reached = built.timing
        rows = {
            "board": f"{built.target.title}, {built.target.device.title}",
            "lanes": f"{_list(values['lanes'])}; memory ports {_list(values['ports'])}; "
            f"{values['draws']} draws per clock",
        }
        rows |= {name: str(count) for name, count in cells.named().items() if count.available}
        rows["clock"] = (
            f"{built.clock_hz / MHZ:.2f} MHz asked for, "
            + (f"{reached.fmax_hz / MHZ:.2f} MHz reached" if reached else "not routed")
            + (f" (seed {built.seed}, {built.seeds} tried)" if built.seeds > 1 else "")
        )
        for verb in ("train", "infer"):
            cycles, rate = values[f"cycles_per_{verb}_image"], values[f"{verb}_images_per_second"]
            if cycles is not None:
                rows[verb] = (
                    f"{cycles:,.0f} cycles, {values[f'microseconds_per_{verb}_image']:,.0f} us per "
                    "image" + (f": {rate:,.0f} images/s" if rate else "")
                )
        if self.speed is not None:
            rows["serial line"] = (
                f"{self.speed.line_bytes:.0f} bytes per image: {self.link_rate():,.0f} images/s "
                f"at {built.target.baud / MHZ:g} Mbaud"
            )
            rows["cycles are of"] = (
                f"the RTL with these lanes, simulated on {self.speed.images} images; on the board "
                "itself: not measured"
            )
        if self.unmeasured is not None:
            rows["cycles"] = (
                f"not measured: {self.unmeasured}; name other images with --data, or leave it out "
                "with --no-measure"
            )
        rows["bitstream"] = str(self.file) if self.file else "none"
        rows["logs"] = "\n".join(map(str, self.logs.values()))
        return rows


def make(
    target: Target,
    config: NetworkConfig,
    hardware: Hardware,
    folder: Path,
    log: Callable[[str], None],
    *,
    cache: Path,
    clock_hz: int | None = None,
    seeds: int = SEEDS,
    measure: Measure | None = None,
) -> Report:
    """Build a bitstream, copy it to `folder`, and find how fast its core is.

    Parameters
    ----------
    cache, clock_hz, seeds : see `boards.build.build`.
    measure : simulates the very core that was built; None leaves its speed unknown.

    Raises
    ------
    ToolError, StepError : a tool is missing, or fails. ClockError : no PLL setting makes the clock.
    """
    built = build(target, config, hardware, clock_hz=clock_hz, seeds=seeds, cache=cache, log=log)
    file, logs = built.save(folder)
    speed = unknown = None
    if measure is not None and built.fits:
        try:
            speed = measure()
        except SpikeloomError as error:
            unknown = str(error)
    return Report(built, speed, file, logs, unknown)


def _list(numbers: list[int]) -> str:
    return " ".join(map(str, numbers))
