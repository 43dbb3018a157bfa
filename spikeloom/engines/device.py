"""A core behind a transport as an engine: its RTL simulated, or whatever else answers its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np

from spikeloom.boards.host.device import Device, Transport
from spikeloom.engines.engine import Engine, Kind
from spikeloom.golden.spec.learning import GOLDEN_ONLY, SSNN_BP
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.hardware import DEFAULT, Hardware


class DeviceEngine(Engine):
    """A core behind a transport as an engine.

    Parameters
    ----------
    name : of the body that the core has.
    machine : what the core must hold.
    transport : carries the bytes; closed with the engine where it can be closed.
    """

    def __init__(self, name: str, machine: Machine, transport: Transport) -> None:
        self.device = Device(transport, machine)
        self._transport = transport
        super().__init__(name, machine, self.device)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""
        with self._ran("train", len(images)):
            return self.device.train(images, labels)

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes, int32[n, classes]."""
        with self._ran("infer", len(images)):
            return self.device.infer(images)

    def train_digests(
        self, images: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train; return the counts and, uint32[n], the digest of all weights after each sample."""
        with self._ran("train", len(images)):
            return self.device.train_digests(images, labels)

    def digest(self) -> int:
        """Return the CRC-32 of all weights, computed by the core."""
        return self.device.digest()

    def clear(self) -> None:
        """Put all counters to 0."""
        super().clear()
        self.device.clear()

    def close(self) -> None:
        """Close the transport."""
        if close := getattr(self._transport, "close", None):
            close()

    @contextmanager
    def _ran(self, kind: Kind, images: int) -> Iterator[None]:
        """Take the core's counters over into wider ones after a call, before they can wrap."""
        yield
        self.device.check_status()
        self._counters[kind].update(self.device.counters())
        self.device.clear()


class RtlEngine(DeviceEngine):
    """The core's RTL, simulated; it is built first unless it has been.

    Parameters
    ----------
    machine : of the configuration as its file says: its seed is part of the core.
    hardware : how the core is built.
    trace : whether the core can write waveforms (slower).
    log : called with one line of text per stage of a build.

    Raises
    ------
    ConfigError : the configuration asks for what only the golden model has.
    ToolchainError, BuildError : see `spikeloom.sim.rtl.verilate.build`.
    """

    def __init__(
        self,
        machine: Machine,
        hardware: Hardware = DEFAULT,
        *,
        trace: bool = False,
        log: Callable[[str], None] | None = None,
    ) -> None:
        refuse_rule(machine)
        # Amaranth and the core cost a second to import, which no golden run should wait for.
        from spikeloom.hdl.core import Core
        from spikeloom.sim.rtl.transport import VerilatedTransport

        config = machine.config
        self.hardware = hardware
        self._simulation = VerilatedTransport.cached(
            lambda: Core(config, hardware), repr((config, hardware)), trace=trace, log=log
        )
        super().__init__("rtl", machine, self._simulation)

    def vcd(self, path: Path) -> AbstractContextManager[None]:
        """Record a waveform of what runs within the context; needs `trace`."""
        return self._simulation.vcd(path)


def refuse_rule(machine: Machine) -> None:
    """Raise `ConfigError` for a learning rule that the core has no hardware for."""
    if machine.rule in GOLDEN_ONLY:
        raise ConfigError(
            f"{machine.config.name}: learning.rule = {machine.rule!r} is the golden model's alone, "
            "the core learns by coincidences: train it with --engine golden, or set "
            f'learning.rule = "{SSNN_BP}"'
        )
