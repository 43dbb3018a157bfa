"""The network: encoder, layers and error neurons, and the order of a sample.

Forward, layers work at their own pace on the lists between them. Training, a step is over when
its error spikes have come down to the first layer; only then may the layers take the next one,
while the encoder already draws spikes ahead.
"""

from __future__ import annotations

from amaranth import Array, Cat, Const, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.streams import INPUT, LABEL, dropout_stream, thinning_stream
from spikeloom.hdl.backward import Backward
from spikeloom.hdl.dropout import Dropout
from spikeloom.hdl.encoder import Encoder, image_port
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.layer import Layer
from spikeloom.hdl.learning import Step
from spikeloom.hdl.registers import REGISTER_ACCESS, RegisterBank
from spikeloom.hdl.streams import Streams
from spikeloom.hdl.weights import weight_access


def network_port(machine: Machine, hardware: Hardware) -> wiring.Signature:
    """Return what a network offers the host.

    image : fills the spare image buffer. sample.start : while not busy; run the image loaded last,
    with sample.train and sample.label. sample.busy : a sample is running. sample.counts : counted
    spikes per class, while not busy. registers : written while not busy. status : error bits to
    show in the status register. clear : counters are cleared. weights : used while not busy.
    """
    config = machine.config
    sample = wiring.Signature(
        {
            "start": Out(1),
            "train": Out(1),
            "label": Out(range(config.sizes[-1])),
            "busy": In(1),
            "counts": In(data.ArrayLayout(config.steps.bit_length(), config.sizes[-1])),
        }
    )
    return wiring.Signature(
        {
            "image": Out(image_port(machine)),
            "sample": Out(sample),
            "registers": Out(REGISTER_ACCESS),
            "status": Out(4),
            "clear": In(1),
            "weights": Out(weight_access(hardware.of(machine))),
        }
    )


