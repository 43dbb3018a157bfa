"""Networks from elsewhere: NIR files and modules of other frameworks, as networks of ours.

``read`` a file, say how its framework runs it (``profile``), get the neurons that are meant
(``staged``), and ``lower`` them to a configuration and weights. A file says less than it takes to
run it; what it does not say must be told, and what cannot be built is refused by name.
"""

from __future__ import annotations

from spikeloom.nir.checking import Agreement, agreement, load_spikes
from spikeloom.nir.errors import NirError
from spikeloom.nir.graph import Graph, Node, read
from spikeloom.nir.lowering import Lowered, lower
from spikeloom.nir.modules import from_module
from spikeloom.nir.profiles import PROFILES, Profile, profile
from spikeloom.nir.relu import balanced, read_relu
from spikeloom.nir.stages import Stage, Staged, staged

__all__ = [
    "PROFILES",
    "Agreement",
    "Graph",
    "Lowered",
    "NirError",
    "Node",
    "Profile",
    "Stage",
    "Staged",
    "agreement",
    "balanced",
    "from_module",
    "load_spikes",
    "lower",
    "profile",
    "read",
    "read_relu",
    "staged",
]
