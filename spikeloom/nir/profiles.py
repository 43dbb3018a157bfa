"""How a framework runs what it exports: NIR files do not say it.

Facts about snnTorch 1.0.0, SpikingJelly, Norse 1.1.0 and sinabs 3.1.3, found by running their
networks and their files side by side: what reproduces their own spike counts.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from spikeloom.nir.errors import NirError

RESETS = ("subtract", "zero")


@dataclass(frozen=True)
class Profile:
    """One way to run a NIR file.

    Attributes
    ----------
    name : of the framework. dt : seconds per step; None: must be told (``sinabs`` needs none).
    at_threshold : a neuron fires at its threshold, too, not only above it.
    reset : what a spike does to its membrane; None: must be told.
    late : the reset comes one step late, after the leak: it takes threshold / beta.
    tau_times_dt : the exporter multiplied tau by dt, which is taken back.
    gain_by_dt : of an IF node's r.
    many : several spikes in one step. floor : of the membrane, in its own units.
    """

    name: str
    dt: float | None
    at_threshold: bool = False
    reset: str | None = None
    late: bool = False
    tau_times_dt: bool = False
    gain_by_dt: bool = False
    many: bool = False
    floor: float = float("-inf")


PROFILES = {
    one.name: one
    for one in (
        Profile("snntorch", 1e-4, late=True),
        Profile("spikingjelly", 1e-4, at_threshold=True, reset="zero", gain_by_dt=True),
        Profile("norse", 1e-3, reset="zero", tau_times_dt=True),
        Profile(
            "sinabs", None, at_threshold=True, reset="subtract", many=True, floor=-1.0,
        ),
        Profile("nir", None),
    )
}  # fmt: skip


def profile(name: str, *, reset: str | None = None, dt: float | None = None) -> Profile:
    """Return a framework's profile, with what a user knows better."""
    if name not in PROFILES:
        raise NirError(f"no profile {name!r}: there are {', '.join(PROFILES)}")
    if reset is not None and reset not in RESETS:
        raise NirError(f"reset {reset!r}: it is one of {', '.join(RESETS)}")
    if dt is not None and not 0 < dt < float("inf"):
        raise NirError(f"dt = {dt!r} s: a step takes some time, such as 1e-4")
    found = PROFILES[name]
    return dataclasses.replace(found, reset=reset or found.reset, dt=found.dt if dt is None else dt)
