"""The description of one network: what a configuration file says, checked.

All three bodies (golden, RTL, board) are made from one `NetworkConfig`. What only shapes the
hardware changes no result and is told apart: `hdl.hardware`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.schema import (
    ConfigError,
    Range,
    check_keys,
    check_number,
    choice,
    number,
    read_table,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SIZE = Range(1, 65535)
NOT_IN_DIGEST = frozenset({"name", "description", "seed"})


@dataclass(frozen=True)
class RandomConfig:
    """Seed of the run, and the generator (a catalogue name) behind each kind of stream."""

    seed: int = number(0, 2**63 - 1)
    input: str = choice(*CATALOG)
    thinning: str = choice(*CATALOG)
    dropout: str = choice(*CATALOG)
    label: str = choice(*CATALOG)


@dataclass(frozen=True)
class InputConfig:
    """Pixels to spikes: mean rate of pixel 255, ramp over the sample, dropout."""

    rate: float = number(0, 1)
    ramp: str = choice("linear", "constant")
    dropout: float = number(0, 0.9)


@dataclass(frozen=True)
class NeuronConfig:
    """Forward neurons: reset word, kernel shift (0 = pure IF), membrane limits in thresholds."""

    reset: str = choice("subtract", "zero")
    kernel_shift: int = number(0, 8)
    floor: float = number(0, 64)
    ceiling: float = number(0, 64)
    start: float = number(0, 1)


@dataclass(frozen=True)
class ErrorConfig:
    """Gradient neurons: one signed membrane or two, the gate, kernel shift, membrane width."""

    membranes: str = choice("shared", "separate")
    gate: str = choice("hold", "discard", "open")
    kernel_shift: int = number(0, 8)
    bits: int = number(10, 30)


@dataclass(frozen=True)
class LabelConfig:
    """Spike train of the label neuron: kind and mean rate."""

    train: str = choice("front", "constant", "random-front", "random")
    rate: float = number(0, 1)


@dataclass(frozen=True)
class WtaConfig:
    """Lateral inhibition of the output layer: kind, and strength per other neuron's spike."""

    kind: str = choice("none", "lateral", "feedforward", "recurrent")
    strength: float = number(0, 16)


@dataclass(frozen=True)
class LearningConfig:
    """Update form (coincidence: Eq. 10, rate: Eq. 9) and the decay of its size per epoch."""

    form: str = choice("coincidence", "rate")
    decay: float = number(0, 1)
    decay_from: int = number(2, 10000)


@dataclass(frozen=True)
class LayerConfig:
    """One crossbar and the neurons behind it.

    Attributes
    ----------
    weight_bits : signed weight width; the most negative code is never used.
    reach : the largest weight in thresholds, so theta = 2**(bits-1) / reach.
    init_gain : initial weights are N(0, 2 * init_gain**2 / n_pre) in thresholds.
    update : mean weight change per coincidence, in thresholds (e of the design).
    error_threshold : firing threshold of this layer's error neurons; in thresholds of the *next*
        layer, or in spikes for the last layer.
    dropout : probability that a neuron of this layer is silent for a whole training sample.
    """

    weight_bits: int = number(2, 16)
    reach: float = number(2**-10, 16)
    init_gain: float = number(0, 16)
    update: float = number(0, 1)
    error_threshold: float = number(2**-10, 1024)
    dropout: float = number(0, 0.9)


