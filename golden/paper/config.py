"""Everything that decides a result of the paper's float model, in one frozen object."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spikeloom.golden.spec.schema import ConfigError, Range, check_number

__all__ = ["ConfigError", "PaperConfig"]


def _real(default: float, low: float, high: float) -> Any:
    return dataclasses.field(default=default, metadata={"range": Range(low, high), "kind": float})


def _optional(default: float | None, low: float, high: float) -> Any:
    """Declare a number that may be None."""
    metadata = {"range": Range(low, high), "kind": float, "optional": True}
    return dataclasses.field(default=default, metadata=metadata)


def _whole(default: int, low: int, high: int) -> Any:
    return dataclasses.field(default=default, metadata={"range": Range(low, high), "kind": int})


def _word(*words: str) -> Any:
    """Declare a field that holds one of `words`; the first is the default."""
    return dataclasses.field(default=words[0], metadata={"choices": words})


def _per_layer(name: str, given: Any, count: int, what: str, high: float) -> tuple[float, ...]:
    """Return a number for each of `count` layers, or none; `ConfigError` for anything else."""
    if not isinstance(given, tuple | list) or len(given) not in (0, count):
        raise ConfigError(
            f"{name} = {given!r}: expected a number for each {what}, {count} numbers, or none"
        )
    return tuple(
        check_number(each, float, Range(0, high), f"{name}[{i}]") for i, each in enumerate(given)
    )


@dataclass(frozen=True, kw_only=True)
class PaperConfig:
    """One experiment. "Paper" marks what its text gives; every other default is ours.

    Attributes
    ----------
    sizes : neurons per layer, input first, classes last (paper: 784, 1280, 10).
    steps : T, time steps per sample.
    rate : mean input rate of a white pixel over the sample (paper: 0.3 to 0.5).
    theta : threshold of the hidden forward neurons (paper: 5).
    theta_output : threshold of the output neurons (paper: 5).
    theta_wta : threshold of a stage of lateral inhibition, in spikes.
    theta_error : threshold of the hidden gradient neurons, θ_b of Eq. 3.
    theta_label : threshold of the output gradient neurons, θ_N of Eq. 4, in spikes.
    tau : time constant of the kernel in steps; None is T / 10 (paper), 0 no filter (pure IF).
    reset : membrane after a spike: less the threshold (``subtract``), or ``zero``.
    start : membrane of a forward neuron at the sample's start, in thresholds.
    membranes : gradient neurons of one kind each, ``separate`` (paper), or ``shared``: one membrane
        that fires both signs.
    error_floor : lowest membrane of a separate gradient neuron, in thresholds under 0; None is
        none. Without a floor a charge that comes and goes again has fired one sign and not the
        other, which is a gradient where there is none (see `neuron.gradient`).
    gate : a hidden gradient neuron's spikes count from the neuron's first spike on
        (``first-spike``), or in the whole sample if it fires in it at all (``sample``).
    loss : ``softmax`` (Eq. 2 between output and error), ``mse`` (none), or ``competition``: the
        output neurons have no threshold, and each step's one spike is drawn by softmax of their
        membranes (ours; `wta.compete`). It wants a label spike in every step.
    inhibition, iterations : W_inh per other neuron's spike, and how often Eq. 2 is applied; with
        ``competition`` the noise's gain in output thresholds, and nothing.
    cost : what each spike of a hidden neuron takes from its gradient neurons' current, in θ_b
        (ours: without it, a competition's hidden neurons fire ever more).
    label : train of the label neuron. The same rate in every step, ``constant`` (evenly spread)
        or ``random``; or falling linearly, ``front`` or ``random-front``: output spikes come
        later than those by the delay of the kernels, so they bias the gradient.
    label_rate : its mean rate (paper: 0.5).
    update : ``rate`` (Eq. 9) or ``coincidence`` (Eq. 10).
    noise : size of Gaussian noise on each sample's product of rates (Fig. 7, 8); ``rate`` update
        only.
    noise_kind : `noise` is the standard deviation of the product of any two rates of spikes
        (``absolute``), or is 1 / √T of the coincidences whose own deviation each product gets
        (``binomial``); see `learning.noise`.
    learning_rate : η for rates, with weights in thresholds (see `learning`).
    layer_rates : factor of η per crossbar; all 1 where empty.
    schedule : η over the epochs: ``constant``, ``linear`` or ``cosine`` (to 0 at the end), or
        ``exponential`` (times `decay` after every epoch).
    decay : factor of the exponential schedule.
    optimiser : gradient descent with ``momentum``, or ``adam``, whose η is a step of weights in
        thresholds.
    momentum, weight_decay : of either; 0 is plain (paper).
    batch, epochs : samples per update, passes over the data.
    dropout : probability that a neuron is silent for a sample, per layer but the output
        (paper: 0.2 input, 0.3 hidden); all 0 where empty.
    weight_gain : initial weights are N(0, gain² · 2 / n_pre); 1 is He's (paper).
    seed : of everything that is random.
    """

    sizes: tuple[int, ...] = (784, 1280, 10)
    steps: int = _whole(50, 1, 10000)
    rate: float = _real(0.4, 0.0, 0.5)
    theta: float = _real(5.0, 1e-3, 1e3)
    theta_output: float = _real(5.0, 1e-3, 1e3)
    theta_wta: float = _real(1.0, 1e-3, 1e3)
    theta_error: float = _real(0.5, 1e-6, 1e3)
    theta_label: float = _real(1.0, 1e-3, 1e3)
    tau: float | None = _optional(None, 0.0, 1e6)
    reset: str = _word("subtract", "zero")
    start: float = _real(0.5, 0.0, 1.0)
    membranes: str = _word("separate", "shared")
    error_floor: float | None = _optional(0.0, 0.0, 1e3)
    gate: str = _word("first-spike", "sample")
    loss: str = _word("softmax", "mse", "competition")
    inhibition: float = _real(0.05, 0.0, 100.0)
    iterations: int = _whole(2, 0, 100)
    label: str = _word("constant", "random", "front", "random-front")
    label_rate: float = _real(0.5, 0.0, 1.0)
    cost: float = _real(0.0, 0.0, 1e3)
    update: str = _word("rate", "coincidence")
    noise: float = _real(0.0, 0.0, 1e3)
    noise_kind: str = _word("absolute", "binomial")
    learning_rate: float = _real(0.5, 0.0, 1e6)
    layer_rates: tuple[float, ...] = ()
    schedule: str = _word("cosine", "constant", "linear", "exponential")
    decay: float = _real(1.0, 0.0, 1.0)
    optimiser: str = _word("momentum", "adam")
    momentum: float = _real(0.9, 0.0, 0.9999)
    weight_decay: float = _real(0.0, 0.0, 1.0)
    batch: int = _whole(100, 1, 10**6)
    epochs: int = _whole(20, 1, 10**6)
    dropout: tuple[float, ...] = ()
    weight_gain: float = _real(2.5, 0.0, 1e3)
    seed: int = _whole(0, 0, 2**63 - 1)

    def __post_init__(self) -> None:
        """Check every field, and make equal configurations equal to the last bit."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if choices := field.metadata.get("choices"):
                if value not in choices:
                    raise ConfigError(f"{field.name} = {value!r}: allowed are {', '.join(choices)}")
            elif "range" in field.metadata and not (value is None and "optional" in field.metadata):
                kind, allowed = field.metadata["kind"], field.metadata["range"]
                object.__setattr__(self, field.name, check_number(value, kind, allowed, field.name))
        self._check_layers()

    def _check_layers(self) -> None:
        if not isinstance(self.sizes, tuple | list) or len(self.sizes) < 2:
            raise ConfigError(f"sizes = {self.sizes!r}: expected two or more layer sizes")
        sizes = tuple(
            check_number(n, int, Range(1, 65535), f"sizes[{i}]") for i, n in enumerate(self.sizes)
        )
        drops = _per_layer("dropout", self.dropout, len(sizes) - 1, "layer but the output", 0.9)
        rates = _per_layer("layer_rates", self.layer_rates, len(sizes) - 1, "crossbar", 1e3)
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "dropout", drops or (0.0,) * (len(sizes) - 1))
        object.__setattr__(self, "layer_rates", rates or (1.0,) * (len(sizes) - 1))
        if self.label_rate > 0.5 and self.label.endswith("front"):
            raise ConfigError(
                f"label_rate = {self.label_rate:g} with label = {self.label!r}: its first steps "
                "have twice that rate, take 0.5 or less, or label = 'constant'"
            )
        if self.noise and self.update != "rate":
            raise ConfigError(
                f"noise = {self.noise:g} with update = {self.update!r}: noise stands in for the "
                "coincidences of the rate form; take update = 'rate', or noise = 0"
            )

    @property
    def depth(self) -> int:
        """Number of crossbars L; neuron layers are numbered 0 (input) to L (output)."""
        return len(self.sizes) - 1

    @property
    def tau_steps(self) -> float:
        """The kernel's time constant in steps: `tau`, or T / 10."""
        return self.steps / 10 if self.tau is None else self.tau

    def learning_rate_of(self, epoch: int) -> float:
        """Return η of an epoch, counted from 0."""
        done = epoch / self.epochs
        if self.schedule == "linear":
            return self.learning_rate * (1 - done)
        if self.schedule == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * done)) / 2
        if self.schedule == "exponential":
            return self.learning_rate * self.decay**epoch
        return self.learning_rate

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as what JSON knows; tuples become lists."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> PaperConfig:
        """Build from `to_dict`'s answer or a part of it; `ConfigError` names an unknown key."""
        known = [field.name for field in dataclasses.fields(cls)]
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                raise ConfigError(f"unknown key {key}; {hint}")
        return cls(**table)

    def digest(self) -> str:
        """Return 64 hex digits that change whenever a field does: SHA-256 of canonical JSON.

        No cost is left out: runs of before there was one keep their digest.
        """
        told = self.to_dict()
        if not self.cost:
            del told["cost"]
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
