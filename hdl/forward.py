"""The forward half of a layer: spike list, sums, neurons, and the spikes that they pass on."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine, ceil_div
from spikeloom.golden.spec.wta import SOFTMAX
from spikeloom.hdl.competition import Competition
from spikeloom.hdl.crossbar import access_layout, request_port, sum_shape, sums_port
from spikeloom.hdl.fold import Fold
from spikeloom.hdl.hardware import DEFAULT, BuiltLayer, Hardware
from spikeloom.hdl.learning import rule_port
from spikeloom.hdl.lfsr import random_words
from spikeloom.hdl.neuron import ForwardNeurons, Integrators
from spikeloom.hdl.sample import SAMPLE
from spikeloom.hdl.spikes import Scanner, SpikeList, error_port, spike_port
from spikeloom.hdl.wta import Wta


def fired_port(layer: BuiltLayer) -> wiring.Signature:
    """Return the bundle that shows a layer's spikes, a word of its neurons at a time.

    valid : `spikes` is a word. last : the step's.
    """
    return wiring.Signature({"valid": Out(1), "last": Out(1), "spikes": Out(layer.neurons)})


class Forward(wiring.Component):
    """Takes a layer's steps: word after word of columns, the list is read through the crossbar.

    Each word's sums go to its neurons while the next word is read; spikes leave through `out` while
    later words are still summed. The first word is read while the list is being written.

    Training, the first layer, whose list is the longest and is written early, reads on ahead of the
    grant: all of the next step's first word that it needs no error spikes for, so not the last
    access, and without writes. Where error spikes then have come, it begins the step again.

    Parameters
    ----------
    machine, index : which layer, from 1. hardware : see `hdl.hardware`.

    Members
    -------
    sample : In; see `hdl.sample.SAMPLE`. spikes : In; of the layer before. dropped : In; neurons
    that stay silent in this sample.
    rule : Out; see `hdl.learning.rule_port`. errors : Out; error spikes that the writes meet.
    learns : In; there are some, from the clock after the grant on.
    request : Out; row accesses. sums : In; what they come to. folded : they are taken apart, for
    fewer neurons than lanes (no port).
    out : Out; spikes to the next layer, and fired : Out; the same by the word (not in the output
    layer). counted : Out with `done`, output layer: the spikes that count. noise : In, where its
    neurons compete; their stream.
    done : Out; the step is taken, and all spikes of it are passed on.

    Latency: the first access two clocks after the step's first spike or end came; sums to `fired`
    two clocks. Throughput: one access per clock, an entry of the list each (a clock for an empty
    list), as often as there are words. Golden: `golden.crossbar.forward`, `golden.neuron.forward`.
    """

    def __init__(self, machine: Machine, index: int, hardware: Hardware = DEFAULT) -> None:
        self._machine, self._hardware = machine, hardware
        self._layer = layer = hardware.of(machine)[index - 1]
        self._output = index == machine.config.depth
        self._competes = self._output and machine.config.wta.kind == SOFTMAX
        self._neurons = 1 if self._competes else layer.neurons
        self.folded = self._neurons != layer.lanes
        members = {
            "sample": In(SAMPLE),
            "spikes": In(spike_port(layer.n_pre)),
            "dropped": In(layer.n_post),
            "rule": Out(rule_port(layer)),
            "errors": Out(error_port(layer.lanes)),
            "learns": In(1),
            "request": Out(request_port(layer)),
            "sums": In(sums_port(sum_shape(layer), layer.lanes, layer.words)),
            "done": Out(1),
        }
        if self._output:
            members["counted"] = Out(layer.n_post)
            if self._competes:
                members["noise"] = In(random_words())
        else:
            members |= {"out": Out(spike_port(layer.n_post)), "fired": Out(fired_port(layer))}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Read the list through the crossbar, feed the sums to the neurons."""
        m = Module()
        layer = self._layer
        complete, room = Signal(), Signal(init=1)  # of a word: its last access is taken; its sums
        self._read(m, complete, room)
        space = Signal(init=1)  # for another word of spikes
        sums = self._folded_sums(m, complete, room, space) if self.folded else self.sums
        currents, shape = sums.currents, sum_shape(layer)
        if self._competes:
            neurons: Integrators = Competition(
                self._machine, layer, current=shape, hardware=self._hardware
            )
            self._compete(m, neurons)
        else:
            if self._output:
                m.submodules.wta = wta = Wta(self._machine, layer, shape, lanes=layer.neurons)
                m.d.comb += [wta.sums.eq(currents), wta.word.eq(sums.word)]
                currents, shape = wta.currents, wta.current
            neurons = ForwardNeurons(
                self._machine, layer, lanes=layer.neurons, current=shape, hardware=self._hardware
            )
            if self._output:
                self._count(m, neurons, wta)
            else:
                self._pass_on(m, neurons, space, sums.valid)
            later = Signal.like(neurons.word)
            dropped = Signal(neurons.words * neurons.lanes)
            m.d.sync += later.eq(sums.word)
            m.d.comb += [
                dropped.eq(self.dropped),
                neurons.dropped.eq(dropped.word_select(later, layer.neurons)),
            ]
        m.submodules.neurons = neurons
        first = Signal()
        with m.If(self.sample.start):
            m.d.sync += first.eq(1)
        with m.Elif(self.done):
            m.d.sync += first.eq(0)
        m.d.comb += [
            neurons.valid.eq(sums.valid),
            neurons.word.eq(sums.word),
            neurons.soon.eq(sums.soon),
            neurons.currents.eq(currents),
            neurons.first.eq(first),
            neurons.train.eq(self.sample.train),
        ]
        return m

    def _read(self, m: Module, complete: Signal, room: Signal) -> None:
        """Read the list through the crossbar, once per word."""
        layer, spikes, rule = self._layer, self.spikes, self.rule
        request, errors = self.request, self.errors
        m.submodules.list = entries = SpikeList(
            layer.n_pre,
            data.StructLayout({"row": spikes.row.shape(), "note": 1}),
            name=f"layer{layer.index}.list",
            hardware=self._hardware,
        )
        forwarding = Signal()
        word, opening = Signal(range(max(layer.words, 2))), Signal(init=1)
        waiting, access1 = Signal(), Signal(access_layout(layer))
        positive = Signal(layer.lanes, reset_less=True)
        negative = Signal(layer.lanes, reset_less=True)
        move, turn, taken = Signal(), Signal(), Signal()
        read, final = entries.more, Signal()
        final_word = word == layer.words - 1
        ahead, granted = Signal(), Signal(init=1)  # reads; an access may be written
        again = ahead & forwarding & ~opening & self.learns
        m.d.comb += [
            entries.push.eq(spikes.push),
            entries.close.eq(spikes.close),
            entries.entry.row.eq(spikes.row),
            entries.entry.note.eq(rule.note),
            spikes.ready.eq(entries.ready),
            rule.spike.eq(spikes.push & spikes.ready),
            rule.noted.eq(entries.head.note & granted),
            rule.positive.eq(positive),
            rule.negative.eq(negative),
            request.access.eq(access1),
            request.access.row.eq(entries.head.row),
            # sums must find a place when they come
            request.asked.eq(waiting & (room | ~access1.last)),
            taken.eq(request.asked & request.ready),
            final.eq(Mux(read, entries.final, entries.ended)),
            move.eq(Mux(forwarding, ~again, ahead & ~final) & (~waiting | taken)),
            complete.eq(taken & access1.last),
            errors.read.eq(turn),
            errors.end.eq(final_word),
        ]
        with m.If(taken):
            m.d.sync += waiting.eq(0)
        with m.If(move):
            m.d.comb += [entries.next.eq(read), turn.eq(final)]
            m.d.sync += [
                waiting.eq(read | turn),
                access1.valid.eq(read),
                access1.first.eq(opening),
                access1.last.eq(turn),
                access1.word.eq(word),
                positive.eq(errors.positive),
                negative.eq(errors.negative),
            ]
            with m.If(read | turn):
                m.d.sync += opening.eq(turn)
        m.d.comb += entries.rewind.eq(turn & ~final_word | again)
        with m.If(again):
            m.d.sync += opening.eq(1)
        if layer.index == 1:
            with m.If(move):
                m.d.sync += granted.eq(forwarding)
            with m.If(forwarding | self.sample.start):
                m.d.sync += ahead.eq(0)
            # the step's writes are over with its sums: no row is read too early
            with m.Elif(self.sums.valid & (self.sums.word == layer.words - 1)):
                m.d.sync += ahead.eq(self.sample.train)
        with m.If(turn):
            m.d.comb += entries.release.eq(final_word)
            m.d.sync += word.eq(Mux(final_word, 0, word + 1))
            with m.If(final_word):
                m.d.sync += forwarding.eq(0)
        with m.If(self.sample.grant | (self.done & ~self.sample.train)):
            m.d.sync += forwarding.eq(1)
        with m.If(self.sample.start):  # an inferred one leaves the layer ready for one step more
            m.d.sync += forwarding.eq(0)

    def _folded_sums(
        self, m: Module, complete: Value, room: Signal, space: Value
    ) -> wiring.PureInterface:
        """Take a word of sums apart, for a few neurons at a time."""
        layer, shape = self._layer, sum_shape(self._layer)
        m.submodules.fold = fold = Fold(layer, self._neurons, shape)
        sums = sums_port(shape, self._neurons, ceil_div(layer.n_post, self._neurons)).create()
        m.d.comb += [
            fold.owe.eq(complete),
            room.eq(fold.free),
            fold.load.eq(self.sums.valid),
            fold.word.eq(self.sums.word),
            fold.sums.eq(self.sums.currents),
            fold.ready.eq(space),
            sums.valid.eq(fold.valid & space),
            sums.word.eq(fold.index),
            sums.soon.eq(fold.soon),
            sums.currents.eq(fold.currents),
        ]
        return sums

    def _compete(self, m: Module, neurons: Competition) -> None:
        """Let the output layer's neurons compete for the step's spike."""
        wiring.connect(m, wiring.flipped(self.noise), neurons.random)
        m.d.comb += [
            neurons.start.eq(self.sample.start),
            self.counted.eq(neurons.counted),
            self.done.eq(neurons.done),
        ]

    def _count(self, m: Module, neurons: ForwardNeurons, wta: Wta) -> None:
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
            wta.start.eq(self.sample.start),
            wta.valid.eq(complete),
            wta.raw.eq(raw),
            self.counted.eq(wta.counted),
            self.done.eq(wta.done),
        ]

    def _pass_on(self, m: Module, neurons: ForwardNeurons, space: Signal, taken: Value) -> None:
        """Turn words of spikes into indices; `space` says that the ring takes another word."""
        words, lanes, out = neurons.words, neurons.lanes, self.out
        ring = min(words, 4) if self.folded else words
        spikes = Signal(ring * lanes)
        m.submodules.scanner = scanner = Scanner(
            lanes=lanes, words=words, neurons=self._layer.n_post
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
            self.fired.valid.eq(neurons.fired_valid),
            self.fired.last.eq(neurons.fired_word == words - 1),
            self.fired.spikes.eq(neurons.fired),
            scanner.bits.eq(spikes.word_select(place(scanner.word), lanes)),
            scanner.available.eq(scanned != fired),
            out.push.eq(scanner.valid),
            out.row.eq(scanner.index),
            out.close.eq(scanner.last),
            scanner.ready.eq(out.ready),
            self.done.eq(scanner.last & out.ready),
        ]
        if ring != words:
            begun = Signal.like(scanned)  # words on their way or in the ring, and those scanned
            with m.If(taken):
                m.d.sync += begun.eq(begun + 1)
            with m.If(self.done):
                m.d.sync += begun.eq(0)
            m.d.comb += space.eq((begun - scanned)[:3] < ring)
        with m.If(scanner.loaded):
            m.d.sync += scanned.eq(scanned + 1)
        with m.If(self.done):
            m.d.sync += [scanned.eq(0), fired.eq(0)]
