"""A board as an engine: the core behind a serial port, and how fast it ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from spikeloom.boards.host.device import DeviceError
from spikeloom.boards.host.link import LinkTransport
from spikeloom.engines.device import DeviceEngine, refuse_rule
from spikeloom.engines.engine import Kind
from spikeloom.golden.spec.machine import Machine


@dataclass(frozen=True)
class BoardSpeed:
    """How fast samples ran on a board, and what the link and the core would allow by themselves.

    Attributes
    ----------
    images : how many ran. images_per_second : as they ran, with whatever the host did besides.
    link_images_per_second : what the line carries at `baud`, at `bytes_per_image` on the line in
        the direction that has more of them; frames sent again included.
    core_images_per_second : what the core runs at `clock_hz`, at `cycles_per_image`.
    resent : frames that were sent again.
    """

    images: int
    images_per_second: float
    link_images_per_second: float
    bytes_per_image: float
    baud: int
    core_images_per_second: float
    cycles_per_image: float
    clock_hz: int
    resent: int

    def rows(self) -> dict[str, object]:
        """Return it for a table."""
        again = f", {self.resent:,} frames sent again" if self.resent else ""
        return {
            "link allows": f"{self.link_images_per_second:,.0f} images/s "
            f"({self.bytes_per_image:,.0f} bytes each at {self.baud:,} baud{again})",
            "core allows": f"{self.core_images_per_second:,.0f} images/s "
            f"({self.cycles_per_image:,.0f} clock cycles each at {self.clock_hz / 1e6:g} MHz)",
            "together": f"{self.images_per_second:,.0f} images/s",
        }


class BoardEngine(DeviceEngine):
    """A core on a board behind a serial port.

    Parameters
    ----------
    machine : what the board must hold.
    port : of the board. baud : bit rate to ask for, None for the one it answers at.

    Raises
    ------
    ConfigError : as `RtlEngine`. PortError, LinkError : no board there.
    DeviceError : another configuration or protocol; names both.
    """

    def __init__(self, machine: Machine, port: str, *, baud: int | None = None) -> None:
        refuse_rule(machine)
        self.link = LinkTransport.open(port, baud=baud)
        try:
            super().__init__("board", machine, self.link)
        except DeviceError as error:
            self.link.close()
            raise DeviceError(
                f"{port}: {error}: 'spikeloom build BOARD {machine.config.name}', then "
                "'spikeloom flash BOARD'"
            ) from None
        except BaseException:
            self.link.close()
            raise

    def clear(self) -> None:
        """Put all counters to 0."""
        super().clear()
        self._passed: dict[Kind, Counter[str]] = {"train": Counter(), "infer": Counter()}

    def speed(self, kind: Kind = "train") -> BoardSpeed | None:
        """Return how fast samples ran since `clear`; None where none did."""
        passed, counted = self._passed[kind], self._counters[kind]
        if not (images := passed["images"]):
            return None
        size = max(passed["bytes_out"], passed["bytes_in"]) / images
        cycles, clock = counted["cycles"] / counted["samples"], self.link.hello.clock_hz
        return BoardSpeed(
            images=images,
            images_per_second=images / passed["seconds"],
            link_images_per_second=self.link.baud / (10 * size),
            bytes_per_image=size,
            baud=self.link.baud,
            core_images_per_second=clock / cycles,
            cycles_per_image=cycles,
            clock_hz=clock,
            resent=passed["resent"],
        )

    @contextmanager
    def _ran(self, kind: Kind, images: int) -> Iterator[None]:
        """Note what passes the line meanwhile."""
        names = ("bytes_out", "bytes_in", "seconds", "resent")
        before = {name: getattr(self.link.statistics, name) for name in names}
        with super()._ran(kind, images):
            yield
            passed = self._passed[kind]
            passed["images"] += images
            for name in names:
                passed[name] += getattr(self.link.statistics, name) - before[name]
