"""One layer: spike list, crossbar, forward neurons, and the order in which they work."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.learning import CERTAIN
from spikeloom.golden.spec.machine import Machine
from spikeloom.hdl.crossbar import Crossbar, access_layout
from spikeloom.hdl.learning import Coincidence, Thinning
from spikeloom.hdl.neuron import ForwardNeurons
from spikeloom.hdl.spikes import Scanner, SpikeList, lowest
from spikeloom.hdl.wta import Wta


class Layer(wiring.Component):
    """Crossbar `index` and the forward neurons behind it, for one step at a time.

    Forward: word after word of columns, the step's spike list is read through the crossbar; each
    word's sums go to its neurons while the next word is read; spikes leave through `out` while
    later words are still summed. The first word is read while the list is being written.

    Parameters
    ----------
    machine, index : which layer, from 1.

    Members
    -------
    start : In; a sample begins. train : In, held for the sample.
    grant : In; the layer may take one step (training); inferring it goes on by itself.
    push, row, close, ready : the list of pre-synaptic spikes; see `SpikeList`.
    thin_word, thin_take, probability, step : the rule's word, chance and step.
    positive, negative : In; error spikes that this step's writes meet, held.
    dropped : In; neurons that stay silent in this sample.
    spikes : Out; spikes of the step, complete with `done` (raw ones in the output layer).
    fired : Out; neurons that have fired in this sample. fresh_fire : Out; one joined since `seen`.
    seen : In; clears `fresh_fire`.
    out_valid, out_index, out_last, out_ready : spikes to the next layer (not in the output layer).
    counted : Out with `done`, output layer: the spikes that count.
    done : Out; the layer has taken its step and passed on all spikes of it.
    back : In; begin the transposed sums for the error spikes in `positive`, `negative`.
    sums : Out; transposed sums, `sums_valid`, of word of rows `sums_word`, one clock before that
    `sums_soon`.
    host, host_poke : In; accesses while no sample runs. weight : Out; lane `host.column` of the
    sums, so of the word that the host accessed last. wrote : Out; a word was written by learning.
    """

    def __init__(self, machine: Machine, index: int) -> None:
        self._machine = machine
        self.layer = layer = machine.layers[index - 1]
        self._output = index == machine.config.depth
        self.crossbar = Crossbar(layer, transposed=index > 1)
        self.padded = layer.words * layer.lanes
        rows = range(max(layer.n_pre, 2))
        super().__init__(
            {
                "start": In(1),
                "train": In(1),
                "grant": In(1),
                "push": In(1),
                "row": In(rows),
                "close": In(1),
                "ready": Out(1),
                "thin_word": In(16),
                "thin_take": Out(1),
                "probability": In(range(CERTAIN + 1)),
                "step": In(layer.weight_bits + 1),
                "positive": In(self.padded),
                "negative": In(self.padded),
                "dropped": In(self.padded),
                "spikes": Out(self.padded),
                "fired": Out(self.padded),
                "fresh_fire": Out(1),
                "seen": In(1),
                "out_valid": Out(1),
                "out_index": Out(range(max(layer.n_post, 2))),
                "out_last": Out(1),
                "out_ready": In(1),
                "counted": Out(layer.n_post),
                "done": Out(1),
                "back": In(1),
                "sums": Out(self.crossbar.sums.shape()),
                "sums_valid": Out(1),
                "sums_word": Out(rows),
                "sums_soon": Out(rows),
                "host": In(access_layout(layer)),
                "host_poke": In(signed(layer.weight_bits)),
                "weight": Out(signed(16)),
                "wrote": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Connect list, rule, crossbar and neurons."""
        m = Module()
        layer = self.layer
        m.submodules.crossbar = crossbar = self.crossbar
        m.submodules.list = spike_list = SpikeList(layer.n_pre)
        m.submodules.thinning = thinning = Thinning()
        m.d.comb += [
            thinning.word.eq(self.thin_word),
            thinning.train.eq(self.train),
            thinning.probability.eq(self.probability),
            thinning.spike.eq(self.push & self.ready),
            self.thin_take.eq(thinning.take),
            spike_list.push.eq(self.push),
            spike_list.close.eq(self.close),
            spike_list.entry.row.eq(self.row),
            spike_list.entry.keep.eq(thinning.keep),
            self.ready.eq(spike_list.ready),
            crossbar.step.eq(self.step),
            crossbar.poke.eq(self.host_poke),
            self.wrote.eq(crossbar.wrote),
        ]
        self._passes(m, spike_list)
        if layer.index > 1:
            self._back(m)
        with m.If(self.host.valid):
            m.d.comb += crossbar.access.eq(self.host)
        self._neurons(m)
        m.d.comb += self.weight.eq(crossbar.sums[self.host.column])
        return m

    def _passes(self, m: Module, spike_list: SpikeList) -> None:
        """Read the list through the crossbar, once per word."""
        layer, crossbar = self.layer, self.crossbar
        m.submodules.rule = rule = Coincidence(layer.lanes)
        forwarding = Signal()
        word, opening = Signal(range(max(layer.words, 2))), Signal(init=1)
        waiting, access1 = Signal(), Signal(access_layout(layer))
        positive, negative = Signal(layer.lanes), Signal(layer.lanes)
        move, turn = Signal(), Signal()
        m.d.comb += move.eq(forwarding & (~waiting | crossbar.ready))
        with m.If(crossbar.ready):
            m.d.sync += waiting.eq(0)
        with m.If(move):
            read = spike_list.more
            m.d.comb += [
                spike_list.next.eq(read),
                turn.eq(Mux(read, spike_list.final, spike_list.ended)),
            ]
            m.d.sync += [
                waiting.eq(read | turn),
                access1.valid.eq(read),
                access1.first.eq(opening),
                access1.last.eq(turn),
                access1.word.eq(word),
                positive.eq(self.positive.word_select(word, layer.lanes)),
                negative.eq(self.negative.word_select(word, layer.lanes)),
            ]
            with m.If(read | turn):
                m.d.sync += opening.eq(turn)
        final_word = word == layer.words - 1
        with m.If(turn):
            m.d.comb += [spike_list.rewind.eq(~final_word), spike_list.release.eq(final_word)]
            m.d.sync += word.eq(Mux(final_word, 0, word + 1))
            with m.If(final_word):
                m.d.sync += forwarding.eq(0)
        with m.If(self.grant | (self.done & ~self.train)):
            m.d.sync += forwarding.eq(1)
        with m.If(self.start):  # an inferred sample leaves the layer ready for one step more
            m.d.sync += forwarding.eq(0)
        m.d.comb += [
            rule.keep.eq(spike_list.head.keep),
            rule.positive.eq(positive),
            rule.negative.eq(negative),
            crossbar.up.eq(rule.up),
            crossbar.down.eq(rule.down),
        ]
        with m.If(waiting):
            m.d.comb += [crossbar.access.eq(access1), crossbar.access.row.eq(spike_list.head.row)]

    def _back(self, m: Module) -> None:
        """Sum the columns of the error spikes, word after word of rows."""
        layer, crossbar = self.layer, self.crossbar
        groups = -(-layer.n_pre // crossbar.width)
        active, opening = Signal(), Signal()
        group, word = Signal(range(max(groups, 2))), Signal(range(max(layer.words, 2)))
        either = self.positive | self.negative
        bits, minus = Signal(layer.lanes), Signal(layer.lanes)
        column, rest = lowest(bits)
        final_word = word == layer.words - 1
        last = Signal()
        following = Mux(self.back | final_word, 0, word + 1)
        m.d.comb += last.eq(final_word & ~rest.any())
        load = Signal()
        with m.If(active):
            m.d.comb += [
                crossbar.access.transposed.eq(1),
                crossbar.access.row.eq(group),
                crossbar.access.word.eq(word),
                crossbar.access.column.eq(column),
                crossbar.access.valid.eq(bits.any()),
                crossbar.access.minus.eq(minus.bit_select(column, 1)),
                crossbar.access.first.eq(opening),
                crossbar.access.last.eq(last),
            ]
            with m.If(crossbar.ready):
                m.d.sync += bits.eq(rest)
                with m.If(bits.any() | last):
                    m.d.sync += opening.eq(last)
                m.d.comb += load.eq(~rest.any())
                with m.If(last):
                    m.d.sync += group.eq(group + 1)
                    with m.If(group == groups - 1):
                        m.d.sync += [active.eq(0), group.eq(0)]
        with m.If(self.back):
            m.d.sync += [active.eq(1), opening.eq(1), group.eq(0)]
        with m.If(self.back | load):
            m.d.sync += [
                word.eq(following),
                bits.eq(either.word_select(following, layer.lanes)),
                minus.eq(self.negative.word_select(following, layer.lanes)),
            ]
        m.d.comb += [
            self.sums.eq(crossbar.sums),
            self.sums_valid.eq(crossbar.done & crossbar.done_transposed),
            self.sums_word.eq(crossbar.done_row),
            self.sums_soon.eq(crossbar.soon_row),
        ]

    def _neurons(self, m: Module) -> None:
        """Feed the sums to the neurons, collect their spikes, pass them on."""
        layer, crossbar, machine = self.layer, self.crossbar, self._machine
        shape = crossbar.sums.shape().elem_shape
        sums = data.View(
            data.ArrayLayout(shape, layer.lanes),
            crossbar.sums.as_value()[: layer.lanes * shape.width],
        )
        currents: Value = sums
        if self._output:
            m.submodules.wta = wta = Wta(machine, layer, shape)
            m.d.comb += [wta.sums.eq(sums), wta.word.eq(crossbar.done_word)]
            currents, shape = wta.currents, wta.current
        m.submodules.neurons = neurons = ForwardNeurons(machine, layer, shape)
        first = Signal()
        with m.If(self.start):
            m.d.sync += first.eq(1)
        with m.Elif(self.done):
            m.d.sync += first.eq(0)
        later = Signal.like(neurons.word)
        m.d.sync += later.eq(crossbar.done_word)
        m.d.comb += [
            neurons.valid.eq(crossbar.done & ~crossbar.done_transposed),
            neurons.word.eq(crossbar.done_word),
            neurons.soon.eq(crossbar.soon_word),
            neurons.currents.eq(currents),
            neurons.first.eq(first),
            neurons.train.eq(self.train),
            neurons.dropped.eq(self.dropped.word_select(later, layer.lanes)),
        ]
        words = Signal(range(layer.words + 1))  # of this step, fired
        old = self.fired.word_select(neurons.fired_word, layer.lanes)
        with m.If(self.seen):
            m.d.sync += self.fresh_fire.eq(0)
        with m.If(neurons.fired_valid):
            m.d.sync += [
                self.spikes.word_select(neurons.fired_word, layer.lanes).eq(neurons.fired),
                self.fired.word_select(neurons.fired_word, layer.lanes).eq(old | neurons.fired),
                words.eq(words + 1),
            ]
            with m.If((neurons.fired & ~old).any()):
                m.d.sync += self.fresh_fire.eq(1)
        with m.If(self.start):
            m.d.sync += [self.fired.eq(0), self.fresh_fire.eq(0)]
        if self._output:
            complete = words == layer.words
            m.d.comb += [
                wta.start.eq(self.start),
                wta.valid.eq(complete),
                wta.raw.eq(self.spikes),
                self.counted.eq(wta.counted),
                self.done.eq(wta.done),
            ]
            with m.If(complete):
                m.d.sync += words.eq(0)
            return
        m.submodules.scanner = scanner = Scanner(
            lanes=layer.lanes, words=layer.words, neurons=layer.n_post
        )
        scanned = Signal.like(words)
        m.d.comb += [
            scanner.bits.eq(self.spikes.word_select(scanner.word, layer.lanes)),
            scanner.available.eq(scanned != words),
            self.out_valid.eq(scanner.valid),
            self.out_index.eq(scanner.index),
            self.out_last.eq(scanner.last),
            scanner.ready.eq(self.out_ready),
            self.done.eq(scanner.last & self.out_ready),
        ]
        with m.If(scanner.loaded):
            m.d.sync += scanned.eq(scanned + 1)
        with m.If(self.done):
            m.d.sync += [scanned.eq(0), words.eq(0)]
