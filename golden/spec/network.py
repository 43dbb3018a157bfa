"""The description of one network: what a configuration file says, checked.

All three bodies (golden, RTL, board) are made from one `NetworkConfig`. What only shapes the
hardware changes no result and is told apart: `hdl.hardware`.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikeloom.golden.spec.learning import LearningConfig, LearningKeys
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.neuron import ErrorConfig, NeuronConfig, NeuronKeys
from spikeloom.golden.spec.schema import (
    ConfigError,
    Range,
    check_keys,
    check_number,
    choice,
    number,
    read_table,
    read_values,
    stated,
)
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.wta import WtaConfig
from spikeloom.shown import html_table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SIZE = Range(1, 65535)


@dataclass(frozen=True)
class RandomConfig:
    """Seed of the run, and the generator (a catalogue name) behind each kind of stream."""

    seed: int = number(0, 2**63 - 1, 1, "of a run that is given no other")
    input: str = choice(*CATALOG, neutral="lfsr64", text="draws input spikes")
    thinning: str = choice(*CATALOG, neutral="lfsr64", text="draws which rows are written")
    dropout: str = choice(*CATALOG, neutral="lfsr32", text="draws silent neurons")
    label: str = choice(*CATALOG, neutral="lfsr32", text="draws a random label train")
    jitter: str = choice(*CATALOG, neutral="lfsr32", text="draws how far images are shifted")
    noise: str = choice(*CATALOG, neutral="lfsr32", text="draws the noise of wta.kind softmax")


@dataclass(frozen=True)
class InputConfig:
    """Pixels to spikes."""

    rate: float = number(0, 1, 0.4, "mean spikes per step of pixel 255")
    ramp: str = choice("linear", "constant", text="of the rate: falling to 0, or none")
    dropout: float = number(0, 0.9, 0.0, "share of pixels silent in a whole training sample")
    jitter: int = number(0, 3, 0, "a training image is shifted by at most so many pixels each way")


@dataclass(frozen=True)
class LabelConfig:
    """Spike train of the label neuron."""

    train: str = choice(
        "front", "constant", "random-front", "random",
        text="dense at first or evenly, at fixed steps or at random",
    )  # fmt: skip
    rate: float = number(0, 1, 0.6, "mean spikes per step")


@dataclass(frozen=True)
class CrossbarKeys:
    """What a layer says of its crossbar, and of how its neurons train."""

    weight_bits: int = number(2, 16, 16, "signed width; the most negative code is never used")
    reach: float = number(2**-10, 16, 0.5, "the largest weight, in thresholds")
    init_gain: float = number(0, 16, 1.0, "initial weights are N(0, 2 * gain**2 / n_pre)")
    dropout: float = number(0, 0.9, 0.0, "share of neurons silent in a whole training sample")


@dataclass(frozen=True)
class LayerConfig(NeuronKeys, LearningKeys, CrossbarKeys):
    """One crossbar and the neurons behind it: theta = 2**(weight_bits - 1) / reach."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """One network: layer sizes, steps per sample, and everything that decides its bits."""

    name: str
    description: str = ""
    image: tuple[int, int]
    sizes: tuple[int, ...]
    steps: int = number(1, 4096, 64, "T, steps per sample")
    random: RandomConfig = field(default_factory=RandomConfig)
    input: InputConfig = field(default_factory=InputConfig)
    neuron: NeuronConfig = field(default_factory=NeuronConfig)
    error: ErrorConfig = field(default_factory=ErrorConfig)
    label: LabelConfig = field(default_factory=LabelConfig)
    wta: WtaConfig = field(default_factory=WtaConfig)
    stop: StopConfig = field(default_factory=StopConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    layers: tuple[LayerConfig, ...]

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
        parts = {key: stated(getattr(self, key)) for key in SECTIONS}
        parts["random"].pop("seed", None)
        told = {
            "image": self.image,
            "sizes": self.sizes,
            **stated(self),
            **{key: part for key, part in parts.items() if part},
            "layer": [stated(layer) for layer in self.layers],
        }
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def with_seed(self, seed: int) -> NetworkConfig:
        """Return the same network with another run seed."""
        check_number(seed, int, Range(0, 2**63 - 1), "seed")
        return dataclasses.replace(self, random=dataclasses.replace(self.random, seed=seed))

    def replace(self, **changes: Any) -> NetworkConfig:
        """Return the network with other values, checked as a file's are.

        Keys are those of a file, with dots: ``steps=32``, ``**{"neuron.reset": "zero"}``, and
        ``**{"layer.1.update": 0.001}`` for the first layer, ``layer.*.update`` for every one.
        """
        table = self.as_table()
        for key, value in changes.items():
            *path, last = key.split(".")
            for place in _places(table, path, key):
                place[last] = value
        return from_dict(table)

    def value(self, key: str) -> Any:
        """Return a value by its key in `replace`; of ``layer.*`` that of the first layer."""
        *path, last = key.split(".")
        place = _places(self.as_table(), path, key)[0]
        check_keys({last: None}, list(place), ".".join([*path, ""]))
        return place[last]

    def _repr_html_(self) -> str:
        rows = []
        for key, value in self.as_table().items():
            if key == "layer":  # a column would be needed for each: their values side by side
                rows += [(f"layer.*.{k}", ", ".join(str(x[k]) for x in value)) for k in value[0]]
            elif isinstance(value, dict):
                rows += [(f"{key}.{k}", each) for k, each in value.items()]
            else:
                rows.append((key, value))
        return html_table(self.name, rows, ("key", "value"))

    def as_table(self) -> dict[str, Any]:
        """Return the network as a TOML document has it, with every key."""
        table = dataclasses.asdict(self)
        table["layer"] = table.pop("layers")
        return {key: list(v) if isinstance(v, tuple) else v for key, v in table.items()}


SECTIONS: dict[str, type] = {
    "random": RandomConfig,
    "input": InputConfig,
    "neuron": NeuronConfig,
    "error": ErrorConfig,
    "label": LabelConfig,
    "wta": WtaConfig,
    "stop": StopConfig,
    "learning": LearningConfig,
}


def _places(table: dict[str, Any], path: list[str], key: str) -> list[dict[str, Any]]:
    """Return the tables that the key `key` of `NetworkConfig.replace` leads to."""
    match path:
        case []:
            return [table]
        case [section] if section in SECTIONS:
            return [table[section]]
        case ["layer", "*"]:
            return table["layer"]
        case ["layer", number] if number.isdecimal() and 1 <= int(number) <= len(table["layer"]):
            return [table["layer"][int(number) - 1]]
    near = difflib.get_close_matches(path[0], [*SECTIONS, "layer"], 1)
    hint = f"did you mean {near[0]!r}? A key" if near and near != path[:1] else "it"
    raise ConfigError(
        f"no key {key!r}: {hint} begins with one of {', '.join(SECTIONS)}, or with layer.N where N "
        f"is 1 to {len(table['layer'])}, or * for all"
    )


def _integers(value: Any, where: str, shortest: int) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) < shortest:
        raise ConfigError(f"{where} = {value!r}: expected a list of {shortest} or more numbers")
    return tuple(check_number(v, int, SIZE, f"{where}[{i}]") for i, v in enumerate(value))


def _texts(table: dict[str, Any]) -> dict[str, str]:
    """Return name and description."""
    for key in {"name", "description"} & set(table):
        if not isinstance(table[key], str):
            raise ConfigError(f"{key} = {table[key]!r}: expected some text")
    if not NAME.fullmatch(table["name"]):
        raise ConfigError(
            f"name = {table['name']!r}: it names files, so take letters, digits, '.', '_' and '-', "
            "a letter or a digit first"
        )
    return {"name": table["name"], "description": table.get("description", "")}


def _shape(table: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return image and sizes, which must agree."""
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
    return {"image": image, "sizes": sizes}


