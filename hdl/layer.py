"""One layer: its crossbar, the halves that share it, and the rule that changes it."""

from __future__ import annotations

from amaranth import Array, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.hdl.crossbar import Crossbar
from spikeloom.hdl.dropout import Dropout
from spikeloom.hdl.feedback import Feedback, down_port, swept_port
from spikeloom.hdl.forward import Forward
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.lfsr import random_words
from spikeloom.hdl.rules import backward, rule
from spikeloom.hdl.sample import SAMPLE, target_port
from spikeloom.hdl.spikes import spike_port
from spikeloom.hdl.weights import weight_access


def activity_port(lanes: int) -> wiring.Signature:
    """Return what can be counted of a layer.

    done : it has taken a step and passed on all spikes of it. wrote : the rule changed a word of
    weights. swept : its new error spikes.
    """
    return wiring.Signature({"done": Out(1), "wrote": Out(1), "swept": Out(swept_port(lanes))})


class Layer(wiring.Component):
    """Crossbar `index` and the neurons behind it, for one step at a time.

    Parameters
    ----------
    machine, index : which layer, from 1. hardware : see `hdl.hardware`.

    Members
    -------
    sample : In; see `hdl.sample.SAMPLE`. spikes : In; of the layer before.
    out : Out; its own, to the next layer, or, output layer, counted : Out with `activity.done`.
    above : In, hidden layer; error spikes from above, see `hdl.feedback.down_port`. below : Out;
    the same to the layer below. target : In, output layer; see `hdl.sample.target_port`.
    noise : In, where its neurons compete; their stream.
    rule : In; see `hdl.learning.settings_port`.
    drop : In, where there is dropout; its stream. dropping : Out, likewise; it is being drawn.
    host : In; accesses while no sample runs. weight : Out; what they read. Both: see
    `hdl.weights.weight_access`. activity : Out; see `activity_port`.
    """

    def __init__(self, machine: Machine, index: int, hardware: Hardware = DEFAULT) -> None:
        layers = hardware.of(machine)
        self.layer = layer = layers[index - 1]
        self._hardware = hardware
        self._forward = Forward(machine, index, hardware)
        self._feedback = Feedback(machine, index, hardware)
        self._rule, self._backward = rule(machine, layer), backward(layer)
        members = {
            "sample": In(SAMPLE),
            "spikes": In(spike_port(layer.n_pre)),
            "rule": self._rule.signature.members["settings"],
            "below": Out(down_port(layer)),
            "host": In(weight_access(layers)),
            "weight": Out(signed(16)),
            "activity": Out(activity_port(self._feedback.lanes)),
        }
        if index == machine.config.depth:
            members |= {"target": In(target_port(layer.n_post)), "counted": Out(layer.n_post)}
            if "noise" in self._forward.signature.members:
                members["noise"] = In(random_words())
        else:
            members |= {"out": Out(spike_port(layer.n_post)), "above": In(down_port(layers[index]))}
        self._dropout = index < machine.config.depth and bool(layer.dropout)
        if self._dropout:
            members |= {"drop": In(random_words()), "dropping": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Let host, feedback and forward half, in this order, have the crossbar."""
        m = Module()
        layer, host, sample = self.layer, self.host, wiring.flipped(self.sample)
        folded = self._forward.folded
        turned = layer.index > 1 and self._backward is None
        m.submodules.crossbar = crossbar = Crossbar(
            layer, transposed=turned, gap=folded, hardware=self._hardware
        )
        m.submodules.forward = forward = self._forward
        m.submodules.feedback = feedback = self._feedback
        m.submodules.rule = rule = self._rule
        wiring.connect(m, sample, forward.sample)
        wiring.connect(m, sample, feedback.sample)
        wiring.connect(m, wiring.flipped(self.spikes), forward.spikes)
        wiring.connect(m, wiring.flipped(self.rule), rule.settings)
        wiring.connect(m, forward.rule, rule.layer)
        wiring.connect(m, rule.change, crossbar.change)
        wiring.connect(m, forward.errors, feedback.errors)
        wiring.connect(m, feedback.below, wiring.flipped(self.below))
        wiring.connect(m, feedback.swept, wiring.flipped(self.activity.swept))
        if "target" in self.signature.members:
            wiring.connect(m, wiring.flipped(self.target), feedback.target)
            m.d.comb += self.counted.eq(forward.counted)
            if "noise" in self.signature.members:
                wiring.connect(m, wiring.flipped(self.noise), forward.noise)
        else:
            wiring.connect(m, wiring.flipped(self.above), feedback.above)
            wiring.connect(m, forward.out, wiring.flipped(self.out))
            wiring.connect(m, forward.fired, feedback.fired)
        # of one row no sum is wider than a weight: neither is the host's multiplexer
        weights = [total[: layer.weight_bits].as_signed() for total in crossbar.sums]
        pause = Signal()  # the crossbar clears its sums
        with m.If(crossbar.ready):
            m.d.sync += pause.eq(crossbar.access.last if folded else 0)
        m.d.comb += [
            rule.train.eq(self.sample.train),
            forward.learns.eq(feedback.learns),
            forward.request.ready.eq(crossbar.ready & ~pause),
            forward.sums.valid.eq(crossbar.done & ~crossbar.done_transposed),
            forward.sums.word.eq(crossbar.done_word),
            forward.sums.soon.eq(crossbar.soon_word),
            *(now.eq(new) for now, new in zip(forward.sums.currents, crossbar.sums, strict=False)),
            crossbar.poke.eq(host.data),
            self.weight.eq(Array(weights)[host.column]),
            self.activity.done.eq(forward.done),
            self.activity.wrote.eq(crossbar.wrote),
        ]
        with m.If(forward.request.asked & ~pause):
            m.d.comb += crossbar.access.eq(forward.request.access)
        if self._backward is not None:
            m.submodules.backward = back = self._backward
            wiring.connect(m, feedback.request, back.request)
            wiring.connect(m, back.sums, feedback.sums)
        elif layer.index > 1:
            m.d.comb += [
                feedback.request.ready.eq(crossbar.ready & ~pause),
                feedback.sums.valid.eq(crossbar.done & crossbar.done_transposed),
                feedback.sums.word.eq(crossbar.done_row),
                feedback.sums.soon.eq(crossbar.soon_row),
                feedback.sums.currents.eq(crossbar.sums),
            ]
            with m.If(feedback.request.asked & ~pause):
                m.d.comb += crossbar.access.eq(feedback.request.access)
        with m.If(host.valid & (host.layer == layer.index)):
            m.d.comb += [
                crossbar.access.eq(0),
                crossbar.access.valid.eq(1),
                crossbar.access.first.eq(1),
                crossbar.access.last.eq(1),
                crossbar.access.host.eq(1),
                crossbar.access.row.eq(host.row),
                crossbar.access.word.eq(host.word),
                crossbar.access.column.eq(host.column),
                crossbar.access.poke.eq(host.poke),
            ]
        if self._dropout:
            m.submodules.dropout = dropout = Dropout(neurons=layer.n_post, chance=layer.dropout)
            wiring.connect(m, wiring.flipped(self.drop), dropout.random)
            m.d.comb += [
                dropout.start.eq(self.sample.start),
                dropout.train.eq(self.sample.train),
                self.dropping.eq(dropout.busy),
                forward.dropped.eq(dropout.dropped),
                feedback.dropped.eq(dropout.dropped),
            ]
        return m