class Network(wiring.Component):
    """Trains or infers one sample at a time.

    Parameters
    ----------
    machine : what to build. hardware : how; see `hdl.hardware`.

    Members
    -------
    host : In; see `network_port`.

    Latency: about 30 clocks a step on top of the accesses that `golden.floor` counts.
    Golden: `golden.network.run_sample`.
    """

    def __init__(self, machine: Machine, hardware: Hardware = DEFAULT) -> None:
        self._machine, self._hardware = machine, hardware
        config = machine.config
        self._layers = [Layer(machine, index, hardware) for index in range(1, config.depth + 1)]
        super().__init__({"host": In(network_port(machine, hardware))})

    def elaborate(self, platform: object) -> Module:
        """Build everything around the sample's order."""
        m = Module()
        machine, config, layers = self._machine, self._machine.config, self._layers
        self._train, self._begin = Signal(), Signal()
        m.submodules.registers = self._bank = RegisterBank(machine)
        m.submodules.streams = self._streams = Streams(machine, self._bank, self._hardware)
        m.d.comb += self._streams.begin.eq(self._begin)
        m.submodules.encoder = self._encoder = Encoder(machine, self._hardware)
        for layer in layers:
            m.submodules[f"layer{layer.layer.index}"] = layer
        m.submodules.backward = self._backward = Backward(machine, layers, self._hardware)
        self._steps = Signal(range(config.steps + 1), init=config.steps)
        self._connect(m)
        self._sample(m, self._dropout(m))
        self._registers(m)
        self._host(m)
        return m

    def _connect(self, m: Module) -> None:
        """Wire streams, encoder and layers, spikes going forward."""
        encoder, streams = self._encoder, self._streams
        wiring.connect(m, wiring.flipped(self.host.image), encoder.image)
        m.d.comb += [
            encoder.swap.eq(self.host.sample.start),
            encoder.start.eq(self._begin),
            encoder.train.eq(self._train),
            encoder.steps.eq(self._steps),
            streams.infer.eq(~self._train),
            streams.value.eq(self.host.registers.value),
        ]
        wiring.connect(m, streams.random(INPUT), encoder.random)
        spikes = encoder.spikes
        push, row, close, ready = spikes.push, spikes.row, spikes.close, spikes.ready
        for layer in self._layers:
            thinning = streams.random(thinning_stream(layer.layer.index))
            m.d.comb += [
                layer.push.eq(push),
                layer.row.eq(row),
                layer.close.eq(close),
                ready.eq(layer.ready),
                layer.start.eq(self._begin),
                layer.train.eq(self._train),
                layer.thin_word.eq(thinning.words[0]),
                thinning.take.eq(layer.thin_take),
            ]
            push, row, close, ready = (
                layer.out_valid,
                layer.out_index,
                layer.out_last,
                layer.out_ready,
            )

    def _dropout(self, m: Module) -> Value:
        """Connect all dropout; return a value that is high while hidden neurons are drawn."""
        config, encoder = self._machine.config, self._encoder
        if self._machine.input_dropout:
            wiring.connect(m, self._streams.random(dropout_stream(config.depth, 0)), encoder.drop)
        busy: Value = Const(0)
        for layer in self._layers[:-1]:
            index = layer.layer.index
            if not layer.layer.dropout:
                continue
            drop = Dropout(neurons=layer.layer.n_post, chance=layer.layer.dropout)
            m.submodules[f"dropout{index}"] = drop
            wiring.connect(
                m, self._streams.random(dropout_stream(config.depth, index)), drop.random
            )
            m.d.comb += [
                drop.start.eq(self._begin),
                drop.train.eq(self._train),
                layer.dropped.eq(drop.dropped),
            ]
            busy = busy | drop.busy
        return busy

    def _sample(self, m: Module, dropping: Value) -> None:
        """Count the steps of a sample, and grant the next one when a training step is over."""
        output, backward = self._layers[-1], self._backward
        step = Signal.like(self._steps)  # steps that are over
        label = Signal.like(self.host.sample.label)
        preparing, grant, over = Signal(), Signal(), Signal()
        m.d.sync += self._begin.eq(self.host.sample.start)
        with m.If(self.host.sample.start):
            m.d.sync += [
                self._train.eq(self.host.sample.train),
                label.eq(self.host.sample.label),
                self.host.sample.busy.eq(1),
                preparing.eq(1),
                step.eq(0),
                self.host.sample.counts.eq(0),
            ]
        with m.If(preparing & ~self._begin & ~dropping):
            m.d.sync += preparing.eq(0)
            m.d.comb += grant.eq(1)
        with m.If(output.done):
            m.d.sync += [
                count.eq(count + output.counted[j])
                for j, count in enumerate(self.host.sample.counts)
            ]
        target = self._target(m, step, output.done & self._train)
        classes = len(output.counted)
        m.d.comb += [
            backward.start.eq(self._begin),
            backward.valid.eq(output.done & self._train),
            backward.counted.eq(output.counted),
            backward.wanted.eq(Cat((label == j) & target for j in range(classes))),
            over.eq(backward.over | (output.done & ~self._train)),
        ]
        m.d.comb += [layer.grant.eq(grant) for layer in self._layers]
        with m.If(over):
            m.d.sync += step.eq(step + 1)
            with m.If(step + 1 == self._steps):
                m.d.sync += self.host.sample.busy.eq(0)
            with m.Elif(self._train):
                m.d.comb += grant.eq(1)

    def _target(self, m: Module, step: Signal, used: Value) -> Value:
        """Return the label neuron's spike of the step; it must hold until the step is over."""
        machine = self._machine
        table = Array(machine.label)[step]
        if not machine.label_is_random:
            return table
        stream = self._streams.random(LABEL)
        drawn, now = Signal(), stream.words[0] < table
        m.d.comb += stream.take.eq(used)
        with m.If(used):
            m.d.sync += drawn.eq(now)
        target = Signal()
        m.d.comb += target.eq(drawn)
        with m.If(used):
            m.d.comb += target.eq(now)
        return target

    def _registers(self, m: Module) -> None:
        """Connect the register bank: steps, updates, counters."""
        bank, config = self._bank, self._machine.config
        wiring.connect(m, wiring.flipped(self.host.registers), bank.host)
        m.d.comb += [
            self.host.clear.eq(bank.strobe("clear")),
            self._backward.clear.eq(self.host.clear),
        ]
        bank.expose("status", self.host.status)
        bank.expose("steps", self._steps)
        with m.If(bank.strobe("steps")):
            good = (self.host.registers.value != 0) & (self.host.registers.value <= config.steps)
            with m.If(good):
                m.d.sync += self._steps.eq(self.host.registers.value)

        def counter(name: str, event: Value) -> None:
            count = Signal(32, name=name.replace(".", "_"))
            with m.If(event):
                m.d.sync += count.eq(count + 1)
            with m.If(self.host.clear):
                m.d.sync += count.eq(0)
            bank.expose(name, count)

        counter("samples", self.host.sample.start)
        counter("cycles", self.host.sample.busy)
        for layer in self._layers:
            self._update(m, layer)
        if not self._hardware.counters:
            return
        for layer in self._layers:
            i = layer.layer.index
            counter(f"spikes.{i - 1}", layer.push & layer.ready)
            counter(f"writes.{i}", layer.wrote)
            bank.expose(f"positive.{i}", self._backward.positives[i - 1])
            bank.expose(f"negative.{i}", self._backward.negatives[i - 1])
        total = Signal(32)
        output = self._layers[-1]
        with m.If(output.done):
            m.d.sync += total.eq(total + sum(output.counted[j] for j in range(config.sizes[-1])))
        with m.If(self.host.clear):
            m.d.sync += total.eq(0)
        bank.expose(f"spikes.{config.depth}", total)

    def _update(self, m: Module, layer: Layer) -> None:
        """Add the registers of a layer's update."""
        bank, index = self._bank, layer.layer.index
        update = self._machine.updates(0)[index - 1]
        step = Step(layer.layer, shift=update.shift, probability=update.probability)
        m.submodules[f"step{index}"] = step
        m.d.comb += [
            step.value.eq(self.host.registers.value),
            step.write_shift.eq(bank.strobe(f"shift.{index}")),
            step.write_probability.eq(bank.strobe(f"probability.{index}")),
            layer.probability.eq(step.probability),
            layer.step.eq(step.step),
        ]
        bank.expose(f"shift.{index}", step.shift)
        bank.expose(f"probability.{index}", step.probability)

    def _host(self, m: Module) -> None:
        """Let the host read and poke weights."""
        weights = [Const(0, signed(16))]
        for layer in self._layers:
            chosen = self.host.weights.valid & (self.host.weights.layer == layer.layer.index)
            m.d.comb += [
                layer.host.valid.eq(chosen),
                layer.host.first.eq(1),
                layer.host.last.eq(1),
                layer.host.host.eq(1),
                layer.host.row.eq(self.host.weights.row),
                layer.host.word.eq(self.host.weights.word),
                layer.host.column.eq(self.host.weights.column),
                layer.host.poke.eq(self.host.weights.poke),
                layer.host_poke.eq(self.host.weights.data),
            ]
            weights.append(layer.weight)
        m.d.sync += self.host.weights.weight.eq(Array(weights)[self.host.weights.layer])
