"""What a learning rule is to a layer: notes beside spikes, and a change for each column."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import ShapeLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.hdl.crossbar import change_port
from spikeloom.hdl.hardware import BuiltLayer
from spikeloom.hdl.lfsr import random_words


def rule_port(layer: BuiltLayer) -> wiring.Signature:
    """Return what a rule is told of a layer's spikes.

    spike : a pre-synaptic spike goes into the list. note : what the list keeps beside it. noted :
    the note of the spike whose row is accessed; positive, negative : error spikes of the columns of
    the word that is accessed.
    """
    return wiring.Signature(
        {
            "spike": Out(1),
            "note": In(1),
            "noted": Out(1),
            "positive": Out(layer.lanes),
            "negative": Out(layer.lanes),
        }
    )


def settings_port(registers: Mapping[str, ShapeLike]) -> wiring.Signature:
    """Return what the host and the random numbers are to a rule.

    random : its stream. write : a bit per register; it becomes `value`. registers : their values.
    """
    return wiring.Signature(
        {
            "random": Out(random_words()),
            "value": Out(32),
            "write": Out(max(len(registers), 1)),
            "registers": In(data.StructLayout(registers)),
        }
    )


class Rule(wiring.Component):
    """Base of the rules: (pre-synaptic spike, error spikes) to {-1, 0, +1} steps per column.

    Parameters
    ----------
    layer : whose crossbar. registers : shapes, by the names that the register map gives them.

    Members
    -------
    train : In, held for the sample; while 0 nothing is drawn and nothing changes.
    layer : In; see `rule_port`. settings : In; see `settings_port`. change : Out; see
    `hdl.crossbar.change_port`.
    """

    def __init__(self, layer: BuiltLayer, registers: Mapping[str, ShapeLike]) -> None:
        super().__init__(
            {
                "train": In(1),
                "layer": In(rule_port(layer)),
                "settings": In(settings_port(registers)),
                "change": Out(change_port(layer)),
            }
        )
