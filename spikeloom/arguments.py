"""Arguments that would be stumbled over late, refused before the work: also as argparse types."""

from __future__ import annotations

import math
from argparse import Action, ArgumentDefaultsHelpFormatter, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar

Number = TypeVar("Number", int, float)


class HelpWithDefaults(ArgumentDefaultsHelpFormatter):
    """Help that names the defaults, but where there is none."""

    def _get_help_string(self, action: Action) -> str | None:
        none = not action.default or action.default == math.inf
        return action.help if none else super()._get_help_string(action)


def out_file(name: str | Path) -> Path:
    """Make the folder of a file that is to be written; `ArgumentTypeError` where it cannot be."""
    path = Path(name)
    if path.is_dir():
        raise ArgumentTypeError(f"{path} is a folder: name a file in it")
    try:
        _try(path.parent)
        if path.exists():
            path.open("ab").close()
    except OSError as error:
        raise ArgumentTypeError(
            f"cannot write {path}: {error.strerror}; name another file"
        ) from None
    return path


def out_folder(name: str | Path) -> Path:
    """Make a folder that is to be written in; `ArgumentTypeError` where it cannot be."""
    path = Path(name)
    try:
        _try(path)
    except OSError as error:
        raise ArgumentTypeError(
            f"cannot write in {path}: {error.strerror}; name another folder"
        ) from None
    return path


def _try(folder: Path) -> None:
    """Write what is gone at once: permissions alone tell nothing of file systems, and of root."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass


def at_least(least: Number) -> Callable[[str], Number]:
    """Return the type of numbers, whole ones where `least` is, that are no smaller."""
    kind = type(least)

    def number(text: str) -> Number:
        value = kind(text)
        if not value >= least:  # nan is not
            raise ArgumentTypeError(f"{text} is too small: give {least} or more")
        return value

    return number
