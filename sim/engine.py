"""The bodies of a network that train and infer, behind one protocol.

A configuration's own seed is built into a core; a run's seed is handed over as the states of the
streams and as the initial weights. So another seed never means another build.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from spikeloom.boards.host.device import Device, Transport
from spikeloom.golden import initial
from spikeloom.golden.network import NEGATIVE, POSITIVE, PRE, Network
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.streams import streams

ENGINES = ("golden", "rtl", "board")

Kind = Literal["train", "infer"]


class Engine(Protocol):
    """A network with state: weights, stream states, the update sizes and steps in force.

    Attributes
    ----------
    name : "golden", "rtl" or "board".
    weights : int16[n_pre, n_post] per crossbar; assign to load.
    stream_states : in the order of `golden.spec.streams.streams`; assign to load. The state of
        stream `inference` is the seed that every inferred sample starts from.
    steps : steps per sample, at most the configuration's; fewer cut a sample short.
    """

    name: str
    machine: Machine
    weights: list[np.ndarray]
    stream_states: list[int]
    steps: int

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes, int32[n, classes]; changes nothing but counters."""

    def counters(self, kind: Kind = "train") -> dict[str, int]:
        """Return sums over the samples trained or inferred since `clear`.

        `samples`, and for trained samples `spikes.L`, `positive.L`, `negative.L`; an engine with
        clocks adds `cycles` and `writes.L`, and counts spikes of inferred samples as well.
        """

    def clear(self) -> None:
        """Put all counters to 0."""

    def close(self) -> None:
        """Give back what the engine holds; it is of no use afterwards."""


class GoldenEngine:
    """The golden network as an engine."""

    name = "golden"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._network = Network(machine)
        self._compile()
        self.clear()

    def _compile(self) -> None:
        """Run no samples, so that no later call waits for the compiler."""
        nothing = np.zeros((0, self.machine.config.sizes[0]), np.uint8)
        self._network.train(nothing, np.zeros(0, np.int64))
        self._network.infer(nothing)

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights of every crossbar, copies."""
        return self._network.weights

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        self._network.weights = weights

    @property
    def stream_states(self) -> list[int]:
        """States of all streams."""
        return self._network.stream_states

    @stream_states.setter
    def stream_states(self, states: list[int]) -> None:
        self._network.stream_states = states

    @property
    def steps(self) -> int:
        """Steps per sample."""
        return self._network.steps

    @steps.setter
    def steps(self, steps: int) -> None:
        self._network.steps = steps

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        self._network.set_updates(updates)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""
        return self.train_recorded(images, labels)[0]

    def train_recorded(
        self, images: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train, and return the activity of each sample too (`golden.floor` takes it)."""
        counts, activity = self._network.train(images, labels)
        totals = activity.sum(axis=0, dtype=np.int64)
        found = self._counters["train"]
        found["samples"] += len(counts)
        for layer in range(totals.shape[1]):
            found[f"spikes.{layer}"] += int(totals[PRE, layer])
        for layer in range(1, totals.shape[1]):
            found[f"positive.{layer}"] += int(totals[POSITIVE, layer])
            found[f"negative.{layer}"] += int(totals[NEGATIVE, layer])
        return counts, activity

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes, int32[n, classes]."""
        self._counters["infer"]["samples"] += len(images)
        return self._network.infer(images)

    def raster(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return spikes and error spikes, int8[T, neurons] each, of one sample inferred."""
        return self._network.raster(image, 0, 0)

    def counters(self, kind: Kind = "train") -> dict[str, int]:
        """Return sums over the samples trained or inferred since `clear`."""
        return dict(self._counters[kind])

    def clear(self) -> None:
        """Put all counters to 0."""
        self._counters: dict[Kind, Counter[str]] = {"train": Counter(), "infer": Counter()}

    def close(self) -> None:
        """Hold nothing."""


