"""One layer: spike list, crossbar, forward neurons, and the order in which they work."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.learning import CERTAIN
from spikeloom.golden.spec.machine import Machine
from spikeloom.hdl.columns import Columns
from spikeloom.hdl.crossbar import Crossbar, access_layout
from spikeloom.hdl.drum import Drum, suits
from spikeloom.hdl.fold import Fold
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.learning import Coincidence, Thinning
from spikeloom.hdl.neuron import ForwardNeurons
from spikeloom.hdl.spikes import Scanner, SpikeList
from spikeloom.hdl.wheel import Wheel
from spikeloom.hdl.wta import Wta

SMALL = 32
"""Neurons up to which a vector of bits is not worth a memory."""


class Layer(wiring.Component):
    """Crossbar `index` and the forward neurons behind it, for one step at a time.

    Forward: word after word of columns, the step's spike list is read through the crossbar; each
    word's sums go to its neurons while the next word is read; spikes leave through `out` while
    later words are still summed. The first word is read while the list is being written.

    Parameters
    ----------
    machine, index : which layer, from 1. hardware : see `hdl.hardware`.

    Members
    -------
    start : In; a sample begins. train : In, held for the sample.
    grant : In; the layer may take one step (training); inferring it goes on by itself.
    push, row, close, ready : the list of pre-synaptic spikes; see `SpikeList`.
    thin_word, thin_take, probability, step : the rule's word, chance and step.
    error_clear, error_valid, error_final, error_up, error_down : In; error spikes of the layer's
    neurons, `error_lanes` at a time: what the next step's writes meet.
    dropped : In; neurons that stay silent in this sample.
    fired : Out; of `error_lanes` hidden neurons, those that have fired in this sample.
    fired_turn, fired_final : In; go on to the next ones; see `Wheel`.
    fresh_fire : Out; a neuron has fired for the first time since `seen`. seen : In.
    out_valid, out_index, out_last, out_ready : spikes to the next layer (not in the output layer).
    counted : Out with `done`, output layer: the spikes that count.
    done : Out; the layer has taken its step and passed on all spikes of it.
    back : In; begin the transposed sums for the layer's error spikes.
    sums : Out; transposed sums, `sums_valid`, of word of rows `sums_word`, one clock before that
    `sums_soon`.
    host, host_poke : In; accesses while no sample runs. weight : Out; lane `host.column` of the
    sums, so of the word that the host accessed last. wrote : Out; a word was written by learning.
    """

    def __init__(self, machine: Machine, index: int, hardware: Hardware = DEFAULT) -> None:
        self._machine, self._hardware = machine, hardware
        layers = hardware.of(machine)
        self.layer = layer = layers[index - 1]
        self._output = index == machine.config.depth
        self._folded = layer.neurons != layer.lanes
        self.crossbar = Crossbar(layer, transposed=index > 1, gap=self._folded, hardware=hardware)
        self.padded = layer.words * layer.lanes
        if self._output:
            self.error_lanes = layer.neurons
        else:
            self.error_lanes = layers[index].banks
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
                "error_clear": In(1),
                "error_valid": In(1),
                "error_final": In(1),
                "error_up": In(self.error_lanes),
                "error_down": In(self.error_lanes),
                "dropped": In(self.padded),
                "fired": Out(self.error_lanes),
                "fired_turn": In(1),
                "fired_final": In(1),
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
        m.submodules.list = spike_list = SpikeList(
            layer.n_pre,
            data.StructLayout({"row": range(max(layer.n_pre, 2)), "keep": 1}),
            name=f"layer{layer.index}.list",
            hardware=self._hardware,
        )
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
        wheel = self._store(m, "waiting", (layer.lanes, self.error_lanes), planes=2)
        self._errors_read, self._errors_end = Signal(), Signal()
        self._positive, self._negative = wheel.low
        m.d.comb += [
            wheel.turn.eq(Cat(self._errors_read, self.error_valid)),
            wheel.final.eq(Mux(self.error_valid, self.error_final, self._errors_end)),
            wheel.write.eq(self.error_valid),
            wheel.data[0].eq(self.error_up),
            wheel.data[1].eq(self.error_down),
            wheel.clear.eq(self.error_clear),
        ]
        self._complete, self._room = Signal(), Signal(init=1)
        self._pause = Signal()  # the crossbar clears its sums
        with m.If(crossbar.ready):
            m.d.sync += self._pause.eq(crossbar.access.last if self._folded else 0)
        self._passes(m, spike_list)
        if layer.index > 1:
            self._back(m)
        with m.If(self.host.valid):
            m.d.comb += crossbar.access.eq(self.host)
        self._neurons(m)
        m.d.comb += self.weight.eq(crossbar.sums[self.host.column])
        return m

    def _store(
        self, m: Module, kind: str, strides: tuple[int, int], *, planes: int
    ) -> Wheel | Drum:
        """Add a vector of bits over the layer's neurons, in flip-flops or in a memory."""
        size, name = self.layer.n_post, f"layer{self.layer.index}.{kind}"
        replaced = strides[0] == strides[1] or kind == "waiting"
        store: Wheel | Drum
        if self._hardware.drums and replaced and suits(size, strides) and size > SMALL:
            store = Drum(size, strides, planes=planes, name=name, hardware=self._hardware)
        else:
            late = self._hardware.registered and kind == "waiting"
            store = Wheel(size, strides, planes=planes, late=late)
        m.submodules[kind] = store
        return store

    def _passes(self, m: Module, spike_list: SpikeList) -> None:
        """Read the list through the crossbar, once per word."""
        layer, crossbar = self.layer, self.crossbar
        m.submodules.rule = rule = Coincidence(layer.lanes)
        forwarding = Signal()
        word, opening = Signal(range(max(layer.words, 2))), Signal(init=1)
        waiting, access1 = Signal(), Signal(access_layout(layer))
        positive = Signal(layer.lanes, reset_less=True)
        negative = Signal(layer.lanes, reset_less=True)
        move, turn, allowed = Signal(), Signal(), Signal()
        m.d.comb += [
            # sums must find a place when they come
            allowed.eq((self._room | ~access1.last) & ~self._pause),
            move.eq(forwarding & (~waiting | (crossbar.ready & allowed))),
            self._complete.eq(waiting & crossbar.ready & allowed & access1.last),
        ]
        with m.If(crossbar.ready & allowed):
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
                positive.eq(self._positive),
                negative.eq(self._negative),
            ]
            with m.If(read | turn):
                m.d.sync += opening.eq(turn)
        final_word = word == layer.words - 1
        with m.If(turn):
            m.d.comb += [
                spike_list.rewind.eq(~final_word),
                spike_list.release.eq(final_word),
                self._errors_read.eq(1),
                self._errors_end.eq(final_word),
            ]
            m.d.sync += word.eq(Mux(final_word, 0, word + 1))
            with m.If(final_word):
                m.d.sync += forwarding.eq(0)
        with m.If(self.grant | (self.done & ~self.train)):
            m.d.sync += forwarding.eq(1)
        with m.If(self.start):  # an inferred sample leaves the layer ready for one step more
            m.d.sync += forwarding.eq(0)
        m.d.comb += [
            rule.spike.eq(spike_list.head.keep),
            rule.positive.eq(positive),
            rule.negative.eq(negative),
            crossbar.keep.eq(rule.keep),
            crossbar.up.eq(rule.up),
            crossbar.down.eq(rule.down),
        ]
        with m.If(waiting & allowed):
            m.d.comb += [crossbar.access.eq(access1), crossbar.access.row.eq(spike_list.head.row)]

    def _back(self, m: Module) -> None:
        """Sum the columns of the error spikes, word after word of rows."""
        crossbar = self.crossbar
        m.submodules.columns = columns = Columns(self.layer, self._hardware)
        m.d.comb += [
            columns.back.eq(self.back),
            columns.positive.eq(self._positive),
            columns.negative.eq(self._negative),
            columns.ready.eq(crossbar.ready & ~self._pause),
            self.sums.eq(crossbar.sums),
            self.sums_valid.eq(crossbar.done & crossbar.done_transposed),
            self.sums_word.eq(crossbar.done_row),
            self.sums_soon.eq(crossbar.soon_row),
        ]
        with m.If(columns.read):
            m.d.comb += [self._errors_read.eq(1), self._errors_end.eq(columns.end)]
        with m.If(columns.valid & ~self._pause):
            m.d.comb += crossbar.access.eq(columns.access)

    def _neurons(self, m: Module) -> None:
        """Feed the sums to the neurons, all lanes at once or a few at a time."""
        layer, crossbar, machine = self.layer, self.crossbar, self._machine
        count = layer.neurons
        shape = crossbar.sums.shape().elem_shape
        layout = data.ArrayLayout(shape, layer.lanes)
        sums = data.View(layout, crossbar.sums.as_value()[: layer.lanes * shape.width])
        done = crossbar.done & ~crossbar.done_transposed
        room = Signal(init=1)  # for another word of spikes
        if not self._folded:
            valid, word, soon, currents = done, crossbar.done_word, crossbar.soon_word, sums
        else:
            m.submodules.fold = fold = Fold(layer, count, shape)
            m.d.comb += [
                fold.owe.eq(self._complete),
                self._room.eq(fold.free),
                fold.load.eq(done),
                fold.word.eq(crossbar.done_word),
                fold.sums.eq(sums),
                fold.ready.eq(room),
            ]
            valid, word, soon, currents = fold.valid & room, fold.index, fold.soon, fold.currents
        if self._output:
            m.submodules.wta = wta = Wta(machine, layer, shape, lanes=count)
            m.d.comb += [wta.sums.eq(currents), wta.word.eq(word)]
            currents, shape = wta.currents, wta.current
        neurons = ForwardNeurons(
            machine, layer, lanes=count, current=shape, hardware=self._hardware
        )
        m.submodules.neurons = neurons
        first = Signal()
        with m.If(self.start):
            m.d.sync += first.eq(1)
        with m.Elif(self.done):
            m.d.sync += first.eq(0)
        later = Signal.like(neurons.word)
        m.d.sync += later.eq(word)
        m.d.comb += [
            neurons.valid.eq(valid),
            neurons.word.eq(word),
            neurons.soon.eq(soon),
            neurons.currents.eq(currents),
            neurons.first.eq(first),
            neurons.train.eq(self.train),
            neurons.dropped.eq(self.dropped.word_select(later, count)),
        ]
        if self._output:
            self._raw(m, neurons, wta)
        else:
            self._remember(m, neurons)
            self._pass_on(m, neurons, room, valid)

    def _raw(self, m: Module, neurons: ForwardNeurons, wta: Wta) -> None:
        """Collect the output layer's spikes for the inhibition."""
        words = Signal(range(neurons.words + 1))  # of this step, fired
        raw = Signal(neurons.words * neurons.lanes)
        complete = words == neurons.words
        with m.If(neurons.fired_valid):
            m.d.sync += raw.word_select(neurons.fired_word, neurons.lanes).eq(neurons.fired)
            m.d.sync += words.eq(words + 1)
        with m.If(complete):
            m.d.sync += words.eq(0)
        m.d.comb += [
            wta.start.eq(self.start),
            wta.valid.eq(complete),
            wta.raw.eq(raw),
            self.counted.eq(wta.counted),
            self.done.eq(wta.done),
        ]

    def _remember(self, m: Module, neurons: ForwardNeurons) -> None:
        """Keep which neurons have fired in this sample: the gate of their error spikes."""
        wheel = self._store(m, "fired", (neurons.lanes, self.error_lanes), planes=1)
        old = wheel.low[0][: neurons.lanes]
        final = neurons.fired_word == neurons.words - 1
        m.d.comb += [
            wheel.turn.eq(Cat(neurons.fired_valid, self.fired_turn)),
            wheel.final.eq(Mux(neurons.fired_valid, final, self.fired_final)),
            wheel.write.eq(neurons.fired_valid),
            wheel.data[0].eq(old | neurons.fired),
            wheel.clear.eq(self.start),
            self.fired.eq(wheel.low[0]),
        ]
        with m.If(self.seen | self.start):
            m.d.sync += self.fresh_fire.eq(0)
        with m.If(neurons.fired_valid & (neurons.fired & ~old).any()):
            m.d.sync += self.fresh_fire.eq(1)

    def _pass_on(self, m: Module, neurons: ForwardNeurons, room: Signal, taken: Value) -> None:
        """Turn words of spikes into indices; `room` says that the ring takes another word."""
        words, lanes = neurons.words, neurons.lanes
        ring = min(words, 4) if self._folded else words
        spikes = Signal(ring * lanes)
        m.submodules.scanner = scanner = Scanner(
            lanes=lanes, words=words, neurons=self.layer.n_post
        )
        fired, scanned = Signal(range(words + 1)), Signal(range(words + 1))

        def place(word: Value) -> Value:
            return word if ring == words else word[:2]

        with m.If(neurons.fired_valid):
            m.d.sync += [
                spikes.word_select(place(neurons.fired_word), lanes).eq(neurons.fired),
                fired.eq(fired + 1),
            ]
        m.d.comb += [
            scanner.bits.eq(spikes.word_select(place(scanner.word), lanes)),
            scanner.available.eq(scanned != fired),
            self.out_valid.eq(scanner.valid),
            self.out_index.eq(scanner.index),
            self.out_last.eq(scanner.last),
            scanner.ready.eq(self.out_ready),
            self.done.eq(scanner.last & self.out_ready),
        ]
        if ring != words:
            begun = Signal.like(scanned)  # words on their way or in the ring, and those scanned
            with m.If(taken):
                m.d.sync += begun.eq(begun + 1)
            with m.If(self.done):
                m.d.sync += begun.eq(0)
            m.d.comb += room.eq((begun - scanned)[:3] < ring)
        with m.If(scanner.loaded):
            m.d.sync += scanned.eq(scanned + 1)
        with m.If(self.done):
            m.d.sync += [scanned.eq(0), fired.eq(0)]
