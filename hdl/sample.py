"""The order of a sample: when a step may be taken, when one is over, and what it was to be."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.hdl.lfsr import random_words
from spikeloom.hdl.stopping import Stopping, stop_port

SAMPLE = wiring.Signature({"start": Out(1), "train": Out(1), "grant": Out(1)})
"""What everybody is told of a sample.

start : one begins. train : held for the sample. grant : each layer may take one step (training);
inferring they go on by themselves.
"""


def sample_port(machine: Machine) -> wiring.Signature:
    """Return the bundle that runs samples.

    start : while not busy; run the image loaded last. train, label : with start. busy : a sample is
    running. count : counted spikes of class `place`, and ran : steps that it ran, while not busy.
    """
    config = machine.config
    return wiring.Signature(
        {
            "start": Out(1),
            "train": Out(1),
            "label": Out(range(config.sizes[-1])),
            "busy": In(1),
            "place": Out(range(config.sizes[-1])),
            "count": In(range(config.steps + 1)),
            "ran": In(range(config.steps + 1)),
        }
    )


def target_port(classes: int) -> wiring.Signature:
    """Return what the output layer's error neurons compare.

    valid : the output layer has taken a training step. counted, wanted : its spikes and the
    label's, until the step is over.
    """
    return wiring.Signature({"valid": Out(1), "counted": Out(classes), "wanted": Out(classes)})


class Sample(wiring.Component):
    """Counts the steps of a sample, and grants the next one when a training step is over.

    Where a sample can end early, a step also waits for what `hdl.stopping` has to decide after it:
    in training that goes on while its errors come down.

    Members
    -------
    host : In; see `sample_port`. steps : In; of a sample. random : In; the label's stream.
    sample : Out; see `SAMPLE`. dropping : In; dropout is being drawn.
    done : In, with counted; the output layer has taken a step. target : Out; see `target_port`.
    over : In; the error spikes of the step are in place. stepped : Out; a step ends.
    stop : In, and known : Out, where a sample can end early; see `hdl.stopping`.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        classes, steps = machine.config.sizes[-1], range(machine.config.steps + 1)
        stop = {"stop": In(stop_port(machine)), "known": Out(steps)}
        super().__init__(
            {
                "host": In(sample_port(machine)),
                "steps": In(steps),
                "random": In(random_words()),
                "sample": Out(SAMPLE),
                "dropping": In(1),
                "done": In(1),
                "counted": In(classes),
                "target": Out(target_port(classes)),
                "over": In(1),
                "stepped": Out(1),
                **(stop if machine.config.stop.used else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Begin, count, grant."""
        m = Module()
        host, sample, target = self.host, self.sample, self.target
        step, over = host.ran, self.stepped
        label, preparing = Signal.like(host.label), Signal()
        counts = Array(Signal.like(host.count, name=f"count{j}") for j in range(len(self.counted)))
        m.d.comb += host.count.eq(counts[host.place])
        m.d.sync += sample.start.eq(host.start)
        with m.If(host.start):
            m.d.sync += [
                sample.train.eq(host.train),
                label.eq(host.label),
                host.busy.eq(1),
                preparing.eq(1),
                step.eq(0),
                *(count.eq(0) for count in counts),
            ]
        with m.If(preparing & ~sample.start & ~self.dropping):
            m.d.sync += preparing.eq(0)
            m.d.comb += sample.grant.eq(1)
        with m.If(self.done):
            m.d.sync += [count.eq(count + self.counted[j]) for j, count in enumerate(counts)]
        wanted = self._wanted(m, step)
        m.d.comb += [
            target.valid.eq(self.done & sample.train),
            target.counted.eq(self.counted),
            target.wanted.eq(Cat((label == j) & wanted for j in range(len(self.counted)))),
        ]
        last = step + 1 == self.steps
        ended = self.over | (self.done & ~sample.train)
        if self._machine.config.stop.used:
            ended, last = self._stop(m, label, counts, ended, last)
        m.d.comb += over.eq(ended)
        with m.If(over):
            m.d.sync += step.eq(step + 1)
            with m.If(last):
                m.d.sync += host.busy.eq(0)
            with m.Elif(sample.train):
                m.d.comb += sample.grant.eq(1)
        return m

    def _stop(
        self, m: Module, label: Value, counts: Array, ended: Value, last: Value
    ) -> tuple[Value, Value]:
        """Let a step that has `ended` wait until it is decided whether it was the last."""
        host = self.host
        m.submodules.stopping = stopping = Stopping(self._machine)
        wiring.connect(m, wiring.flipped(self.stop), stopping.stop)
        waiting, undecided = Signal(), Signal()
        m.d.comb += [
            stopping.steps.eq(self.steps),
            stopping.train.eq(self.sample.train),
            stopping.label.eq(label),
            stopping.begin.eq(self.sample.start),
            # one way to the counts for both, who never look at the same time
            host.count.eq(counts[Mux(host.busy, stopping.place, host.place)]),
            stopping.count.eq(host.count),
            stopping.look.eq(self.done & (host.ran + 1 == stopping.known) & ~last),
            self.known.eq(stopping.known),
            undecided.eq(stopping.look | stopping.busy),
        ]
        m.d.sync += waiting.eq((ended | waiting) & undecided)
        return (ended | waiting) & ~undecided, last | stopping.sure

    def _wanted(self, m: Module, step: Signal) -> Value:
        """Return the label neuron's spike of the step; it must hold until the step is over."""
        table, used = Array(self._machine.label)[step], self.target.valid
        if not self._machine.label_is_random:
            return table
        drawn, wanted, now = Signal(), Signal(), self.random.words[0] < table
        m.d.comb += [self.random.take.eq(used), wanted.eq(drawn)]
        with m.If(used):
            m.d.sync += drawn.eq(now)
            m.d.comb += wanted.eq(now)
        return wanted
