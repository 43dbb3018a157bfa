"""Mutants that no test can tell from the model, each with the argument why."""

from __future__ import annotations

_KINDS = "equivalent: only the kinds numbered 2 and 3 come here"
_BITS = "equivalent: the operands have no bit in common"
_ZERO = "equivalent: 0 is 0 on either side, shifted or not"
_NOT_NEGATIVE = "equivalent: the number is never negative"
_WORDS = "equivalent: there are two words, and only this one lies on this side"
_TRUTHS = "equivalent: the product of two truths is whether both hold"
_SLICE = "equivalent: the slice is longer, and only its first n elements are used"
_CANCELS = "equivalent: a generator of two taps repeats one of them twice, and either cancels out"
_SLOWER = "equivalent: it only chooses the way that takes one word at a time, to the same words"
_LONGER = "equivalent: the array is longer than what is used of it"
_UNUSED = "equivalent: the place of the input, of which nothing is read"
_NOT_ZERO = "equivalent: 0 does not come here"
_ONE_OR_TWO = "equivalent: there are one or two ports"

EXPLAINED: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "wta",
        _KINDS,
        "own = raw[j] if kind == FEEDFORWARD else before[j]",
        ("own = raw[j] if kind <= FEEDFORWARD else before[j]",),
    ),
    (
        "wta",
        _KINDS,
        "total += raw[j] if kind == FEEDFORWARD else before[j]",
        ("total += raw[j] if kind <= FEEDFORWARD else before[j]",),
    ),
    (
        "crossbar",
        _BITS,
        "a, b = _row(weights, rows[k], n), _row(weights, rows[k + 1], n)",
        tuple(f"a, b = _row(weights, rows[k], n), _row(weights, rows[k {o} 1], n)" for o in "|^"),
    ),
    (
        "crossbar",
        _BITS,
        "c, d = _row(weights, rows[k + 2], n), _row(weights, rows[k + 3], n)",
        (
            *(
                f"c, d = _row(weights, rows[k {o} 2], n), _row(weights, rows[k + 3], n)"
                for o in "|^"
            ),
            *(
                f"c, d = _row(weights, rows[k + 2], n), _row(weights, rows[k {o} 3], n)"
                for o in "|^"
            ),
        ),
    ),
    (
        "crossbar",
        _SLICE,
        "return weights[row * n : (row + 1) * n]",
        ("return weights[row * n : (row + 2) * n]",),
    ),
    (
        "neuron",
        _ZERO,
        "flow = charge >> shift if charge >= 0 else -(-charge >> shift)",
        (
            "flow = charge >> shift if charge > 0 else -(-charge >> shift)",
            "flow = charge >> shift if charge >= 1 else -(-charge >> shift)",
        ),
    ),
    (
        "neuron",
        _NOT_NEGATIVE,
        "more |= abs(charge - flow) >> shift != 0",
        ("more |= abs(charge - flow) >> shift > 0",),
    ),
    (
        "neuron",
        "equivalent: at shift 0 all charge flows at once that way, too, and the pool stays empty",
        "if shift == 0:",
        ("if shift == -1:", "if shift < 0:"),
    ),
    (
        "neuron",
        _NOT_NEGATIVE,
        "is_open = gate[j] != 0",
        ("is_open = gate[j] > 0",),
    ),
    (
        "neuron",
        _NOT_NEGATIVE,
        "return flows or waiting != 0",
        ("return flows or waiting > 0",),
    ),
    (
        "neuron",
        _NOT_NEGATIVE,
        "to_zero, drop = p[TO_ZERO] != 0, np.int32(p[DROP])",
        ("to_zero, drop = p[TO_ZERO] > 0, np.int32(p[DROP])",),
    ),
    (
        "neuron",
        _NOT_NEGATIVE,
        "if p[LEAK] == 0:",
        ("if p[LEAK] <= 0:",),
    ),
    (
        "neuron",
        _NOT_NEGATIVE,
        "fires = (x >= theta) & (dropped[j] == 0)",
        ("fires = (x >= theta) & (dropped[j] <= 0)",),
    ),
    (
        "neuron",
        _TRUTHS,
        "fires = (x >= theta) & (dropped[j] == 0)",
        ("fires = (x >= theta) * (dropped[j] == 0)",),
    ),
    *(
        (
            "neuron",
            _TRUTHS,
            f"{name} = np.int32(is_open & ({side} >= th))",
            (f"{name} = np.int32(is_open * ({side} >= th))",),
        )
        for name, side in (("up", "x"), ("down", "y"))
    ),
    (
        "neuron",
        "equivalent: only whether it is 0 is asked for",
        "waiting |= (m[j] >= p[ERROR_THETA]) | (m_n[j] >= p[ERROR_THETA])",
        ("waiting |= (m[j] >= p[ERROR_THETA]) + (m_n[j] >= p[ERROR_THETA])",),
    ),
    (
        "neuron",
        _TRUTHS,
        "waiting |= is_open & (max(x, y) >= th)",
        ("waiting |= is_open * (max(x, y) >= th)",),
    ),
    (
        "neuron",
        "equivalent: no layer comes after the last",
        "gate = OPEN if layer.index == machine.config.depth else GATES[config.gate]",
        ("gate = OPEN if layer.index >= machine.config.depth else GATES[config.gate]",),
    ),
    (
        "neuron",
        _WORDS,
        'separate = config.membranes == "separate"',
        ('separate = config.membranes <= "separate"',),
    ),
    (
        "neuron",
        _WORDS,
        'to_zero = config.reset == "zero"',
        ('to_zero = config.reset >= "zero"',),
    ),
    (
        "neuron",
        "equivalent: numbers that only have to differ",
        "HOLD, DISCARD, OPEN = 0, 1, 2",
        ("HOLD, DISCARD, OPEN = -1, 1, 2", "HOLD, DISCARD, OPEN = 0, 1, 3"),
    ),
    (
        "neuron",
        "equivalent: no kind of gate has a larger number",
        "if p[GATE] == OPEN:",
        ("if p[GATE] >= OPEN:",),
    ),
    (
        "neuron",
        "equivalent: no kind of gate has a larger number",
        "gate[j] = p[GATE] == OPEN and dropped[j] == 0",
        ("gate[j] = p[GATE] >= OPEN and dropped[j] == 0",),
    ),
    (
        "neuron",
        _NOT_NEGATIVE,
        "gate[j] = p[GATE] == OPEN and dropped[j] == 0",
        ("gate[j] = p[GATE] == OPEN and dropped[j] <= 0",),
    ),
    (
        "sample",
        _SLICE,
        "s.dropped[c.first[layer] : c.first[layer + 1]],",
        ("s.dropped[c.first[layer] : c.first[layer + 2]],",),
    ),
    (
        "encoder",
        _NOT_NEGATIVE,
        "count += image[i] != 0",
        ("count += image[i] > 0",),
    ),
    (
        "rules/rate",
        _NOT_NEGATIVE,
        "if pre[i] == 0:",
        ("if pre[i] <= 0:",),
    ),
    (
        "lfsr",
        _CANCELS,
        "taps = list(lfsr.taps) + [lfsr.taps[-1]] * (4 - len(lfsr.taps))",
        tuple(
            f"taps = list(lfsr.taps) + [lfsr.taps[{place}]] * (4 - len(lfsr.taps))"
            for place in ("-2", "-0", "1", "+1", "~1", "not 1")
        ),
    ),
    (
        "lfsr",
        _BITS,
        "state = (state << TRIPLE) | (new & ((1 << TRIPLE) - 1))",
        tuple(f"state = (state << TRIPLE) {o} (new & ((1 << TRIPLE) - 1))" for o in "+^"),
    ),
    (
        "lfsr",
        _BITS,
        "return ((state << WORD_BITS) | (new & 0xFFFF)) & p[5]",
        tuple(f"return ((state << WORD_BITS) {o} (new & 0xFFFF)) & p[5]" for o in "+^"),
    ),
    (
        "lfsr",
        _BITS,
        "state = ((state << chunk) | new) & p[5]",
        tuple(f"state = ((state << chunk) {o} new) & p[5]" for o in "+^"),
    ),
    (
        "lfsr",
        _SLOWER,
        "if p[6] == 3:",
        ("if p[6] >= 3:", "if p[6] > 3:", "if p[6] == 4:", "if p[6] == 2:", "if p[5] == 3:"),
    ),
    (
        "lfsr",
        _SLOWER,
        "while i + 3 <= count:",
        ("while i + 3 < count:", "while i + 3 == count:", "while i + 4 <= count:"),
    ),
    (
        "lfsr",
        _SLOWER,
        "leap = 3 if min(lfsr.taps) >= TRIPLE else 1",
        (
            *(f"leap = 3 if min(lfsr.taps) {o} TRIPLE else 1" for o in (">", "==")),
            *(f"leap = {n} if min(lfsr.taps) >= TRIPLE else 1" for n in (2, 4)),
            *(f"leap = 3 if min(lfsr.taps) >= TRIPLE else {n}" for n in (0, 2)),
        ),
    ),
    (
        "lfsr",
        "equivalent: three words are a leap only where a tap less the chunk is 32 to 63",
        "a, b, c, d = p[0] - 32, p[1] - 32, p[2] - 32, p[3] - 32",
        tuple(
            "a, b, c, d = " + ", ".join(f"p[{i}] {'%' if i == k else '-'} 32" for i in range(4))
            for k in range(4)
        ),
    ),
    (
        "crossbar",
        _BITS,
        "whole = count - count % 4",
        ("whole = count ^ count % 4",),
    ),
    (
        "crossbar",
        "equivalent: it only chooses the way that adds one row at a time, to the same sums",
        "whole = count - count % 4",
        ("whole = count - count >> 4",),
    ),
    (
        "floor",
        _ONE_OR_TWO,
        "if layer.ports == 1:",
        ("if layer.ports <= 1:",),
    ),
    (
        "rules/rate",
        _NOT_ZERO,
        "if post[j] < 0:",
        ("if post[j] <= 0:", "if post[j] < 1:"),
    ),
    *(
        (
            "state",
            _LONGER,
            f"{name}=np.zeros(config.depth + 1, np.{kind}),",
            tuple(f"{name}=np.zeros(config.depth {more}, np.{kind})," for more in ("+ 2", "<< 1")),
        )
        for name, kind in (
            ("spike_count", "int64"),
            ("error_count", "int64"),
            ("waiting", "uint8"),
        )
    ),
    (
        "state",
        _UNUSED,
        "def per_layer(values: list[int], first: int = 0) -> np.ndarray:",
        tuple(
            f"def per_layer(values: list[int], first: int = {n}) -> np.ndarray:"
            for n in ("-1", "1")
        ),
    ),
    (
        "network",
        _UNUSED,
        "rows = [(0, 0), *((u.shift, u.probability) for u in updates)]",
        tuple(
            f"rows = [({row}), *((u.shift, u.probability) for u in updates)]"
            for row in (" -1, 0", " 1, 0", "0, 1", "0, -1")
        ),
    ),
    (
        "network",
        _LONGER,
        "raster = np.zeros((2, self.steps, sum(sizes)), np.int8)",
        ("raster = np.zeros(( 3, self.steps, sum(sizes)), np.int8)",),
    ),
    (
        "network",
        "equivalent: nothing is recorded in an array without elements",
        "np.empty((0, 0, 0), np.int8),",
        ("np.empty((0, 0, 1), np.int8),", "np.empty((0, 1, 0), np.int8),"),
    ),
    (
        "sample",
        "equivalent: no layer comes after the last",
        "if layer == c.sizes.size - 1:",
        ("if layer >= c.sizes.size - 1:",),
    ),
    (
        "learning",
        "equivalent: nobody reads the sums of the other rules",
        "if c.rule == RATE:",
        ("if c.rule >= RATE:", "if c.rule <= RATE:"),
    ),
    (
        "learning",
        _NOT_NEGATIVE,
        "if s.error_count[layer] == 0 or c.rule == RATE:",
        ("if s.error_count[layer] <= 0 or c.rule == RATE:",),
    ),
    (
        "learning",
        "equivalent: nobody reads the sums of the last layer's spikes",
        "for layer in range(c.sizes.size - 1):",
        ("for layer in range(c.sizes.size // 1):", "for layer in range(c.sizes.size - 0):"),
    ),
    (
        "learning",
        "equivalent: the input has no crossbar, so nothing is drawn or written",
        "for layer in range(1, c.sizes.size):",
        ("for layer in range( 0, c.sizes.size):",),
    ),
)
"""Module, why, the line as it stands there, and as mutants have it (without indentation)."""

REASONS = {(module, old, new): why for module, why, old, news in EXPLAINED for new in news}


def reason(module: str, diff: str) -> str | None:
    """Return why a mutant with this difference is equivalent; None where nobody said."""
    old, new = (
        "\n".join(line[1:].strip() for line in diff.splitlines() if line.startswith(sign))
        for sign in "-+"
    )
    return REASONS.get((module, old, new))
