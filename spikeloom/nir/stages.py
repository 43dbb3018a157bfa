"""The neurons that a graph means: a chain of stages, each weights and the neurons behind them.

One canonical neuron, in float64, per step with the spikes (or constant currents) x::

    v     = max(keep * v + weight @ x + bias, floor)
    spike = v >= threshold  (or >)                       sinabs: floor(v / threshold) spikes
    v     = v - drop * spike     or    0 where it spiked

keep = 1 - dt / tau, the weights times r * dt / tau (NIR's forward Euler step; tau infinite: both
1); drop = threshold, or threshold / keep where the framework resets one step late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spikeloom.nir.errors import NirError
from spikeloom.nir.graph import Graph, Node
from spikeloom.nir.profiles import Profile

DIGITS = 6
"""Decimals that 1 - dt / tau is rounded to: files hold it in 32 bits, by way of tau."""
LINEAR, NEURONS, PASSING = ("Affine", "Linear"), ("IF", "LIF"), ("Flatten", "Input", "Output")


@dataclass(frozen=True, eq=False)
class Stage:
    """One crossbar and its neurons.

    Attributes
    ----------
    name : of the neurons' node. weight : float64[n_post, n_pre]. bias, keep, threshold, drop :
    float64[n_post], the last two in the membrane's units.
    zero : a spike sets the membrane to 0. at_threshold : it fires at the threshold, too.
    many : several spikes a step. floor : the membrane's lowest value.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray
    keep: np.ndarray
    threshold: np.ndarray
    drop: np.ndarray
    zero: bool
    at_threshold: bool
    many: bool = False
    floor: float = float("-inf")
    start: float = 0.0


@dataclass(frozen=True, eq=False)
class Staged:
    """A network as its framework runs it; `image` is the shape of its input, as far as known."""

    stages: tuple[Stage, ...]
    image: tuple[int, ...]

    @property
    def sizes(self) -> list[int]:
        """Neurons of all layers, the input first."""
        return [self.stages[0].weight.shape[1], *(len(stage.weight) for stage in self.stages)]


def staged(graph: Graph, how: Profile) -> Staged:
    """Return the stages of a graph, run as `how` says; `NirError` names what is not supported."""
    chain = _chain(graph)
    if how.reset is None:
        how = replace(how, reset=_stated_reset(graph, how))
    found: list[Stage] = []
    weight: np.ndarray | None = None
    bias: np.ndarray | float = 0.0
    shape: tuple[int, ...] = ()
    for name in chain:
        node, where = graph.nodes[name], f"node {name!r} ({graph.nodes[name].kind})"
        if node.kind in LINEAR:
            weight, bias = _linear(node, where, weight, bias)
        elif node.kind in NEURONS:
            if weight is None:
                raise NirError(f"{where} comes without weights before it: it is not supported")
            found.append(_neurons(name, node, where, weight, bias, how))
            weight, bias = None, 0.0
        elif node.kind == "Input":
            shape = _shape(node)
        elif node.kind not in PASSING:
            raise NirError(f"{where} is not supported: {_instead(node.kind)}")
    if weight is not None or not found:
        raise NirError(
            "its last layer has no spiking neurons behind it: a read-out by membranes or "
            "currents is not supported, let an IF or LIF layer follow"
        )
    _fit(found)
    return Staged(tuple(found), shape)


def _chain(graph: Graph) -> list[str]:
    """Return the names from input to output; a graph that is no chain is refused."""
    inputs = [name for name, node in graph.nodes.items() if node.kind == "Input"]
    if len(inputs) != 1:
        raise NirError(f"it has {len(inputs)} input nodes: exactly one is supported")
    after: dict[str, list[str]] = {}
    for a, b in graph.edges:
        after.setdefault(a, []).append(b)
    chain, here = [], inputs[0]
    while True:
        if here in chain:
            raise NirError(f"node {here!r} lies in a loop: recurrent networks are not supported")
        chain.append(here)
        following = after.get(here, [])
        if not following:
            break
        if len(following) > 1:
            raise NirError(
                f"node {here!r} leads to {', '.join(following)}: recurrent networks and branches "
                "are not supported"
            )
        here = following[0]
    missed = [name for name in graph.nodes if name not in chain]
    if missed:
        raise NirError(f"no way leads from the input to {', '.join(missed)}: is an edge missing?")
    return chain


def _shape(node: Node) -> tuple[int, ...]:
    for key in ("shape", "input", "output_type", "input_type"):
        value = node.values.get(key)
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.size:
            return tuple(int(v) for v in np.ravel(value))
    return ()


