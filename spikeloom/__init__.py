"""Spiking networks that learn on the chip: golden model, RTL and boards, equal bit for bit.

What a name needs is imported when it is first used: the hardware description, the pictures and the
boards may be missing until then.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikeloom import datasets
    from spikeloom.errors import SpikeloomError
    from spikeloom.golden.datasets import Part
    from spikeloom.golden.spec.network import NetworkConfig, load
    from spikeloom.history import History
    from spikeloom.network import Network
    from spikeloom.progress import Progress
    from spikeloom.trace import Trace

_HOMES = {
    "History": "spikeloom.history",
    "Network": "spikeloom.network",
    "NetworkConfig": "spikeloom.golden.spec.network",
    "Part": "spikeloom.golden.datasets",
    "Progress": "spikeloom.progress",
    "SpikeloomError": "spikeloom.errors",
    "Trace": "spikeloom.trace",
    "load": "spikeloom.golden.spec.network",
}
"""Where each name of the library is at home."""

__all__ = [
    "History",
    "Network",
    "NetworkConfig",
    "Part",
    "Progress",
    "SpikeloomError",
    "Trace",
    "datasets",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("spikeloom")
    if name in _HOMES:
        found = getattr(import_module(_HOMES[name]), name)
    elif name in __all__:
        found = import_module(f"spikeloom.{name}")
    else:
        raise AttributeError(f"spikeloom has no {name!r}: it has {', '.join(__all__)}")
    globals()[name] = found  # the next time it is simply there
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__", *globals()})
