"""Where two engines differ: places, and the words for the first of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spikeloom.engines.engine import Kind
from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.protocol import weights_digest
from spikeloom.golden.spec.streams import streams

ALSO = 8
"""Further differences that are told one by one."""


@dataclass(frozen=True)
class Place:
    """One place that differs.

    Attributes
    ----------
    what : where, in words: a weight, a class's count, a counter or a stream.
    golden, device : both values there.
    layer, row, column : of a weight (layer from 1, the rest from 0).
    """

    what: str
    golden: int
    device: int
    layer: int | None = None
    row: int | None = None
    column: int | None = None


@dataclass(frozen=True, kw_only=True)
class Difference(Place):
    """The first place where two engines differ.

    Attributes
    ----------
    kind : what the sample was run for.
    sample : its number, from 0, among the samples trained (or inferred) since the start; None
        where they differed before the first.
    step : from 0, the first after which the difference shows; None if it does not show again
        when the sample is run from the same state.
    also : everything else that differs after that step.
    """

    kind: Kind
    sample: int | None
    step: int | None
    also: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one paragraph."""
        when = "before any sample"
        if self.sample is not None:
            when = f"sample {self.sample} {'trained' if self.kind == 'train' else 'inferred'}"
            when += "" if self.step is None else f", step {self.step}"
        text = f"{when}: {self.what} is {self.golden} in golden, {self.device} in the core"
        if self.also:
            text += f"; also {', '.join(self.also)}"
        if self.sample is not None and self.step is None:
            text += " (it does not repeat when the sample is run again from an equal state)"
        return text


class MismatchError(SpikeloomError, RuntimeError):
    """Two engines differ; `difference` says where."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(str(difference))
        self.difference = difference


def tell(
    kind: Kind,
    sample: int | None,
    step: int | None,
    places: list[Place],
    whole: Sequence[Place] = (),
) -> Difference:
    """Tell of the first of `places`; `whole` is what differs when the sample has run to its end."""
    first, *rest = places
    also = [f"{p.what} {p.golden} and {p.device}" for p in rest[:ALSO]]
    if len(rest) > ALSO:
        also.append(f"{len(rest) - ALSO} places more")
    weights = [p for p in whole if p.row is not None]
    if weights and first.row is None:
        p = weights[0]
        also.append(
            f"at the sample's end {p.what} {p.golden} and {p.device}"
            + (f" and {len(weights) - 1} weights more" if len(weights) > 1 else "")
        )
    told = dataclasses.asdict(first)
    return Difference(**told, kind=kind, sample=sample, step=step, also=tuple(also))


def digest(weights: list[np.ndarray]) -> int:
    """Return what a core that holds these weights answers to DIGEST."""
    return weights_digest([w.astype("<i2").tobytes() for w in weights])


def weight_differences(mine: list[np.ndarray], theirs: list[np.ndarray]) -> Iterator[Place]:
    """Yield the weights of all crossbars that differ, row by row."""
    for layer, (right, wrong) in enumerate(zip(mine, theirs, strict=True), start=1):
        for row, column in np.argwhere(right != wrong).tolist():
            what = f"weight of layer {layer}, row {row}, column {column}"
            both = int(right[row, column]), int(wrong[row, column])
            yield Place(what, *both, layer, row, column)


def outcomes(counts: np.ndarray, ran: np.ndarray) -> np.ndarray:
    """Return what a host is told of samples, counts and steps run: int32[n, classes + 1]."""
    return np.column_stack((counts, ran))


def outcome_differences(mine: np.ndarray, theirs: np.ndarray) -> Iterator[Place]:
    """Yield what differs of one sample's `outcome`, int32[classes + 1]."""
    for place in np.flatnonzero(mine != theirs).tolist():
        what = f"count of class {place}" if place < mine.size - 1 else "the number of steps run"
        yield Place(what, int(mine[place]), int(theirs[place]))


def counter_differences(mine: Mapping[str, int], theirs: Mapping[str, int]) -> Iterator[Place]:
    """Yield the counters that both sides have and that differ."""
    for name in sorted(mine.keys() & theirs.keys()):
        if mine[name] != theirs[name]:
            _, _, layer = name.partition(".")
            layer = int(layer) if layer else None
            yield Place(f"counter {name}", mine[name], theirs[name], layer)


def stream_differences(
    config: NetworkConfig, mine: Sequence[int], theirs: Sequence[int]
) -> Iterator[Place]:
    """Yield the streams whose states differ."""
    for stream, right, wrong in zip(streams(config), mine, theirs, strict=True):
        if right != wrong:
            yield Place(f"the state of stream {stream.name}", right, wrong)