@dataclass(frozen=True)
class NetworkConfig:
    """One network: layer sizes, steps per sample, and everything that decides its bits."""

    name: str
    description: str
    image: tuple[int, int]
    sizes: tuple[int, ...]
    steps: int
    random: RandomConfig
    input: InputConfig
    neuron: NeuronConfig
    error: ErrorConfig
    label: LabelConfig
    wta: WtaConfig
    learning: LearningConfig
    layers: tuple[LayerConfig, ...] = field()

    @property
    def depth(self) -> int:
        """Number of crossbars L; neuron layers are numbered 0 (input) to L (output)."""
        return len(self.layers)

    @property
    def weight_count(self) -> int:
        """Number of weights over all crossbars."""
        return sum(a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False))

    def digest(self) -> str:
        """Return 16 hex digits that change whenever a result could change (seed aside)."""

        def strip(value: Any) -> Any:
            if isinstance(value, dict):
                return {k: strip(v) for k, v in value.items() if k not in NOT_IN_DIGEST}
            return [strip(v) for v in value] if isinstance(value, list | tuple) else value

        text = json.dumps(strip(dataclasses.asdict(self)), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def with_seed(self, seed: int) -> NetworkConfig:
        """Return the same network with another run seed."""
        check_number(seed, int, Range(0, 2**63 - 1), "seed")
        return dataclasses.replace(self, random=dataclasses.replace(self.random, seed=seed))


SECTIONS = {
    "random": RandomConfig,
    "input": InputConfig,
    "neuron": NeuronConfig,
    "error": ErrorConfig,
    "label": LabelConfig,
    "wta": WtaConfig,
    "learning": LearningConfig,
}


def _integers(value: Any, where: str, shortest: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) < shortest:
        raise ConfigError(f"{where} = {value!r}: expected a list of {shortest} or more numbers")
    return tuple(check_number(v, int, SIZE, f"{where}[{i}]") for i, v in enumerate(value))


def from_dict(table: dict[str, Any]) -> NetworkConfig:
    """Build a configuration from a parsed TOML document; `ConfigError` names what is wrong."""
    plain = ["name", "description", "image", "sizes", "steps"]
    check_keys(table, [*plain, *SECTIONS, "layer"], "")
    for key in ("name", "description"):
        if not isinstance(table[key], str) or not table[key].strip():
            raise ConfigError(f"{key} = {table[key]!r}: expected some text")
    if not NAME.fullmatch(table["name"]):
        raise ConfigError(
            f"name = {table['name']!r}: it names files, so take letters, digits, '.', '_' and '-', "
            "a letter or a digit first"
        )
    image = _integers(table["image"], "image", 2)
    sizes = _integers(table["sizes"], "sizes", 2)
    if len(image) != 2:
        raise ConfigError(f"image = {list(image)}: expected [rows, columns]")
    if image[0] * image[1] != sizes[0]:
        raise ConfigError(
            f"sizes[0] = {sizes[0]}: image = {list(image)} has {image[0] * image[1]} pixels"
        )
    if sizes[-1] < 2:
        raise ConfigError(f"sizes[{len(sizes) - 1}] = {sizes[-1]}: at least 2 classes are needed")
    layers = table["layer"]
    if not isinstance(layers, list) or len(layers) != len(sizes) - 1:
        count = len(layers) if isinstance(layers, list) else 0
        raise ConfigError(
            f"{count} [[layer]] tables for {len(sizes)} sizes: expected {len(sizes) - 1}"
        )
    return NetworkConfig(
        name=table["name"],
        description=table["description"],
        image=(image[0], image[1]),
        sizes=sizes,
        steps=check_number(table["steps"], int, Range(1, 4096), "steps"),
        layers=tuple(
            read_table(LayerConfig, layer, f"layer[{i + 1}].") for i, layer in enumerate(layers)
        ),
        **{key: read_table(cls, table[key], f"{key}.") for key, cls in SECTIONS.items()},
    )


def shipped() -> dict[str, Path]:
    """Return the shipped configurations: name to TOML path, by size of the network."""
    folder = Path(__file__).parent / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(source: str | Path) -> NetworkConfig:
    """Load a shipped configuration by name, or a TOML file by path.

    Raises `ConfigError` for an unknown name, an unreadable file, bad TOML, or a bad value.
    """
    known = shipped()
    path = known.get(str(source), Path(source))
    if str(source) not in known and path.suffix != ".toml":
        raise ConfigError(
            f"no configuration named {str(source)!r}: shipped are {', '.join(known)}; "
            "a file of your own must end in .toml"
        )
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of digits or depth without end, too
        raise ConfigError(f"{path} is not TOML: {error}") from error
    try:
        return from_dict(table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
