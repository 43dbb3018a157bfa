"""The network: encoder and layers, and the registers that the host sees of them.

Forward, layers work at their own pace on the lists between them. Training, a step is over when
its error spikes have come down to the first layer; only then may the layers take the next one
(the first has begun to read it, see `hdl.forward`), while the encoder already draws spikes ahead:
of steps that are known to be run, where a sample can end early, so that nothing of it is left
behind, in no list and in no stream.
"""

from __future__ import annotations

from itertools import pairwise

from amaranth import Array, Const, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.registers import registers
from spikeloom.golden.spec.streams import (
    INPUT,
    LABEL,
    dropout_stream,
    jitter_stream,
    noise_stream,
    thinning_stream,
)
from spikeloom.hdl.encoder import Encoder, image_port
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.layer import Layer
from spikeloom.hdl.registers import REGISTER_ACCESS, RegisterBank
from spikeloom.hdl.sample import Sample, sample_port
from spikeloom.hdl.streams import Streams
from spikeloom.hdl.weights import weight_access


def network_port(machine: Machine, hardware: Hardware) -> wiring.Signature:
    """Return what a network offers the host.

    image : fills the spare image buffer. sample : runs it. registers : written while not busy.
    status : error bits to show in the status register. clear : counters are cleared.
    weights, weight : used while not busy; see `hdl.weights.weight_access`.
    """
    return wiring.Signature(
        {
            "image": Out(image_port(machine)),
            "sample": Out(sample_port(machine)),
            "registers": Out(REGISTER_ACCESS),
            "status": Out(4),
            "clear": In(1),
            "weights": Out(weight_access(hardware.of(machine))),
            "weight": In(signed(16)),
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

    Latency: about 30 clocks a step on top of the accesses that `golden.floor` counts, fewer where
    the first layer reads on in them.
    Golden: `golden.sample.run_sample`.
    """

    def __init__(self, machine: Machine, hardware: Hardware = DEFAULT) -> None:
        self._machine, self._hardware = machine, hardware
        super().__init__({"host": In(network_port(machine, hardware))})

    def elaborate(self, platform: object) -> Module:
        """Join the parts, spikes going forward, error spikes down."""
        m = Module()
        machine, host, depth = self._machine, self.host, self._machine.config.depth
        m.submodules.registers = bank = RegisterBank(machine)
        m.submodules.streams = streams = Streams(machine, bank, self._hardware)
        m.submodules.encoder = encoder = Encoder(machine, self._hardware)
        m.submodules.sample = order = Sample(machine)
        layers = [Layer(machine, index, self._hardware) for index in range(1, depth + 1)]
        steps = Signal(range(machine.config.steps + 1), init=machine.config.steps)
        dropping: Value = Const(0)
        wiring.connect(m, wiring.flipped(host.image), encoder.image)
        wiring.connect(m, wiring.flipped(host.sample), order.host)
        wiring.connect(m, streams.random(INPUT), encoder.random)
        if machine.input_dropout:
            wiring.connect(m, streams.random(dropout_stream(depth, 0)), encoder.drop)
        if machine.config.input.jitter:
            wiring.connect(m, streams.random(jitter_stream(depth)), encoder.jitter)
        if machine.label_is_random:
            wiring.connect(m, streams.random(LABEL), order.random)
        for index, layer in enumerate(layers, start=1):
            m.submodules[f"layer{index}"] = layer
            wiring.connect(m, order.sample, layer.sample)
            wiring.connect(m, wiring.flipped(host.weights), layer.host)
            wiring.connect(m, streams.random(thinning_stream(index)), layer.rule.random)
            if "drop" in layer.signature.members:
                wiring.connect(m, streams.random(dropout_stream(depth, index)), layer.drop)
                dropping = dropping | layer.dropping
        wiring.connect(m, encoder.spikes, layers[0].spikes)
        for lower, upper in pairwise(layers):
            wiring.connect(m, lower.out, upper.spikes)
            wiring.connect(m, upper.below, lower.above)
        output = layers[-1]
        wiring.connect(m, order.target, output.target)
        if "noise" in output.signature.members:
            noise = noise_stream(depth, machine.config.input.jitter)
            wiring.connect(m, streams.random(noise), output.noise)
        m.d.comb += [
            streams.begin.eq(order.sample.start),
            streams.infer.eq(~order.sample.train),
            streams.value.eq(host.registers.value),
            encoder.swap.eq(host.sample.start),
            encoder.start.eq(order.sample.start),
            encoder.train.eq(order.sample.train),
            encoder.steps.eq(steps),
            order.steps.eq(steps),
            order.dropping.eq(dropping),
            order.done.eq(output.activity.done),
            order.counted.eq(output.counted),
            order.over.eq(layers[0].below.over),
        ]
        if machine.config.stop.used:
            m.d.comb += encoder.known.eq(order.known)
        weights = Array([Const(0, signed(16)), *(layer.weight for layer in layers)])
        m.d.sync += host.weight.eq(weights[host.weights.layer])
        self._registers(m, bank, steps, order, layers)
        return m

    def _registers(
        self, m: Module, bank: RegisterBank, steps: Signal, order: Sample, layers: list[Layer]
    ) -> None:
        """Connect the register bank: steps, margins, rules, counters."""
        host, value, config = self.host, self.host.registers.value, self._machine.config
        wiring.connect(m, wiring.flipped(host.registers), bank.host)
        m.d.comb += host.clear.eq(bank.strobe("clear"))
        bank.expose("status", host.status)
        bank.expose("steps", steps)
        with m.If(bank.strobe("steps") & (value != 0) & (value <= config.steps)):
            m.d.sync += steps.eq(value)
        known = registers(self._machine)
        for key in order.stop.signature.members if config.stop.used else ():
            port, name = getattr(order.stop, key), f"stop.{key}"
            kept = Signal.like(port, name=name.replace(".", "_"), init=known[name].reset)
            with m.If(bank.strobe(name)):
                m.d.sync += kept.eq(value)
            m.d.comb += port.eq(kept)
            bank.expose(name, kept)
        for layer in layers:
            rule = layer.rule
            m.d.comb += rule.value.eq(value)
            for number, (name, _) in enumerate(rule.registers.shape()):
                register = f"{name}.{layer.layer.index}"
                m.d.comb += rule.write[number].eq(bank.strobe(register))
                bank.expose(register, rule.registers[name])

        def counter(name: str, event: Value, amount: Value | int = 1) -> None:
            count = Signal(32, name=name.replace(".", "_"))
            with m.If(event):
                m.d.sync += count.eq(count + amount)
            with m.If(host.clear):
                m.d.sync += count.eq(0)
            bank.expose(name, count)

        counter("samples", host.sample.start)
        counter("cycles", host.sample.busy)
        counter("ran", order.stepped)
        if not self._hardware.counters:
            return
        for index, layer in enumerate(layers, start=1):
            spikes, activity = layer.spikes, layer.activity
            counter(f"spikes.{index - 1}", spikes.push & spikes.ready)
            counter(f"writes.{index}", activity.wrote)
            counter(f"positive.{index}", activity.swept.valid, sum(activity.swept.positive))
            counter(f"negative.{index}", activity.swept.valid, sum(activity.swept.negative))
        output = layers[-1]
        counter(f"spikes.{config.depth}", output.activity.done, sum(output.counted))
