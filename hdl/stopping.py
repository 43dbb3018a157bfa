"""Stop when sure: how many steps a sample runs for certain, and whether it may end after them."""

from __future__ import annotations

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.stopping import LEAST, MARGINS

STOP = wiring.Signature(
    {
        "train": Out(range(MARGINS.high + 1)),
        "infer": Out(range(MARGINS.high + 1)),
        "least": Out(range(LEAST.high + 1)),
    }
)
"""What is in force while a sample runs: both margins, and the least number of steps."""


class Stopping(wiring.Component):
    """Looks at the counted spikes once it must: when all steps known to be run are over.

    A step adds at most one spike to a class and takes none from another, so a lead grows by at most
    one a step: after n steps with lead d a sample can't be sure before n + margin - d, nor before
    `least`. So many steps are `known`, and may be drawn and begun; most of them are over before
    anything has to be compared. Then, and only then, the leads are looked at again, one class per
    clock, while nothing else changes them.

    Parameters
    ----------
    machine : steps and classes.

    Members
    -------
    stop : In; see `STOP`. steps : In; of a sample. train, label : In, held for the sample.
    begin : In; a sample begins. counts : In; its counted spikes per class.
    look : In, where `known` steps are over and not all `steps`; they show in `counts` from the next
    clock on.
    known : Out; steps that are run for certain, never beyond `steps`: 0 after `begin`, then, as
    after a look that is not sure, one more every clock until there are no more.
    busy : Out; from the clock after `look` on, until it is decided. sure : Out, then; the sample
    ends.

    Latency: look to not busy 2 clocks and one per class. Golden: `golden.stopping.lead`.
    """

    def __init__(self, machine: Machine) -> None:
        config = machine.config
        self._classes = config.sizes[-1]
        steps = range(config.steps + 1)
        super().__init__(
            {
                "stop": In(STOP),
                "steps": In(steps),
                "train": In(1),
                "label": In(range(self._classes)),
                "begin": In(1),
                "counts": In(data.ArrayLayout(config.steps.bit_length(), self._classes)),
                "look": In(1),
                "known": Out(steps),
                "busy": Out(1),
                "sure": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Find the two counts that matter, then know steps until their lead could be enough."""
        m = Module()
        known, classes = self.known, self._classes
        first, second = Signal.like(self.counts[0]), Signal.like(self.counts[0])
        place, value = Signal(range(classes)), Signal.like(first)
        margin = Mux(self.train, self.stop.train, self.stop.infer)
        enough, more = Signal(), Signal()
        m.d.comb += [
            value.eq(Array(self.counts[j] for j in range(classes))[place]),
            enough.eq((margin != 0) & (first - second >= margin)),
            more.eq((known != self.steps) & ((known < self.stop.least) | ~enough)),
        ]
        with m.FSM(name="stopping") as state:
            with m.State("KNOWN"):
                with m.If(self.begin):
                    m.d.sync += known.eq(0)
                    m.next = "DECIDE"
                with m.Elif(self.look):
                    m.next = "SCAN"
            with m.State("SCAN"):
                with m.If(self.train & (place == self.label)):
                    m.d.sync += first.eq(value)
                with m.Elif(~self.train & (value > first)):
                    m.d.sync += [first.eq(value), second.eq(first)]
                with m.Elif(value > second):
                    m.d.sync += second.eq(value)
                m.d.sync += place.eq(place + 1)
                with m.If(place == classes - 1):
                    m.next = "DECIDE"
            with m.State("DECIDE"):
                m.d.sync += self.sure.eq(~more)
                m.next = "MORE"
            with m.State("MORE"), m.If(~more):
                m.next = "KNOWN"
        deciding = state.ongoing("DECIDE")
        m.d.comb += self.busy.eq(state.ongoing("SCAN") | deciding)
        with m.If(more & (deciding | state.ongoing("MORE"))):
            # as if the first alone had spikes from now on
            m.d.sync += [known.eq(known + 1), first.eq(first + 1)]
        with m.If(self.begin | self.look):
            m.d.sync += [place.eq(0), first.eq(0), second.eq(0)]
        return m
