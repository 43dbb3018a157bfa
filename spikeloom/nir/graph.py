"""A NIR file as it is: nodes with their arrays, and edges. What they mean is said elsewhere.

The format is HDF5: group ``node`` with groups ``nodes`` (one per node, each with ``type`` and its
arrays) and the table ``edges``. Files of NIR 0.2 to 1.0.8 are read, 0-d arrays included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.nir.errors import NirError

MOST_NUMBERS = 1 << 26
"""Numbers that a file may hold: far more than any network that fits a chip of ours."""
MOST_NODES = 4096


@dataclass(frozen=True, eq=False)
class Node:
    """A node: its NIR type, and its arrays and texts by name."""

    kind: str
    values: dict[str, Any]

    def array(self, name: str, where: str) -> np.ndarray:
        """Return an array as float64; `where` names the node in a message."""
        if name not in self.values:
            raise NirError(f"{where} has no {name!r}: it holds {_listed(self.values)}")
        value = self.values[name]
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise NirError(f"{where}: {name!r} is {value!r:.40}, not numbers")
        found = value.astype(np.float64)
        if np.isnan(found).any():
            raise NirError(f"{where}: {name!r} holds NaN: the exporter wrote a broken network")
        return found


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes by name, and edges from name to name, in no order."""

    nodes: dict[str, Node]
    edges: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        kinds = ", ".join(f"{name}: {node.kind}" for name, node in self.nodes.items())
        return f"Graph({kinds})"


def read(path: str | Path) -> Graph:
    """Read a NIR file; `NirError` says why it is refused. Needs h5py (extra ``nir``)."""
    import h5py

    path = Path(path)
    try:
        if not path.is_file():
            raise NirError(f"cannot read {path}: there is no such file")
        with h5py.File(path, "r") as file:
            return _graph(file, h5py)
    except NirError as error:
        raise NirError(f"{path}: {error}" if str(path) not in str(error) else str(error)) from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NirError(f"{path} is no NIR file, or damaged: {text}") from None


def _graph(file: Any, h5py: Any) -> Graph:
    top = _group(file, "node", h5py)
    if "nodes" not in top or "edges" not in top:
        raise NirError(f"an HDF5 file without nodes and edges, it holds {_listed(top)}: no NIR")
    group = _group(top, "nodes", h5py)
    if len(group) > MOST_NODES:
        raise NirError(f"it has {len(group)} nodes, at most {MOST_NODES} are read")
    left, nodes = [MOST_NUMBERS], {}
    for name in group:
        inner = _group(group, name, h5py)
        values = dict(_values(inner, left, h5py))
        kind = values.pop("type", None)
        if not isinstance(kind, str):
            raise NirError(f"node {name!r} says no type: it holds {_listed(inner)}")
        nodes[name] = Node(kind, values)
    return Graph(nodes, _edges(top, nodes, left, h5py))


def _edges(
    top: Any, nodes: dict[str, Node], left: list[int], h5py: Any
) -> tuple[tuple[str, str], ...]:
    table = _value(_member(top, "edges", h5py), left)
    if not isinstance(table, np.ndarray) or table.ndim != 2 or table.shape[1] != 2:
        raise NirError("its edges are no table of pairs of names")
    found = [(_text(a), _text(b)) for a, b in table.tolist()]
    for edge in found:
        for name in edge:
            if name not in nodes:
                raise NirError(f"an edge names the node {name!r}: there are {_listed(nodes)}")
    return tuple(dict.fromkeys(found))


def _member(group: Any, name: str, h5py: Any) -> Any:
    """Return a member that lies in the file itself: a link could lead anywhere."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise NirError(f"{name!r} is a link out of its place: NIR files have none")
    return group[name]


def _group(parent: Any, name: str, h5py: Any) -> Any:
    if name not in parent:
        raise NirError(f"an HDF5 file without the group {name!r}, it holds {_listed(parent)}")
    found = _member(parent, name, h5py)
    if not isinstance(found, h5py.Group):
        raise NirError(f"{name!r} is no group, as NIR has it")
    return found


def _values(group: Any, left: list[int], h5py: Any) -> Iterator[tuple[str, Any]]:
    for name in group:
        found = _member(group, name, h5py)
        if isinstance(found, h5py.Group):  # metadata, or a graph in a graph
            if name == "metadata":
                continue
            raise NirError(f"{group.name} holds a graph in a graph ({name!r}): it is not supported")
        yield name, _value(found, left)


def _value(dataset: Any, left: list[int]) -> Any:
    """Read one data set, within what a file may hold; texts become str."""
    if dataset.is_virtual or dataset.external:
        raise NirError(f"{dataset.name} lies in another file: NIR files are whole")
    left[0] -= int(dataset.size or 0)
    if left[0] < 0:
        raise NirError(f"it holds more than {MOST_NUMBERS:,} numbers: too large")
    value = dataset[()]
    if isinstance(value, bytes | str):
        return _text(value)
    return np.asarray(value)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _listed(names: Any) -> str:
    return ", ".join(map(str, list(names)[:12])) or "nothing"
