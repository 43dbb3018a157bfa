"""Deliberate faults: every bench must fail on those of its block."""

from __future__ import annotations

import importlib.util
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


class MutantError(LookupError):
    """A fault that cannot be put in: the text it replaces is not in the source exactly once."""


@dataclass(frozen=True)
class Mutant:
    """One fault: `original` of module spikeloom.hdl.`module` becomes `faulty`."""

    module: str
    original: str
    faulty: str
    why: str

    @property
    def source(self) -> Path:
        """The file of the sound module."""
        spec = importlib.util.find_spec(f"spikeloom.hdl.{self.module}")
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin)

    @contextmanager
    def applied(self) -> Iterator[types.ModuleType]:
        """Give the module with the fault in it; the sound one stays what others import."""
        text = self.source.read_text()
        if (count := text.count(self.original)) != 1:
            raise MutantError(
                f"{self.source.name} holds {self.original!r} {count} times, not once: "
                f"rewrite the mutant {self.why!r} to match the source"
            )
        module = types.ModuleType(f"spikeloom.hdl.{self.module}_with_a_fault")
        module.__file__ = str(self.source)
        code = compile(text.replace(self.original, self.faulty), f"<{self.why}>", "exec")
        exec(code, module.__dict__)
        yield module


def assert_fails(mutant: Mutant, bench: Callable[[types.ModuleType], object]) -> None:
    """Check that `bench`, given the module with the fault in it, notices."""
    with mutant.applied() as module, pytest.raises(AssertionError):
        bench(module)


def of(block: str) -> list[Mutant]:
    """Return the faults of one block's bench."""
    return [Mutant(*entry) for entry in MUTANTS[block]]