def from_dict(table: dict[str, Any]) -> NetworkConfig:
    """Build a configuration from a parsed TOML document; `ConfigError` names what is wrong.

    `name`, `image` and `sizes` must be there; any other key that is not has its neutral value.
    """
    check_keys(table, ["name", "description", "image", "sizes", "steps", *SECTIONS, "layer"], "")
    for key in ("name", "image", "sizes"):
        if key not in table:
            raise ConfigError(f"missing key {key}: a network must say it")
    shape = _shape(table)
    count = len(shape["sizes"]) - 1
    layers = table.get("layer", [{}] * count)
    if not isinstance(layers, list) or len(layers) != count:
        found = len(layers) if isinstance(layers, list) else 0
        raise ConfigError(
            f"{found} [[layer]] tables for {count + 1} sizes: expected {count}, or none where all "
            "of them are neutral"
        )
    return NetworkConfig(
        **_texts(table),
        **shape,
        **read_values(NetworkConfig, table, ""),
        layers=tuple(
            read_table(LayerConfig, layer, f"layer[{i}].") for i, layer in enumerate(layers, 1)
        ),
        **{key: read_table(cls, table.get(key, {}), f"{key}.") for key, cls in SECTIONS.items()},
    )


def shipped() -> dict[str, Path]:
    """Return the shipped configurations: name to TOML path, by size of the network."""
    folder = Path(__file__).parent / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(source: str | Path) -> NetworkConfig:
    """Load a shipped configuration by name, or a TOML file by path (its name, where it says none).

    Raises `ConfigError` for an unknown name, an unreadable file, bad TOML, or a bad value.
    """
    if not isinstance(source, str | Path):
        raise ConfigError(f"{source!r} is no network: give the name of a shipped one, or a path")
    known = shipped()
    path = known.get(str(source), Path(source))
    if str(source) not in known and path.suffix != ".toml":
        near = difflib.get_close_matches(str(source), known, 3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"shipped are {', '.join(known)}."
        raise ConfigError(
            f"no configuration named {str(source)!r}: {hint} A file of your own must end in .toml"
        )
    try:
        table = {"name": path.stem} | tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of digits or depth without end, too
        raise ConfigError(f"{path} is not TOML: {error}") from error
    try:
        return from_dict(table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
