"""A configuration written out as TOML: every key with what it is, or what is not neutral."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from spikeloom.golden.spec.network import SECTIONS, NetworkConfig
from spikeloom.golden.spec.schema import stated

WIDTH = 26
"""Columns of a key and its value, before the comment."""


def document(config: NetworkConfig) -> str:
    """Return the text of a file that `network.load` reads as `config`."""
    lines = [f"{key} = {_value(getattr(config, key))}" for key in ("name", "description")]
    lines += _line("image", list(config.image), "rows and columns of pixels")
    lines += _line("sizes", list(config.sizes), "of all layers, from pixels to classes")
    lines += _keys(config)
    for key in SECTIONS:
        lines += ["", *_table(f"[{key}]", getattr(config, key))]
    for layer in config.layers:
        lines += ["", *_table("[[layer]]", layer)]
    return "\n".join(lines) + "\n"


def short(config: NetworkConfig) -> str:
    """Return the text that states what differs from neutral, as shipped files are written."""
    keys = ("name", "description", "image", "sizes")
    tables = {f"[{key}]": stated(getattr(config, key)) for key in SECTIONS}
    named = [*tables.items(), *(("[[layer]]", stated(layer)) for layer in config.layers)]
    lines = _plain({key: getattr(config, key) for key in keys} | stated(config))
    for heading, values in named:
        if values or heading == "[[layer]]":
            lines += ["", heading, *_plain(values)]
    return "\n".join(lines) + "\n"


def _plain(values: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items()]


def _table(heading: str, section: Any) -> list[str]:
    (text,) = type(section).__doc__.splitlines()
    return [f"{heading}  # {text}", *_keys(section)]


def _keys(section: Any) -> Iterator[str]:
    """Write the plain values of a section, with what they are, may be and are by default."""
    for field in dataclasses.fields(section):
        if not field.metadata:
            continue
        choices = field.metadata.get("choices")
        allowed = ", ".join(choices) if choices else str(field.metadata["range"])
        text = f"{field.metadata['text']} ({allowed}; neutral {_value(field.default)})"
        yield from _line(field.name, getattr(section, field.name), text)


def _line(key: str, value: Any, text: str) -> list[str]:
    return [f"{f'{key} = {_value(value)}':{WIDTH}} # {text}"]


def _value(value: Any) -> str:
    """Write a value: TOML has JSON's texts, whole numbers and lists, and Python's fractions."""
    return repr(value) if isinstance(value, float) else json.dumps(value)