class DeviceEngine:
    """A core behind a transport as an engine.

    Parameters
    ----------
    name : of the body that the core has.
    machine : what the core must hold.
    transport : carries the bytes; closed with the engine where it can be closed.
    """

    def __init__(self, name: str, machine: Machine, transport: Transport) -> None:
        self.name = name
        self.machine = machine
        self.device = Device(transport, machine)
        self._transport = transport
        self.clear()

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights of every crossbar as the core holds them."""
        return self.device.weights

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        self.device.weights = weights

    @property
    def stream_states(self) -> list[int]:
        """States of all streams."""
        return self.device.stream_states

    @stream_states.setter
    def stream_states(self, states: list[int]) -> None:
        self.device.stream_states = states

    @property
    def steps(self) -> int:
        """Steps per sample."""
        return self.device.steps

    @steps.setter
    def steps(self, steps: int) -> None:
        self.device.steps = steps

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        self.device.set_updates(updates)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""
        counts = self.device.train(images, labels)
        self._collect("train")
        return counts

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes, int32[n, classes]."""
        counts = self.device.infer(images)
        self._collect("infer")
        return counts

    def train_digests(
        self, images: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train; return the counts and, uint32[n], the digest of all weights after each sample."""
        counts, digests = self.device.train_digests(images, labels)
        self._collect("train")
        return counts, digests

    def digest(self) -> int:
        """Return the CRC-32 of all weights, computed by the core."""
        return self.device.digest()

    def counters(self, kind: Kind = "train") -> dict[str, int]:
        """Return sums over the samples trained or inferred since `clear`."""
        return dict(self._counters[kind])

    def clear(self) -> None:
        """Put all counters to 0."""
        self.device.clear()
        self._counters: dict[Kind, Counter[str]] = {"train": Counter(), "infer": Counter()}

    def close(self) -> None:
        """Close the transport."""
        if close := getattr(self._transport, "close", None):
            close()

    def _collect(self, kind: Kind) -> None:
        """Take the core's counters over into wider ones, before they can wrap."""
        self.device.check_status()
        self._counters[kind].update(self.device.counters())
        self.device.clear()


class RtlEngine(DeviceEngine):
    """The core's RTL, simulated; it is built first unless it has been.

    Parameters
    ----------
    machine : of the configuration as its file says: its seed is part of the core.
    trace : whether the core can write waveforms (slower).
    log : called with one line of text per stage of a build.

    Raises
    ------
    ConfigError : the configuration asks for what only the golden model has.
    ToolchainError, BuildError : see `spikeloom.sim.verilate.build`.
    """

    def __init__(
        self, machine: Machine, *, trace: bool = False, log: Callable[[str], None] | None = None
    ) -> None:
        refuse_rate_form(machine.config)
        # Amaranth and the core cost a second to import, which no golden run should wait for.
        from spikeloom.hdl.core import Core
        from spikeloom.sim.transport import VerilatedTransport

        config = machine.config
        self._simulation = VerilatedTransport.cached(
            lambda: Core(config), repr(config), trace=trace, log=log
        )
        super().__init__("rtl", machine, self._simulation)

    def vcd(self, path: Path) -> AbstractContextManager[None]:
        """Record a waveform of what runs within the context; needs `trace`."""
        return self._simulation.vcd(path)


def refuse_rate_form(config: NetworkConfig) -> None:
    """Raise `ConfigError` for a configuration that the core has no hardware for."""
    if config.learning.form == "rate":
        raise ConfigError(
            f"{config.name}: learning.form = 'rate' is the golden model's alone, the core learns "
            "by coincidences: train it with --engine golden, or set learning.form = "
            '"coincidence"'
        )


def make_engine(
    name: str,
    config: NetworkConfig,
    seed: int | None = None,
    *,
    trace: bool = False,
    log: Callable[[str], None] | None = None,
    port: str | None = None,
    baud: int | None = None,
) -> Engine:
    """Return an engine at the start of a run with `seed` (by default the configuration's own).

    trace, log : see `RtlEngine`. port, baud : see `spikeloom.sim.board_engine`, which needs a port.
    """
    if name not in ENGINES:
        raise ConfigError(f"no engine named {name!r}: there are {', '.join(ENGINES)}")
    built = machine(config)
    engine: Engine
    if name == "golden":
        engine = GoldenEngine(built)
    elif name == "rtl":
        engine = RtlEngine(built, trace=trace, log=log)
    elif port is None:
        raise ConfigError("engine 'board' needs the serial port that the board hangs on")
    else:
        # Other engines need no serial port, not even the library for it.
        from spikeloom.sim.board_engine import BoardEngine

        engine = BoardEngine(built, port, baud=baud)
    start(engine, config.random.seed if seed is None else seed)
    return engine


def start(engine: Engine, seed: int) -> None:
    """Put an engine to the start of a run: initial weights, seeded streams, first updates."""
    config = engine.machine.config.with_seed(seed)
    engine.weights = initial.weights(engine.machine, seed)
    engine.stream_states = [stream.seed(seed) for stream in streams(config)]
    engine.set_updates(engine.machine.updates(0))
    engine.steps = config.steps
    engine.clear()
