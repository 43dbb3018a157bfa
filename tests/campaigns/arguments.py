"""Arguments of the campaigns: help and types for argparse."""

from __future__ import annotations

import math
from argparse import Action, ArgumentDefaultsHelpFormatter, ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


class HelpWithDefaults(ArgumentDefaultsHelpFormatter):
    """Help that names the defaults, but where there is none."""

    def _get_help_string(self, action: Action) -> str | None:
        none = not action.default or action.default == math.inf
        return action.help if none else super()._get_help_string(action)


def at_least(least: Number) -> Callable[[str], Number]:
    """Return the type of numbers, whole ones where `least` is, that are no smaller."""
    kind = type(least)

    def number(text: str) -> Number:
        value = kind(text)
        if not value >= least:  # nan is not
            raise ArgumentTypeError(f"{text} is too small: give {least} or more")
        return value

    return number
