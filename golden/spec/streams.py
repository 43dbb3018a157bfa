"""Named streams of random words, and the seeds that start them.

Every random number of the machine belongs to one stream, and its place in that stream is fixed
by the contract (sample, step, pixel or row index), never by a clock or a lane:

==============  =============================================================================
input           training: per step one word per non-zero pixel of the image, raster order
label           training: per step one word, only where the label train is random
thinning{l}     training: per step one word per spike of layer l-1, ascending index, whether
                or not an error spike waits (l = 1 .. L, the crossbar that is written)
dropout{l}      training, at sample start, only where the rate is above 0: l = 0 one word per
                non-zero pixel in raster order; l > 0 one word per neuron of layer l
jitter          training, at sample start, only where there is jitter: one word for the rows, then
                one for the columns
noise           training, only with wta.kind softmax: per step one word per class, in their order
inference       input words while inferring; goes back to its seed at the start of every
                inferred sample, so testing never moves a training stream
==============  =============================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spikeloom.golden.spec.lfsr import CATALOG, Lfsr
from spikeloom.golden.spec.wta import SOFTMAX

if TYPE_CHECKING:
    from spikeloom.golden.spec.machine import Machine
    from spikeloom.golden.spec.network import NetworkConfig

MASK64 = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def splitmix64(seed: int, index: int) -> int:
    """Return output number `index` (from 0) of the SplitMix64 generator started at `seed`."""
    z = (seed + (index + 1) * GAMMA) & MASK64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


def purpose_seed(seed: int, purpose: str) -> int:
    """Return a 64-bit seed for one named purpose of a run (stream, weights, shuffling)."""
    mixed = splitmix64(seed & MASK64, 0)
    for byte in purpose.encode():
        mixed = splitmix64(mixed ^ byte, 0)
    return mixed


@dataclass(frozen=True)
class Stream:
    """One stream: what it is for, the generator that it draws from, the layer that it serves."""

    purpose: str
    lfsr: Lfsr
    layer: int | None = None

    @property
    def name(self) -> str:
        """Purpose and layer."""
        return self.purpose if self.layer is None else f"{self.purpose}{self.layer}"

    def seed(self, seed: int) -> int:
        """Return the generator's first state, never zero, for a run's seed."""
        return purpose_seed(seed, self.name) & self.lfsr.mask or 1


def streams(config: NetworkConfig) -> tuple[Stream, ...]:
    """Return every stream of a network; the functions below tell where each is."""
    random = config.random
    layers = range(1, config.depth + 1)
    return (
        Stream("input", CATALOG[random.input]),
        Stream("label", CATALOG[random.label]),
        Stream("inference", CATALOG[random.input]),
        *(Stream("thinning", CATALOG[random.thinning], layer) for layer in layers),
        *(Stream("dropout", CATALOG[random.dropout], layer - 1) for layer in layers),
        *([Stream("jitter", CATALOG[random.jitter])] if config.input.jitter else []),
        *([Stream("noise", CATALOG[random.noise])] if config.wta.kind == SOFTMAX else []),
    )


INPUT, LABEL, INFERENCE = 0, 1, 2


def thinning_stream(layer: int) -> int:
    """Return the index in `streams` of crossbar `layer`'s thinning stream (layer from 1)."""
    return 2 + layer


def dropout_stream(depth: int, layer: int) -> int:
    """Return the index in `streams` of the dropout stream of neuron layer `layer` (from 0)."""
    return 3 + depth + layer


def jitter_stream(depth: int) -> int:
    """Return the index in `streams` of the jitter's, where a network has it."""
    return 3 + 2 * depth


def noise_stream(depth: int, jitter: int) -> int:
    """Return the index in `streams` of the noise's, where a network has it."""
    return 3 + 2 * depth + (jitter > 0)


def drawn(machine: Machine) -> tuple[int, ...]:
    """Return the indices of the streams that a machine draws from; the others never move."""
    config = machine.config
    chances = [machine.input_dropout, *(layer.dropout for layer in machine.layers)]
    return (
        INPUT,
        *([LABEL] if machine.label_is_random else []),
        INFERENCE,
        *(thinning_stream(layer.index) for layer in machine.layers),
        *(dropout_stream(config.depth, layer) for layer in range(config.depth) if chances[layer]),
        *range(jitter_stream(config.depth), len(streams(config))),
    )
