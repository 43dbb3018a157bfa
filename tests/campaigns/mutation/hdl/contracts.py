"""What the callers of some blocks keep to, and what they look at: words of the blocks' own text.

A mutant that only an illegal input tells, or only on a pin that nobody looks at in that clock, is
equivalent for whoever keeps to the contract; `mutation.equivalence` proves that.
"""

from __future__ import annotations

from amaranth import Const, Module, Mux, ResetSignal, Signal, Value

from tests.campaigns.mutation.hdl.equivalence import Contract, Pins

AGAIN = 3
"""Clocks after which a word of neurons may come back."""


def before(m: Module, value: Value) -> Signal:
    """Return what a value was a clock ago."""
    past = Signal(Value.cast(value).shape(), name="before")
    m.d.sync += past.eq(value)
    return past


def sweeps(m: Module, pins: Pins, words: int, start: str) -> tuple[Value, Signal]:
    """Return what holds of the words of neurons, and a bit per word that has no membrane yet.

    A word is named a clock before, comes back after `AGAIN` clocks or more, and comes with `start`
    before it comes without.
    """
    valid, word = pins["valid"], pins["word"]
    legal = ~valid | (word < words) & (before(m, pins["soon"]) == word)
    last = (valid, word)
    for _ in range(AGAIN - 1):
        last = tuple(before(m, value) for value in last)
        legal &= ~(valid & last[0] & (word == last[1]))
    stale = Signal(words, init=(1 << words) - 1)
    at = stale.bit_select(word, 1)
    with m.If(valid & pins[start]):
        m.d.sync += at.eq(0)
    return legal & (~valid | pins[start] | ~at), stale


def forward(words: int) -> Contract:
    """Return the contract of forward neurons; `train` is held behind a sample."""

    def contract(m: Module, pins: Pins) -> tuple[Value, list[Value]]:
        legal, stale = sweeps(m, pins, words, "first")
        train, valid = pins["train"], pins["valid"]
        changed = train != before(m, train)
        with m.If(changed):
            m.d.sync += stale.eq((1 << words) - 1)
            with m.If(valid):
                m.d.sync += stale.bit_select(pins["word"], 1).eq(0)
        legal &= ~changed | ~before(m, valid) & (~valid | pins["first"])
        shown = pins["fired_valid"]
        return legal, [shown, *(Mux(shown, pins[name], 0) for name in ("fired", "fired_word"))]

    return contract


def error(words: int) -> Contract:
    """Return the contract of error neurons; only what is open is charged."""

    def contract(m: Module, pins: Pins) -> tuple[Value, list[Value]]:
        legal, _ = sweeps(m, pins, words, "fresh")
        if "charged" in pins:
            legal &= ~(pins["charged"] & (~pins["open"] | pins["dropped"])).any()
        shown, names = pins["done"], ("positive", "negative", "pending", "done_word")
        return legal, [shown, *(Mux(shown, pins[name], 0) for name in names)]

    return contract


def competition(classes: int) -> Contract:
    """Return the contract of a competition: classes in order, a step behind the one before."""

    def contract(m: Module, pins: Pins) -> tuple[Value, list[Value]]:
        valid, word, done = pins["valid"], pins["word"], pins["done"]
        follows, busy, begun = Signal(range(classes)), Signal(), Signal()
        with m.If(valid):
            m.d.sync += [follows.eq(Mux(follows == classes - 1, 0, follows + 1)), busy.eq(1)]
        with m.If(done):
            m.d.sync += busy.eq(0)
        with m.If(pins["start"]):
            m.d.sync += begun.eq(1)
        named = (word == follows) & (before(m, pins["soon"]) == word)
        opens = begun & ~busy & ~before(m, done) & ~before(m, pins["start"])
        legal = ~valid | named & ((follows != 0) | opens)
        legal &= ~pins["start"] | ~busy & ~valid
        first = Signal()  # of the sample's steps
        with m.If(pins["start"]):
            m.d.sync += first.eq(1)
        with m.Elif(done):
            m.d.sync += first.eq(0)
        legal &= (pins["first"] == first) & (
            pins["start"] | (before(m, pins["train"]) == pins["train"])
        )
        words = Value.cast(pins["random__words"])
        legal &= before(m, pins["random__take"]) | (before(m, words) == words)
        return legal, [done, pins["random__take"], Mux(done, pins["counted"], 0)]

    return contract


def scanner(m: Module, pins: Pins) -> tuple[Value, list[Value]]:
    """Return the contract of the scanner: an index counts while it is valid."""
    names = ("valid", "last", "busy", "loaded", "word")
    return Const(1), [*(pins[name] for name in names), Mux(pins["valid"], pins["index"], 0)]


def registers(m: Module, pins: Pins) -> tuple[Value, list[Value]]:
    """Return the contract of a register bank: nobody asks for a register during a reset."""
    asked = Signal(reset_less=True)
    m.d.sync += asked.eq(~ResetSignal())
    return Const(1), [pins["strobes"], Mux(asked, pins["host__data"], 0)]
