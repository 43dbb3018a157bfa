"""Spiking networks that learn on the chip: golden model, RTL and boards, equal bit for bit.

What a name needs is imported when it is first used: the hardware description, the pictures and the
boards may be missing until then.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spikeloom.errors import SpikeloomError, naming_extras

if TYPE_CHECKING:
    from spikeloom import datasets, nir
    from spikeloom.bitstreams import build
    from spikeloom.golden.datasets import Part
    from spikeloom.golden.spec.network import NetworkConfig, load
    from spikeloom.hdl.hardware import Hardware
    from spikeloom.history import History
    from spikeloom.network import Network
    from spikeloom.progress import Progress
    from spikeloom.sim.compare.networks import compare
    from spikeloom.trace import Trace
    from spikeloom.tuning import tune

_HOMES = {
    "Hardware": "spikeloom.hdl.hardware",
    "History": "spikeloom.history",
    "Network": "spikeloom.network",
    "NetworkConfig": "spikeloom.golden.spec.network",
    "Part": "spikeloom.golden.datasets",
    "Progress": "spikeloom.progress",
    "Trace": "spikeloom.trace",
    "build": "spikeloom.bitstreams",
    "compare": "spikeloom.sim.compare.networks",
    "load": "spikeloom.golden.spec.network",
    "tune": "spikeloom.tuning",
}
"""Where each name of the library is at home."""

__all__ = [
    "Hardware",
    "History",
    "Network",
    "NetworkConfig",
    "Part",
    "Progress",
    "SpikeloomError",
    "Trace",
    "build",
    "compare",
    "datasets",
    "load",
    "nir",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("spikeloom")
    if name in _HOMES:
        with naming_extras():
            found = getattr(import_module(_HOMES[name]), name)
    elif name in __all__:
        found = import_module(f"spikeloom.{name}")
    else:
        raise AttributeError(f"spikeloom has no {name!r}: it has {', '.join(__all__)}")
    globals()[name] = found  # the next time it is simply there
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
