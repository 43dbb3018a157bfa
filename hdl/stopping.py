"""Stop when sure: how many steps a sample runs for certain, and whether it may end after them."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine


def stop_port(machine: Machine) -> wiring.Signature:
    """Return what is in force while a sample runs: both margins, and the least number of steps."""
    steps = range(machine.config.steps + 1)
    return wiring.Signature({"train": Out(steps), "infer": Out(steps), "least": Out(steps)})


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
    stop : In; see `stop_port`. steps : In; of a sample. train, label : In, held for the sample.
    begin : In; a sample begins. place : Out, count : In, in the same clock; the counted spikes of
    that class.
    look : In, where `known` steps are over and not all `steps`; they are counted in the next clock.
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
                "stop": In(stop_port(machine)),
                "steps": In(steps),
                "train": In(1),
                "label": In(range(self._classes)),
                "begin": In(1),
                "place": Out(range(self._classes)),
                "count": In(steps),
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
        place, count = self.place, self.count
        first = Signal.like(count)
        second = Signal.like(count)
        margin = Mux(self.train, self.stop.train, self.stop.infer)
        enough, more = Signal(), Signal()
        m.d.comb += [
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
                    m.d.sync += first.eq(count)
                with m.Elif(~self.train & (count > first)):
                    m.d.sync += [first.eq(count), second.eq(first)]
                with m.Elif(count > second):
                    m.d.sync += second.eq(count)
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
