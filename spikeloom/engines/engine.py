"""The bodies of a network that train and infer: what they share, the golden one, any by its name.

A configuration's own seed is built into a core; a run's seed is handed over as the states of the
streams and as the initial weights. So another seed never means another build.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from spikeloom.errors import naming_extras
from spikeloom.golden import initial
from spikeloom.golden.activity import RAN, counters
from spikeloom.golden.network import Network
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.streams import streams
from spikeloom.hdl.hardware import Hardware

if TYPE_CHECKING:
    from spikeloom.boards.host.device import Device
    from spikeloom.engines.board import BoardSpeed

ENGINES = ("golden", "rtl", "board")

Kind = Literal["train", "infer"]


def _of_body(name: str) -> property:
    """Return a property of an engine that is its body's."""
    return property(
        lambda engine: getattr(engine._body, name),
        lambda engine, value: setattr(engine._body, name, value),
    )


class Engine(ABC):
    """A network with state, and what it counts: the state is that of its body.

    Attributes
    ----------
    name : "golden", "rtl" or "board".
    weights : int16[n_pre, n_post] per crossbar, copies; assign to load.
    stream_states : in the order of `golden.spec.streams.streams`; assign to load. The state of
        stream `inference` is the seed that every inferred sample starts from.
    steps : steps per sample, at most the configuration's; fewer cut a sample short.
    stop : margins that end a sample, see `golden.stopping`.
    ran : int32[n], the steps that each sample of the last call ran.
    """

    weights = _of_body("weights")
    stream_states = _of_body("stream_states")
    steps = _of_body("steps")
    stop = _of_body("stop")

    @property
    def ran(self) -> np.ndarray:
        """Steps that each sample of the last call ran: int32[n]."""
        return self._body.ran

    def __init__(self, name: str, machine: Machine, body: Network | Device) -> None:
        self.name = name
        self.machine = machine
        self._body = body
        self.clear()

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        self._body.set_updates(updates)

    @abstractmethod
    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""

    @abstractmethod
    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes, int32[n, classes]; changes nothing but counters."""

    def counters(self, kind: Kind = "train") -> dict[str, int]:
        """Return sums over the samples trained or inferred since `clear`.

        `samples`, `ran` (steps that they ran), and for trained samples `spikes.L`, `positive.L`,
        `negative.L`; an engine with clocks adds `cycles` and `writes.L`, and counts spikes of
        inferred samples as well.
        """
        return dict(self._counters[kind])

    def clear(self) -> None:
        """Put all counters to 0."""
        self._counters: dict[Kind, Counter[str]] = {"train": Counter(), "infer": Counter()}

    def speed(self, kind: Kind = "train") -> BoardSpeed | None:
        """Return how fast a board ran samples since `clear`; None of what is none, or ran none."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Give back what the engine holds; it is of no use afterwards."""


class GoldenEngine(Engine):
    """The golden network as an engine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__("golden", machine, Network(machine))
        # No samples: no later call waits for the compiler.
        nothing = np.zeros((0, machine.config.sizes[0]), np.uint8)
        self._body.train(nothing, np.zeros(0, np.int64))
        self._body.infer(nothing)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""
        return self.train_recorded(images, labels)[0]

    def train_recorded(
        self, images: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train, and return the activity of each sample too (`golden.floor` takes it)."""
        counts, activity = self._body.train(images, labels)
        self._counters["train"].update(counters(activity) | {"samples": len(counts)})
        return counts, activity

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes, int32[n, classes]."""
        return self.infer_recorded(images)[0]

    def infer_recorded(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Infer, and return the activity of each sample too."""
        counts = self._body.infer(images)
        ran = int(self._body.ran.sum())
        self._counters["infer"].update({"samples": len(counts), RAN: ran})
        return counts, self._body.activity

    def raster(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return spikes and error spikes, int8[T, neurons] each, of one sample inferred."""
        return self._body.raster(image, 0, 0)

    def close(self) -> None:
        """Hold nothing."""


@naming_extras()
def make_engine(
    name: str,
    config: NetworkConfig,
    *,
    hardware: Hardware | None = None,
    trace: bool = False,
    log: Callable[[str], None] | None = None,
    port: str | None = None,
    baud: int | None = None,
) -> Engine:
    """Return an engine by its name; `start` or `restore` puts it into a state.

    hardware, trace, log : see `engines.device.RtlEngine`. port, baud : see
    `engines.board.BoardEngine`, which needs a port.
    """
    if name not in ENGINES:
        raise ConfigError(f"no engine named {name!r}: there are {', '.join(ENGINES)}")
    for option, value, owner in (("port", port, "board"), ("hardware", hardware, "rtl")):
        if value is not None and name != owner:
            raise ConfigError(
                f"engine {name!r} has no {option}, {value!r} was given: take engine {owner!r}"
            )
    built = machine(config)
    if name == "golden":
        return GoldenEngine(built)
    if name == "rtl":
        # It imports this module, as every body but golden's does.
        from spikeloom.engines.device import RtlEngine

        return RtlEngine(built, hardware or Hardware(), trace=trace, log=log)
    if port is None:
        raise ConfigError("engine 'board' needs the serial port that the board hangs on")
    # Other engines need no serial port, not even the library for it.
    from spikeloom.engines.board import BoardEngine

    return BoardEngine(built, port, baud=baud)


def first_states(config: NetworkConfig, seed: int) -> list[int]:
    """Return the states of all streams at the start of a run with `seed`."""
    return [stream.seed(seed) for stream in streams(config.with_seed(seed))]


def start(engine: Engine, seed: int) -> None:
    """Put an engine to the start of a run: initial weights and seeded streams."""
    built = engine.machine
    restore(engine, initial.weights(built, seed), first_states(built.config, seed))


def restore(engine: Engine, weights: list[np.ndarray], stream_states: list[int]) -> None:
    """Put an engine into a state, with all steps, first updates and no counts."""
    engine.weights = weights
    engine.stream_states = stream_states
    engine.set_updates(engine.machine.updates(0))
    engine.steps = engine.machine.config.steps
    engine.stop = engine.machine.config.stop
    engine.clear()
