"""NIR files as exporters write them, for tests: small, and wrong where asked for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def weights(*sizes: int, seed: int = 3) -> list[np.ndarray]:
    """Return float32[out, in] per layer."""
    rng = np.random.default_rng(seed)
    pairs = itertools.pairwise(sizes)
    return [rng.normal(0.05, 1 / np.sqrt(a), (b, a)).astype(np.float32) for a, b in pairs]


def nodes(*sizes: int, bias: float = 0.0, kind: str = "LIF", **neuron: Any) -> dict[str, Any]:
    """Return the nodes of a chain by name; `neuron` replaces arrays of all neurons."""
    found: dict[str, Any] = {"input": {"type": "Input", "shape": np.array([sizes[0]])}}
    for number, weight in enumerate(weights(*sizes)):
        n = len(weight)
        found[f"w{number}"] = {"type": "Affine", "weight": weight, "bias": np.full(n, bias, "f4")}
        own = {"tau": 1e-3, "r": 10.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
        if kind == "IF":
            own = {"r": 1.0, "v_threshold": 1.0}
        arrays = {key: np.full(n, value, "f4") for key, value in own.items()}
        found[f"n{number}"] = {"type": kind, **arrays, **neuron}
    found["output"] = {"type": "Output", "shape": np.array([sizes[-1]])}
    return found


def edges(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the edges of a chain, in no order."""
    names = list(found)
    return list(itertools.pairwise(names))[::-1]


def write(path: Path, found: dict[str, Any], joined: list[tuple[str, str]] | None = None) -> Path:
    """Write nodes and edges."""
    with h5py.File(path, "w") as file:
        file["version"] = "1.0.8"
        top = file.create_group("node")
        top["type"] = "NIRGraph"
        for name, values in found.items():
            group = top.create_group(f"nodes/{name}")
            for key, value in values.items():
                group[key] = value
            group.create_group("metadata")
        top["edges"] = np.array(edges(found) if joined is None else joined, dtype="S")
    return path


def chain(path: Path, *sizes: int, **neuron: Any) -> Path:
    """Write a chain of layers, `sizes` from the input on."""
    return write(path, nodes(*sizes, **neuron))
