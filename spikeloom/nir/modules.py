"""Live modules of snnTorch and SpikingJelly, known by their classes' names: no torch is imported.

What a module says of itself (reset, delay) is what its file loses, and snnTorch's default networks
cannot be exported at all by its own call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spikeloom.nir.errors import NirError
from spikeloom.nir.stages import Stage, Staged, each

PASSING = ("Dropout", "Flatten", "Identity")


def from_module(net: Any) -> Staged:
    """Return the stages of a module, its layers taken in the order in which it registered them.

    net : Linear layers, each followed by snnTorch's Leaky or SpikingJelly's IFNode or LIFNode; by
    duck typing (`children()`, `weight`, ...). `NirError` names a module that is not supported.
    """
    found: list[Stage] = []
    pending: tuple[np.ndarray, np.ndarray] | None = None
    for name, module in _leaves(net, ""):
        kind = type(module).__name__
        if kind == "Linear":
            if pending is not None:
                raise NirError(f"module {name!r} (Linear) follows another without neurons between")
            weight = _numbers(module.weight)
            bias = getattr(module, "bias", None)
            pending = weight, np.zeros(len(weight)) if bias is None else _numbers(bias)
        elif kind in NEURONS:
            if pending is None:
                raise NirError(f"module {name!r} ({kind}) comes without a Linear before it")
            found.append(NEURONS[kind](name, module, *pending))
            pending = None
        elif kind not in PASSING:
            known = ", ".join(("Linear", *NEURONS, *PASSING))
            raise NirError(f"module {name!r} ({kind}) is not supported: there are {known}")
    if pending is not None or not found:
        raise NirError(
            "its last layer has no spiking neurons behind it: let a layer of them follow"
        )
    return Staged(tuple(found), ())


def _leaves(module: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = list(module.named_children()) if hasattr(module, "named_children") else []
    if not inner or type(module).__name__ in NEURONS:
        yield name, module
        return
    for own, child in inner:
        yield from _leaves(child, f"{name}.{own}" if name else own)


def _numbers(value: Any) -> np.ndarray:
    """Return a tensor, array or number as float64."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value, np.float64)


def _leaky(name: str, module: Any, weight: np.ndarray, bias: np.ndarray) -> Stage:
    """snnTorch: resets one step late, fires above its threshold."""
    where, count = f"module {name!r} (Leaky)", len(weight)
    reset = str(module.reset_mechanism)
    if reset not in ("subtract", "zero"):
        raise NirError(f"{where}: reset_mechanism {reset!r} is not supported: subtract or zero is")
    late = bool(getattr(module, "reset_delay", True))
    if reset == "subtract" and not late:
        raise NirError(
            f"{where}: reset_delay=False with subtract is not supported: a neuron left above its "
            "threshold would fire at twice the threshold only"
        )
    keep = each(_numbers(module.beta), count, f"{where}: beta").clip(0, 1)
    threshold = each(_numbers(module.threshold), count, f"{where}: threshold")
    if not ((keep > 0).all() and (threshold > 0).all()):
        raise NirError(f"{where}: beta and threshold must be above 0")
    return Stage(
        name=name,
        weight=weight,
        bias=bias,
        keep=keep,
        threshold=threshold,
        drop=threshold / keep,
        zero=reset == "zero",
        at_threshold=False,
    )


def _node(name: str, module: Any, weight: np.ndarray, bias: np.ndarray) -> Stage:
    """SpikingJelly: fires at its threshold; v_reset None subtracts."""
    where, count = f"module {name!r} ({type(module).__name__})", len(weight)
    reset = module.v_reset
    if reset not in (None, 0, 0.0):
        raise NirError(f"{where}: v_reset = {reset!r} is not supported, only None and 0 are")
    threshold = each(_numbers(module.v_threshold), count, f"{where}: v_threshold")
    keep, gain = np.ones(count), 1.0
    if hasattr(module, "tau"):
        tau = float(_numbers(module.tau))
        if not tau > 1:
            raise NirError(f"{where}: tau = {tau:g} keeps nothing of a membrane: above 1 is needed")
        keep *= 1 - 1 / tau
        gain = 1 / tau if getattr(module, "decay_input", True) else 1.0
    return Stage(
        name=name,
        weight=weight * gain,
        bias=bias * gain,
        keep=keep,
        threshold=threshold,
        drop=threshold,
        zero=reset is not None,
        at_threshold=True,
    )


NEURONS: dict[str, Callable[[str, Any, np.ndarray, np.ndarray], Stage]] = {
    "Leaky": _leaky,
    "IFNode": _node,
    "LIFNode": _node,
}
