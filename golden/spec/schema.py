"""Strict reading of TOML tables into frozen dataclasses: known keys, ranges, neutral values.

A key says all of itself where its field is declared: what it may be, its neutral value and what it
means. A file states what differs from neutral, and so does a digest: a key that comes to a section
one day changes nothing for the networks that were there before. So a neutral value never changes.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from spikeloom.errors import SpikeloomError

T = TypeVar("T")

HARDWARE = ("lanes", "ports", "draws")
"""What a network does not say of itself; the options of the commands have the same names."""


class ConfigError(SpikeloomError, ValueError):
    """A configuration that cannot be used; the message names the key, the value, the range."""


@dataclass(frozen=True)
class Range:
    """Allowed values of a number, both ends included."""

    low: float
    high: float

    def __str__(self) -> str:
        """Return the range as a reader writes it."""
        return f"{self.low:g} to {self.high:g}"


def number(low: float, high: float, neutral: float, text: str) -> Any:
    """Declare a field that holds a number between `low` and `high`."""
    return dataclasses.field(default=neutral, metadata={"range": Range(low, high), "text": text})


def choice(*names: str, text: str, neutral: str | None = None) -> Any:
    """Declare a field that holds one of `names`, the first where nothing else is neutral."""
    metadata = {"choices": names, "text": text}
    return dataclasses.field(default=names[0] if neutral is None else neutral, metadata=metadata)


def check_keys(table: dict[str, Any], known: list[str], where: str) -> None:
    """Refuse a table with an unknown key, by name."""
    for key in table:
        if key not in known:
            if key in HARDWARE:
                raise ConfigError(
                    f"{where}{key} is hardware, which is told apart from the network: leave it "
                    f"out, and give --{key} to the command that builds or simulates"
                )
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
            raise ConfigError(f"unknown key {where}{key}{hint}")


def check_number(value: Any, kind: type, allowed: Range, where: str) -> Any:
    """Return `value` as `kind` (int or float) if it is one and lies in `allowed`."""
    ok = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    if not ok:
        word = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{where} = {value!r}: expected {word} from {allowed}")
    if not allowed.low <= value <= allowed.high:
        raise ConfigError(f"{where} = {value!r} is out of range: allowed is {allowed}")
    return kind(value)


def read_values(cls: type, table: dict[str, Any], where: str) -> dict[str, Any]:
    """Return what `table` says of those keys of the dataclass `cls` that hold plain values."""
    hints, values = get_type_hints(cls), {}
    for field in dataclasses.fields(cls):
        if field.name not in table or not field.metadata:
            continue
        value, name = table[field.name], where + field.name
        if choices := field.metadata.get("choices"):
            if value not in choices:
                raise ConfigError(f"{name} = {value!r}: allowed are {', '.join(choices)}")
        else:
            value = check_number(value, hints[field.name], field.metadata["range"], name)
        values[field.name] = value
    return values


def read_table(cls: type[T], table: Any, where: str) -> T:
    """Build the dataclass `cls` from a TOML table; `where` is the prefix of its keys."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where.rstrip('.')} = {table!r}: expected a table")
    check_keys(table, [field.name for field in dataclasses.fields(cls)], where)  # type: ignore[arg-type]
    return cls(**read_values(cls, table, where))


def stated(section: Any) -> dict[str, Any]:
    """Return those plain values of a section that differ from neutral, by key."""
    return {
        field.name: getattr(section, field.name)
        for field in dataclasses.fields(section)
        if field.metadata and getattr(section, field.name) != field.default
    }
