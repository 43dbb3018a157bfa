"""How much was run for a picture, in one line of it: told by the runs that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from spikeloom.golden.spec import network
from tests.paper import images
from tests.paper.store import Record

NAMED = 2
"""Shapes of networks that a line names; of more, the rows tell them."""


def line(groups: Iterable[Sequence[Record]], name: str = "") -> str:
    """Return shapes, images, epochs and seeds of trainings on one data set.

    groups : the runs of each curve or row, which differ in their seed alone. name : what is said
    before; "reduced" is added where the data set has more images than were taken.

    Returns an empty text where there are no runs.
    """
    found = [group for group in groups if group]
    if not found:
        return ""
    configs = [record.config for group in found for record in group]
    shapes = list(dict.fromkeys(_shape(config) for config in configs))
    title = images.title(configs[0]["data"])
    parts = [
        " and ".join(shapes) if len(shapes) <= NAMED else "",
        _trained(configs, "" if title == name else title),
        _counted("epoch", [_model(config)["epochs"] for config in configs]),
        _counted("test image", [_images(config, "test") for config in configs]),
        _counted("seed", [len(group) for group in found]),
    ]
    reduced = any(config[part] is not None for config in configs for part in ("train", "test"))
    before = [name, "(reduced)" if name else "Reduced"] if reduced else [name]
    told = ", ".join(part for part in parts if part)
    return f"{' '.join(before).strip()}: {told}" if any(before) else told


def _model(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a run's configuration says of its network: the float model's is a part of it."""
    return config.get("model", config)


def _shape(config: dict[str, Any]) -> str:
    model = _model(config)
    sizes = model["sizes"] if "sizes" in model else network.load(model["network"]).sizes
    return "-".join(map(str, sizes))


def _images(config: dict[str, Any], part: str) -> int | None:
    """Return how many images a run took for "train" or "test"; None of a set not known here."""
    known = images.KNOWN.get(config["data"])
    whole = {"train": known.counts[0], "test": known.counts[1]} if known else {}
    return config[part] or whole.get(part)


def _trained(configs: Sequence[dict[str, Any]], title: str) -> str:
    part = "all" if any(config["train"] is None for config in configs) else "the first"
    count = _span([_images(config, "train") for config in configs])
    return " ".join(word for word in (part, count, title, "training images") if word)


def _counted(what: str, values: Sequence[int | None]) -> str:
    """Return how many of something: a number, or the least and the most; nothing if not known."""
    count = _span(values)
    return count and f"{count} {what}{'' if count == '1' else 's'}"


def _span(values: Sequence[int | None]) -> str:
    known = sorted(value for value in values if value is not None)
    if len(known) < len(values):
        return ""
    return f"{known[0]:,}" if known[0] == known[-1] else f"{known[0]:,} to {known[-1]:,}"
