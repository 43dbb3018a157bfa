"""Strict reading of TOML tables into frozen dataclasses: every key required, ranges checked."""

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


def number(low: float, high: float) -> Any:
    """Declare a dataclass field that holds a number between `low` and `high`."""
    return dataclasses.field(metadata={"range": Range(low, high)})


def choice(*names: str) -> Any:
    """Declare a dataclass field that holds one of `names`."""
    return dataclasses.field(metadata={"choices": names})


def check_keys(table: dict[str, Any], expected: list[str], where: str) -> None:
    """Refuse a table with an unknown or a missing key, by name."""
    for key in table:
        if key not in expected:
            if key in HARDWARE:
                raise ConfigError(
                    f"{where}{key} is hardware, which is told apart from the network: leave it "
                    f"out, and give --{key} to the command that builds or simulates"
                )
            near = difflib.get_close_matches(key, expected, 1)
            hint = (
                f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(expected)}"
            )
            raise ConfigError(f"unknown key {where}{key}{hint}")
    for key in expected:
        if key not in table:
            raise ConfigError(f"missing key {where}{key}: every key must be given")


def check_number(value: Any, kind: type, allowed: Range, where: str) -> Any:
    """Return `value` as `kind` (int or float) if it is one and lies in `allowed`."""
    ok = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    if not ok:
        word = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{where} = {value!r}: expected {word} from {allowed}")
    if not allowed.low <= value <= allowed.high:
        raise ConfigError(f"{where} = {value!r} is out of range: allowed is {allowed}")
    return kind(value)


def read_table(cls: type[T], table: Any, where: str) -> T:
    """Build the dataclass `cls` from a TOML table; `where` is the prefix of its keys."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where.rstrip('.')} = {table!r}: expected a table")
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    check_keys(table, [field.name for field in fields], where)
    values = {}
    for field in fields:
        value, name = table[field.name], where + field.name
        if choices := field.metadata.get("choices"):
            if value not in choices:
                raise ConfigError(f"{name} = {value!r}: allowed are {', '.join(choices)}")
        else:
            value = check_number(value, hints[field.name], field.metadata["range"], name)
        values[field.name] = value
    return cls(**values)