MUTANTS: dict[str, list[tuple[str, str, str, str]]] = {
    "arithmetic": [
        (
            "arithmetic",
            "return value[zeros:].as_signed() >= limit >> zeros",
            "return value[zeros:].as_signed() > limit >> zeros",
            "the limit itself is not enough",
        ),
        (
            "arithmetic",
            "return value[zeros:].as_signed() >= limit >> zeros",
            "return value[zeros:] >= limit >> zeros",
            "the sign is forgotten",
        ),
        (
            "arithmetic",
            " & ~value[:zeros].any())",
            ")",
            "what the zeros of the limit face is forgotten",
        ),
        (
            "arithmetic",
            "sign & (~upper.all() | ~value[:bits].any())",
            "sign & ~upper.all()",
            "one below the lower limit stays",
        ),
        (
            "arithmetic",
            "Mux(value == -limit - 1, -limit, value) if",
            "value if",
            "the most negative number of the width stays",
        ),
    ],
    "lfsr": [
        (
            "lfsr",
            "state[tap - lfsr.chunk : tap] for tap in lfsr.taps",
            "state[tap - lfsr.chunk : tap] for tap in lfsr.taps[:-1]",
            "a tap is missing",
        ),
        ("lfsr", "advance(leaps[-1], lfsr)", "advance(leaps[0], lfsr)", "all draws are the same"),
        (
            "lfsr",
            "with m.Case(count):",
            "with m.Case(min(count, 1)):",
            "several draws move the state by one word",
        ),
        ("lfsr", "register[32:].eq(self.value)", "register[32:].eq(0)", "upper half not written"),
        (
            "lfsr",
            "with m.If(taking & self.infer):\n                m.d.sync += other",
            "with m.If(taking & self.infer):\n                m.d.sync += main",
            "inference moves training's state",
        ),
        ("lfsr", "Signal(degree, init=first)", "Signal(degree)", "power-up at a wrong state"),
        ("lfsr", "blank.eq(register == 0)", "blank.eq(register == 1)", "a state of 0 stays"),
        ("lfsr", "self.begin & blank, second", "self.begin, second", "the host's seed is not used"),
    ],
    "encoder": [
        (
            "encoder",
            "(self.random.words[d] < product)",
            "(self.random.words[d] <= product)",
            "a word equal to the product spikes",
        ),
        ("encoder", "last.there[d] & ~last.drop[d] & ", "last.there[d] & ", "dropout is ignored"),
        (
            "encoder",
            "taken.eq(sum(last.there[d] for d in range(draws)))",
            "taken.eq(sum(last.there[d] & ~last.drop[d] for d in range(draws)))",
            "a dropped pixel draws nothing",
        ),
        (
            "encoder",
            "last_group.eq(place + draws >= active)",
            "last_group.eq(place + draws > active)",
            "a group too many where draws divide the pixels",
        ),
        (
            "encoder",
            "with m.If(self.swap | self.image.empty):",
            "with m.If(self.swap):",
            "the image that was replaced stays",
        ),
        (
            "encoder",
            "Mux(self.train, ramps[0][step], ramps[1][step])",
            "Mux(self.train, ramps[1][step], ramps[0][step])",
            "the ramps of training and inference are swapped",
        ),
        (
            "encoder",
            "self.drop.words[0] < self._machine.input_dropout",
            "self.drop.words[0] <= self._machine.input_dropout",
            "a word equal to the chance drops",
        ),
        (
            "encoder",
            "with m.Elif(self.spikes.ready):\n            m.d.sync += spikes",
            "with m.Else():\n            m.d.sync += spikes",
            "spikes go on where the list is not ready",
        ),
    ],
    "dropout": [
        ("dropout", "words[0] < self._chance", "words[0] <= self._chance", "equality drops"),
        ("dropout", "count != neurons - 1", "count != neurons", "a neuron too many is drawn"),
        ("dropout", "self.dropped.eq(0), ", "", "what was dropped stays so"),
    ],
    "forward": [
        (
            "neuron",
            "reached.eq(at_least(floored, theta))",
            "reached.eq(floored > theta)",
            "a membrane at the threshold does not fire",
        ),
        (
            "neuron",
            "Mux(at_least(total, floor), total, floor)",
            "total",
            "no floor",
        ),
        ("neuron", "Mux(at_least(floored, ceiling), ceiling, floored)", "floored", "no ceiling"),
        (
            "neuron",
            "Mux(at_least(floored, after_reset), ceiling, floored - theta)",
            "floored - theta",
            "no ceiling for what is left of a reset",
        ),
        ("neuron", "reached & ~self.dropped[lane]", "reached", "dropout is ignored"),
        (
            "neuron",
            'if neuron.reset == "subtract":',
            'if neuron.reset != "never":',
            "reset to zero subtracts",
        ),
        (
            "neuron",
            "flow = Mux(negative, charge + ((1 << shift) - 1), charge) >> shift",
            "flow = charge >> shift",
            "the kernel rounds negative charge down",
        ),
        (
            "neuron",
            "Mux(self.first, start, held[lane]) + flows[lane]",
            "held[lane] + flows[lane]",
            "the membrane of the sample before goes on",
        ),
        ("neuron", "self.fired.eq(spikes & mask)", "self.fired.eq(spikes)", "no lane is masked"),
        (
            "neuron",
            "a if a == b else Mux(self.train, a, b)",
            "a",
            "inference uses the limits of training",
        ),
    ],
    "error": [
        (
            "neuron",
            "opened[lane] & at_least(x, theta), opened[lane]",
            "opened[lane] & (x > theta), opened[lane]",
            "a membrane at the threshold does not fire",
        ),
        (
            "neuron",
            "clip(total, limit)",
            "Mux(total > limit, limit, total)",
            "no saturation at the lower rail",
        ),
        (
            "neuron",
            "clip(total, limit)",
            "Mux(total < -limit, -limit, total)",
            "no saturation at the upper rail",
        ),
        (
            "neuron",
            "else self.open & ~self.dropped",
            "else ~self.dropped",
            "the gate is ignored",
        ),
        (
            "neuron",
            "~self.dropped if always",
            "self.dropped | ~self.dropped if always",
            "dropout is ignored where the gate always is open",
        ),
        (
            "neuron",
            'error.gate == "discard" and not self._output',
            'error.gate == "never" and not self._output',
            "charge is kept where it is to be discarded",
        ),
        (
            "neuron",
            "Mux(negative, theta, 0)",
            "Mux(negative, -theta, 0)",
            "a negative spike's reset has the wrong sign",
        ),
        (
            "neuron",
            "at_most(x, -theta), at_most(x, -2 * theta)",
            "at_least(x, theta), at_most(x, -2 * theta)",
            "the shared membrane never fires below 0",
        ),
        (
            "neuron",
            "at_least(x, 2 * theta) | far_below",
            "at_least(x, 2 * theta)",
            "several negative thresholds are forgotten",
        ),
        (
            "neuron",
            "total.eq(Mux(self.fresh, 0, before) + flow)",
            "total.eq(before + flow)",
            "the membrane of the sample before goes on",
        ),
        (
            "neuron",
            "self.pending.eq((pend | (flowing & mask)).any())",
            "self.pending.eq(pend.any())",
            "flowing pools are forgotten",
        ),
        (
            "neuron",
            "_kernel(rest, Const(0), shift)[0] != 0",
            "rest >> shift != 0",
            "a negative rest seems to flow for ever",
        ),
    ],
    "wta": [
        (
            "wta",
            "self.sums[lane] - (total - own)",
            "self.sums[lane] - total",
            "a neuron inhibits itself (lateral)",
        ),
        (
            "wta",
            "Mux(self.raw[j], SPIKE, 0) - (total - own)",
            "Mux(self.raw[j], SPIKE, 0) - total",
            "a neuron inhibits itself (second stage)",
        ),
        ("wta", "Mux(pushed < FLOOR, FLOOR, pushed)", "pushed", "no floor"),
        ("wta", "fire = floored >= SPIKE", "fire = floored > SPIKE", "a full stage does not fire"),
        ("wta", "m.d.sync += u.eq(START)", "m.d.sync += u.eq(0)", "start at a wrong value"),
        (
            "wta",
            'self.raw if self._kind == "feedforward" else self.counted',
            'self.counted if self._kind == "feedforward" else self.raw',
            "spikes of the wrong step inhibit",
        ),
        (
            "wta",
            "with m.If(self.start):\n            m.d.sync += self.counted.eq(0)",
            "with m.If(0):\n            m.d.sync += self.counted.eq(0)",
            "spikes of the sample before inhibit",
        ),
    ],
    "crossbar": [
        (
            "crossbar",
            "clip(words[lane] + change, layer.weight_max)",
            (
                "Mux((new := words[lane] + change) > (top := layer.weight_max), top, "
                "Mux(new < -top - 1, -top - 1, new))"
            ),
            "the most negative code is used",
        ),
        (
            "crossbar",
            "clip(words[lane] + change, layer.weight_max)",
            "Mux((new := words[lane] + change) < -layer.weight_max, -layer.weight_max, new)",
            "no saturation at the upper rail",
        ),
        (
            "crossbar",
            "term = Cat(minus, term ^ minus.replicate(len(term)).as_signed()).as_signed()",
            "term = Cat(0, term).as_signed()",
            "a negative error spike adds its column",
        ),
        (
            "crossbar",
            "Mux(reading.transposed, reading.column, reading.row)",
            "Mux(reading.transposed, reading.column + 1, reading.row)",
            "a column's turn is off by one",
        ),
        ("crossbar", "bank - row[:bits]", "bank + row[:bits]", "a row turns the wrong way"),
        ("crossbar", "bank - low", "bank + low", "a row is written where it was not read"),
        (
            "crossbar",
            "_turned(bits[0], turn, width)",
            "_turned(bits[0], None, width)",
            "a signal is not turned to the banks",
        ),
        (
            "crossbar",
            "poked.eq(_turned(chosen, turned, width))",
            "poked.eq(_turned(chosen, None, width))",
            "a poke is not turned to the banks",
        ),
        (
            "crossbar",
            "learn = (up | down).any() & ~access.transposed",
            "learn = (up | down).any()",
            "a column access writes",
        ),
        (
            "crossbar",
            "access.valid & (learn | access.poke)",
            "access.valid & ~access.transposed",
            "a row without coincidence is written",
        ),
        (
            "crossbar",
            "move.eq(~write if layer.ports == 1 else 1)",
            "move.eq(1)",
            "a one-port memory reads while it writes",
        ),
        (
            "crossbar",
            "before, term = Mux(access.first, 0, before)",
            "before, term = before",
            "a sum does not start anew",
        ),
        (
            "crossbar",
            "Mux(access.first, 0, before), Mux(access.valid, term, 0)",
            "Mux(access.first, 0, before), term",
            "an empty access adds the word read before",
        ),
        (
            "crossbar",
            "self.done.eq(access.last & ~access.host)",
            "self.done.eq(access.last)",
            "the host's accesses make sums of a sample",
        ),
        (
            "crossbar",
            "self.wrote.eq(access.valid & learn)",
            "self.wrote.eq(access.valid & (learn | access.poke))",
            "a poke counts as learning",
        ),
        (
            "crossbar",
            "keep.eq(self.keep & ~self.access.host)",
            "keep.eq(self.keep)",
            "a poke changes its neighbours",
        ),
        (
            "crossbar",
            "_turned(bits[0], turn, width) & keep.replicate(width)",
            "_turned(bits[0], turn, width)",
            "a row that is not kept is written",
        ),
        (
            "crossbar",
            "both = Mux(move, first, back)",
            "both = first",
            "a one-port memory writes where it reads next",
        ),
        (
            "crossbar",
            "with m.If(~move):\n",
            "with m.If(0):\n",
            "an access that waits is summed twice",
        ),
        (
            "crossbar",
            "with m.If(goes_on & before.first",
            "with m.If(0 & before.first",
            "sums are not cleared in the gap",
        ),
        (
            "crossbar",
            "goes_on & before.first & (before.valid | before.last)",
            "goes_on & before.first",
            "sums are cleared where there is no access",
        ),
    ],
    "fold": [
        ("fold", "~owed & (left == 0)", "left == 0", "a word is asked for before one has come"),
        ("fold", "~owed & (left == 0)", "~owed", "a word comes while one is taken apart"),
        ("fold", "held >> size", "held", "all pieces are the first"),
        ("fold", "step.eq(self.valid & self.ready)", "step.eq(self.valid)", "a piece is not held"),
        (
            "fold",
            "Mux(self.word == layer.words - 1, short, pieces)",
            "pieces",
            "the last word is as long as the others",
        ),
        ("fold", "Mux(last, 0, self.index + 1)", "self.index + 1", "the index does not go round"),
        (
            "fold",
            "self.soon.eq(self.index),",
            "self.soon.eq(0),",
            "the coming index is forgotten while a piece waits",
        ),
    ],
    "wheel": [
        (
            "wheel",
            "Mux(self.write, self.data[plane], bits[:stride])",
            "bits[:stride]",
            "nothing is replaced",
        ),
        (
            "wheel",
            "Mux(self.write, self.data[plane], bits[:stride])",
            "self.data[plane]",
            "what is only read is replaced",
        ),
        ("wheel", "rest = self._size - turns * stride", "rest = 0", "the padding is not skipped"),
        (
            "wheel",
            "Mux(final, round_.rotate_right(stride + rest), following)",
            "round_.rotate_right(stride + rest)",
            "the padding is skipped with every turn",
        ),
        (
            "wheel",
            "self.low[plane].eq(following)",
            "self.low[plane].eq(bits)",
            "a late turn shows late",
        ),
        (
            "wheel",
            "with m.If(self.clear):\n            m.d.sync += bits.eq(0)",
            "with m.If(self.clear):\n            m.d.sync += bits[0].eq(0)",
            "only one bit is cleared",
        ),
    ],
    "drum": [
        ("drum", "Mux(blank, 0, read.data.as_value())", "read.data", "a clear does nothing"),
        (
            "drum",
            "with m.If(replacing & self.final):\n            m.d.sync += blank.eq(0)",
            "with m.If(replacing):\n            m.d.sync += blank.eq(0)",
            "it is filled after the first turn",
        ),
        (
            "drum",
            "with m.If(self.clear):\n            m.d.sync += blank.eq(1)",
            "with m.If(self.clear):\n            m.d.sync += blank.eq(blank)",
            "a second clear does nothing",
        ),
        ("drum", "Mux(self.final, 0, here + 1)", "here + 1", "a sweep does not end at the start"),
        (
            "drum",
            "replacing = self.turn.any() & self.write",
            "replacing = self.turn.any()",
            "writes always",
        ),
        ("drum", "full = self.final | (piece", "full = (piece", "a short last word is lost"),
        (
            "drum",
            "kept.as_value().eq(Mux(full, 0, whole.as_value()))",
            "kept.as_value().eq(0)",
            "a word holds its last piece only",
        ),
        ("drum", "word.eq(Mux(self.final, 0, word + full))", "word.eq(word + full)", "words go on"),
        (
            "drum",
            "self.turn.any() if together else self.turn[0]",
            "self.turn[0]",
            "a second sweep of the same stride stands still",
        ),
    ],
    "learning": [
        (
            "learning",
            "self.word < self.probability",
            "self.word <= self.probability",
            "a word equal to the probability is kept",
        ),
        (
            "learning",
            "self.take.eq(self.train & self.spike)",
            "self.take.eq(self.spike)",
            "inference draws",
        ),
        (
            "learning",
            "self.keep.eq(self.train & (self.word",
            "self.keep.eq((self.word",
            "inference keeps",
        ),
        (
            "learning",
            "self.positive & ~self.negative",
            "self.positive",
            "both error spikes write",
        ),
        ("learning", "self.keep.eq(self.spike)", "self.keep.eq(1)", "always kept"),
        ("learning", "Mux(large, 1 << self._bits, one_hot)", "one_hot", "a large step is none"),
        (
            "learning",
            "large = shift > self._bits",
            "large = shift >= self._bits - 1",
            "a step is large too early",
        ),
        ("learning", "shift, init=self._init[0]", "shift, init=0", "power-up at a wrong shift"),
    ],
    "spikes": [
        (
            "spikes",
            "held.eq(pushed - start)",
            "held.eq(pushed - here)",
            "what was read is overwritten before it is released",
        ),
        (
            "spikes",
            "(held != depth) & ((left + closing) != 2)",
            "held != depth",
            "the writer runs three steps ahead",
        ),
        (
            "spikes",
            "Mux(steps == 0, here != end, here != closed[0])",
            "here != end",
            "a step goes on into the next",
        ),
        (
            "spikes",
            "pushed.eq(Mux(write.en, end + 1, end))",
            "pushed.eq(end)",
            "pushes are lost",
        ),
        ("spikes", "here.eq(start)", "here.eq(here)", "a rewind does nothing"),
        ("spikes", "after.eq(start + 1)", "after.eq(after)", "a rewind forgets what comes next"),
        (
            "spikes",
            "m.d.sync += closed[0].eq(closed[1])",
            "m.d.sync += closed[0].eq(closed[0])",
            "the second step is forgotten",
        ),
        (
            "spikes",
            "with m.If(left == 0):",
            "with m.If(steps == 0):",
            "a step that ends while one is released is lost",
        ),
        (
            "spikes",
            "index, bits & (bits - 1)[:width]",
            "index, bits & (bits - 2)[:width]",
            "a spike is passed twice",
        ),
        (
            "spikes",
            "self.last.eq(self.busy & final & ~rest.any())",
            "self.last.eq(self.busy & ~rest.any())",
            "every word ends the step",
        ),
        (
            "spikes",
            "step.eq(~self.busy | (self.ready & ~rest.any()))",
            "step.eq(~self.busy | ~rest.any())",
            "a word's last spike is not held",
        ),
    ],
    "weights": [
        (
            "weights",
            "crc.data.eq(given.byte)",
            "crc.data.eq(given.byte[::-1])",
            "a wrong CRC",
        ),
        (
            "weights",
            "Mux(cursor.outside, 0, self.access.weight)",
            "self.access.weight",
            "a row beyond the crossbar is not read as zeros",
        ),
        (
            "weights",
            "access.valid.eq(~cursor.outside), access.poke.eq(1)",
            "access.valid.eq(1), access.poke.eq(1)",
            "a row beyond the crossbar is written",
        ),
        (
            "weights",
            "at_end, word_end = place == columns - 1, self.column == lanes - 1",
            "at_end, word_end = place == columns - 1, self.column == lanes",
            "a word is a column too long",
        ),
        ("weights", "data.eq(Cat(low, self.i.payload))", "data.eq(low)", "half a weight"),
        ("weights", "wait.eq(SETTLE - 1)", "wait.eq(1)", "a weight is read too early"),
        (
            "weights",
            "passed = given.valid & (digesting | self.o.ready)",
            "passed = given.valid",
            "a byte is not held",
        ),
        ("weights", "wait.eq(REST - 3)", "wait.eq(1)", "a weight is written too soon"),
        (
            "weights",
            "m.d.sync += rows_left.eq(rows_of[self.layer + 1])",
            "m.d.sync += rows_left.eq(1)",
            "the digest leaves out rows",
        ),
    ],
    "registers": [
        (
            "registers",
            "with m.Case(register.address):",
            "with m.Case(register.address ^ 1):",
            "neighbours are swapped",
        ),
        (
            "registers",
            "self._strobes[name].eq(self.host.write)",
            "self._strobes[name].eq(1)",
            "a read writes",
        ),
        ("registers", "data.eq(0)\n", "data.eq(self.host.data)\n", "an unknown one is not 0"),
    ],
    "streams": [
        (
            "streams",
            "state = target.seed if number == INFERENCE else target.state",
            "state = target.state",
            "the inference seed reads as training's state",
        ),
        (
            "streams",
            "target.write_seed if number == INFERENCE else target.write",
            "target.write",
            "writing the inference seed writes training's state",
        ),
        (
            "streams",
            "second=seeds[INFERENCE]",
            "second=seeds[INPUT]",
            "inference begins with training's seed",
        ),
        (
            "streams",
            "state[32 * half : 32 * half + 32]",
            "state[:32]",
            "the high half reads as the low one",
        ),
    ],
}