def _linear(
    node: Node, where: str, before: np.ndarray | None, bias: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and bias of a node, after those that no neuron has taken yet."""
    weight = node.array("weight", where)
    if weight.ndim != 2 or not weight.size:
        raise NirError(f"{where}: weight has the shape {list(weight.shape)}, expected [out, in]")
    if not np.isfinite(weight).all():
        raise NirError(f"{where}: weight holds infinite numbers")
    own = np.zeros(len(weight))
    if node.kind == "Affine":
        own = _per_neuron(node, "bias", where, len(weight))
    if before is None:
        return weight, own
    if weight.shape[1] != len(before):
        raise NirError(f"{where} takes {weight.shape[1]} numbers, {len(before)} come")
    return weight @ before, weight @ np.broadcast_to(bias, (len(before),)) + own


def _per_neuron(node: Node, name: str, where: str, count: int) -> np.ndarray:
    """Return one number per neuron; files hold one for all, too, and 0-d arrays."""
    return each(node.array(name, where), count, f"{where}: {name}")


def each(values: np.ndarray, count: int, where: str) -> np.ndarray:
    """Return one number per neuron of what holds these, or one for all of them."""
    found = np.ravel(values)
    if found.size not in (1, count):
        raise NirError(f"{where} has {found.size} numbers for {count} neurons")
    return np.broadcast_to(found, (count,)).copy()


def _neurons(
    name: str, node: Node, where: str, weight: np.ndarray, bias: np.ndarray | float, how: Profile
) -> Stage:
    count = len(weight)
    keep, gain = np.ones(count), np.ones(count)
    r = _per_neuron(node, "r", where, count)
    if node.kind == "LIF":
        keep, gain = _leak(node, where, count, r, how)
    elif how.gain_by_dt:
        gain = r * how.dt
    elif np.isfinite(r).all():
        gain = r
    if not np.isfinite(gain).all():
        raise NirError(f"{where}: its gain r * dt / tau is not finite")
    for key in ("v_leak", "v_reset"):
        if key in node.values and (given := node.array(key, where)).any():
            raise NirError(f"{where}: {key} = {np.ravel(given)[0]:g} is not supported, only 0 is")
    threshold = _per_neuron(node, "v_threshold", where, count)
    if not (np.isfinite(threshold) & (threshold > 0)).all():
        raise NirError(f"{where}: v_threshold = {threshold.min():g}, it must be above 0")
    late = how.late and how.reset == "subtract"
    return Stage(
        name=name,
        weight=weight * gain[:, None],
        bias=np.broadcast_to(bias, (count,)) * gain,
        keep=keep,
        threshold=threshold,
        drop=threshold / keep if late else threshold,
        zero=how.reset == "zero",
        at_threshold=how.at_threshold,
        many=how.many,
        floor=how.floor,
    )


def _leak(
    node: Node, where: str, count: int, r: np.ndarray, how: Profile
) -> tuple[np.ndarray, np.ndarray]:
    """Return (keep, gain) of leaky neurons."""
    if how.many:
        raise NirError(f"{where}: sinabs does not write how it scales a LIF's input: only its IF")
    if how.dt is None:
        raise NirError(f"{where} has a time constant, and nothing says how long a step is: give dt")
    tau = _per_neuron(node, "tau", where, count)
    if how.tau_times_dt:
        tau = tau / how.dt
    with np.errstate(all="ignore"):
        keep = np.round(1 - how.dt / tau, DIGITS)
        gain = np.where(np.isinf(tau), 1.0, np.round(np.nan_to_num(r * how.dt / tau, nan=1.0), 6))
    if not ((keep > 0) & (keep <= 1)).all():
        raise NirError(
            f"{where}: tau = {tau.min():g} s and dt = {how.dt:g} s keep {keep.min():g} of a "
            "membrane per step, which must lie above 0 and up to 1: most likely another dt was "
            f"meant, or another framework than {how.name}"
        )
    return keep, gain


def _stated_reset(graph: Graph, how: Profile) -> str:
    """Return the reset that a file states itself, read to the letter."""
    if how.name == "nir" and any("v_reset" in node.values for node in graph.nodes.values()):
        return "zero"
    raise NirError(
        f"nothing says what a spike does to its membrane ({how.name} files do not): give reset "
        "subtract or zero. A wrong one hardly changes accuracy and many spike counts, so check "
        "those of the framework"
    )


def _instead(kind: str) -> str:
    if kind in ("CubaLIF", "CubaLI"):
        return "a synapse of its own is not, LIF is"
    if kind in ("LI", "I"):
        return "neurons that do not fire are not, let an IF or LIF layer read out"
    if "Conv" in kind or "Pool" in kind:
        return "convolutions are not, dense layers are"
    return f"there are {', '.join((*LINEAR, *NEURONS, *PASSING))}"


def _fit(found: list[Stage]) -> None:
    for below, above in pairwise(found):
        if above.weight.shape[1] != len(below.weight):
            raise NirError(
                f"node {above.name!r} takes {above.weight.shape[1]} spike trains, "
                f"{below.name!r} gives {len(below.weight)}"
            )
