"""What can go wrong while a figure is made; the message is all that a user needs."""

from __future__ import annotations

import importlib
from types import ModuleType

from spikeloom.errors import SpikeloomError

INSTALL = "pip install --editable '.[paper]'"


class PaperError(SpikeloomError, RuntimeError):
    """A figure or table that cannot be made: what was wrong, and what to do next."""


class NotRunError(PaperError):
    """A run that a figure cannot be shown without is still to be done."""


def need(module: str) -> ModuleType:
    """Import a module of the extra `paper`; `PaperError` names the command where it is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise PaperError(f"{error.name} is not installed: run {INSTALL}") from None
