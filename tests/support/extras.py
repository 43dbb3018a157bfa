"""What is installed of the extras: a test that needs one is skipped where it is not whole."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import metadata
from typing import Any

import pytest

from tests.paths import ROOT

_NAME = re.compile(r"[\w.-]+")
_OURS = re.compile(r"spikeloom\[([\w,]+)\]")


@functools.cache
def extras() -> dict[str, list[str]]:
    """Return the requirements of every extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["optional-dependencies"]


@functools.cache
def lacking(extra: str) -> tuple[str, ...]:
    """Return the distributions of an extra, and of those in it, that are not installed."""
    found: list[str] = []
    for requirement in extras()[extra]:
        if ours := _OURS.fullmatch(requirement):
            found += [name for other in ours[1].split(",") for name in lacking(other)]
            continue
        name = _NAME.match(requirement)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            found.append(name)
    return tuple(dict.fromkeys(found))


def reason(extra: str) -> str | None:
    """Return why a test that needs an extra is skipped; None where it can run."""
    absent = lacking(extra)
    return f"{', '.join(absent)} not installed: make .venv/.{extra}" if absent else None


def array_libraries(*names: str) -> list[Any]:
    """Return parameters for tests of array libraries; one of them comes with an extra."""
    marks = {"jax": pytest.mark.extra("paper")}
    return [pytest.param(name, marks=marks.get(name, ())) for name in names]


def installed() -> str:
    """Return in words what a run of the tests had to itself."""
    here = [name for name in extras() if not lacking(name)]
    not_here = [name for name in extras() if lacking(name)]
    count = len({found.name for found in metadata.distributions()})
    absent = f", without {', '.join(not_here)}" if not_here else ""
    return f"{count} packages, extras {', '.join(here) or 'none'}{absent}"
