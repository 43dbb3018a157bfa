"""The composite neuron: one forward integrate-and-fire neuron, one positive/negative error pair.

Forward neuron, once per step, with the exact sum `current` of the step's crossbar rows::

    pool    += current;  flow = trunc(pool / 2**kernel_shift);  pool -= flow
    loss     = (v >> a) + s * (v >> b),  s one of -1, 0, +1; none in step 0, or without leak
    v        = max(v - loss + flow, floor)
    spike    = v >= theta and not dropped
    v        = v - drop   (reset "subtract")   or   0  (reset "zero")      where it spiked
    v        = min(v, ceiling)

Sample start: v = start, pool = 0, fired = 0. `fired` is set by the first spike and stays. The
division truncates toward zero, so a pool within +-(2**shift - 1) rests until the sample ends; at
shift 0 flow equals current (pure IF). This is paper Eq. 1 with kernel 1 - exp(-t / tau),
tau = 2**shift steps or so.

`layer.leak` is turned into the nearest share that one shift or two make (`leak_for`). Each shift
rounds down, as bits that fall off do, and not toward zero: above 0 a membrane under 2**a loses
nothing any more (a dead zone: it rests there until the sample ends), below 0 it loses 1 at least
with one shift and comes back to 0 itself. Time constant: 1/leak steps or so. A sample's first step
keeps the start value: frameworks that leak do it between two steps (snnTorch's Leaky, Norse's LIF).

`layer.drop` is what a spike takes, in thresholds: 1 unless a framework's own order of reset and
leak asks for another (snnTorch resets one step late, which is a drop of theta / (1 - leak) here).
What is left may lie below the floor until the next step lifts it.

Error neuron (paper Eq. 3 and 4), once per step of a training sample, with the exact sum
`current` of the transposed rows::

    pool    += current;  flow = trunc(pool / 2**kernel_shift);  pool -= flow
    shared:    m  = clip(m + flow, -max, +max);    p = open and m >= +theta_b;  m -= theta_b
                                                   n = open and m <= -theta_b;  m += theta_b
    separate:  mp = clip(mp + flow), p = open and mp >= theta_b, mp -= theta_b
               mn = clip(mn - flow), n = open and mn >= theta_b, mn -= theta_b
    error    = p - n, one of -1, 0, +1

Activity cost (hidden layers, `cost` > 0): in a step in which the layer above has an error spike,
each neuron that has fired since the last such step of the sample, this step included, has `cost`
taken from m (separate: from mp, and added to mn), after the lines above: what it fired for costs
it, and its next error spikes show it. Two spikes between such steps cost what one does.

Output neurons of the softmax kind never fire by themselves: ``v = clip(v - loss + flow, floor,
ceiling)`` is all they do (`golden.wta` has the rest).

Gate: "hold" opens with the neuron's first spike of the sample (this step's included) and keeps
the charge until then; "discard" sets the membranes to 0 while shut; "open" is always open. A
dropped neuron's gate is shut. Output error neurons always are open. Sample start: all 0.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.spec.machine import LayerMachine, Machine

HOLD, DISCARD, OPEN = 0, 1, 2
GATES = {"hold": HOLD, "discard": DISCARD, "open": OPEN}

THETA, START, FLOOR, CEILING, DROP, TO_ZERO, KERNEL, LEAK, LEAK_2, LEAK_SIGN = range(10)
"""Places in the parameters of forward neurons."""
ERROR_THETA, MOST, GATE, SEPARATE, ERROR_KERNEL, COST = range(6)
"""Places in the parameters of error neurons."""


def forward_parameters(machine: Machine, layer: LayerMachine, *, train: bool) -> list[int]:
    """Return what `forward` and `start` take as `p` for a layer."""
    config, limits = machine.config.neuron, layer.train if train else layer.infer
    to_zero = config.reset == "zero"
    return [
        limits.theta, limits.start, limits.floor, limits.ceiling, limits.drop, to_zero,
        config.kernel_shift, layer.leak.first, layer.leak.second, layer.leak.sign,
    ]  # fmt: skip


def error_parameters(machine: Machine, layer: LayerMachine) -> list[int]:
    """Return what `error`, `open_gates` and `start_errors` take as `p` for a layer."""
    config = machine.config.error
    gate = OPEN if layer.index == machine.config.depth else GATES[config.gate]
    separate = config.membranes == "separate"
    return [
        layer.error_threshold, layer.error_max, gate, separate, config.kernel_shift, layer.cost,
    ]  # fmt: skip


@compiled
def start(p: np.ndarray, v: np.ndarray, pool: np.ndarray) -> None:
    """Begin a sample with the n forward neurons of a layer: v, pool of `forward`."""
    v[:] = p[START]
    pool[:] = 0


@compiled
def start_errors(
    p: np.ndarray,
    m: np.ndarray,
    m_n: np.ndarray,
    pool: np.ndarray,
    dropped: np.ndarray,
    gate: np.ndarray,
) -> None:
    """Begin a sample with the n error neurons of a layer: m, m_n, pool, gate of `error`."""
    m[:] = 0
    m_n[:] = 0
    pool[:] = 0
    for j in range(gate.size):
        gate[j] = p[GATE] == OPEN and dropped[j] == 0


@compiled
def kernel(current: np.ndarray, pool: np.ndarray, shift: int) -> bool:
    """Turn the currents of a layer into the flows that leave its pools.

    current, pool : int32[n], changed in place. Returns whether a pool would flow again by itself.
    """
    if shift == 0:
        return False
    more = False
    for j in range(current.size):
        charge = pool[j] + current[j]
        flow = charge >> shift if charge >= 0 else -(-charge >> shift)
        current[j] = flow
        pool[j] = charge - flow
        more |= abs(charge - flow) >> shift != 0
    return more


@compiled
def lose(p: np.ndarray, v: np.ndarray) -> None:
    """Let the n membranes of a layer leak, between two steps."""
    if p[LEAK] == 0:
        return
    first, second, sign = np.int32(p[LEAK]), np.int32(p[LEAK_2]), np.int32(p[LEAK_SIGN])
    for j in range(v.size):
        v[j] -= np.int32((v[j] >> first) + sign * (v[j] >> second))


@compiled
def forward(
    p: np.ndarray,
    current: np.ndarray,
    v: np.ndarray,
    pool: np.ndarray,
    dropped: np.ndarray,
    spike: np.ndarray,
) -> None:
    """Step the n forward neurons of a layer, after `lose`; mark in `spike` those that fire.

    p : int64, `forward_parameters`; current : int32[n], spent; v, pool : int32[n];
    dropped, spike : uint8[n].
    """
    kernel(current, pool, p[KERNEL])
    theta, floor, ceiling = np.int32(p[THETA]), np.int32(p[FLOOR]), np.int32(p[CEILING])
    to_zero, drop = p[TO_ZERO] != 0, np.int32(p[DROP])
    for j in range(v.size):
        x = max(np.int32(v[j] + current[j]), floor)
        fires = (x >= theta) & (dropped[j] == 0)
        after = np.int32(0) if to_zero else np.int32(x - drop)
        v[j] = min(after if fires else x, ceiling)
        spike[j] = fires


@compiled
def integrate(p: np.ndarray, current: np.ndarray, v: np.ndarray, pool: np.ndarray) -> None:
    """Step the n forward neurons of a layer that never fire by themselves, after `lose`."""
    kernel(current, pool, p[KERNEL])
    floor, ceiling = np.int32(p[FLOOR]), np.int32(p[CEILING])
    for j in range(v.size):
        v[j] = min(max(np.int32(v[j] + current[j]), floor), ceiling)


@compiled
def error(
    p: np.ndarray,
    current: np.ndarray,
    m: np.ndarray,
    m_n: np.ndarray,
    pool: np.ndarray,
    gate: np.ndarray,
    cost: int,
    fired: np.ndarray,
    out: np.ndarray,
) -> bool:
    """Step the n error neurons of a layer; write p - n to `out` (int8[n]).

    p : int64, `error_parameters`; current : int32[n], spent; m, m_n, pool : int32[n], the two
    membranes (the shared kind keeps m_n = -m) and the kernel's; gate : uint8[n], 1 where open.
    cost : what those with a 1 in `fired` (uint8[n]) are charged; 0 in a step that does not charge.
    Returns whether an open neuron still holds a threshold or more, or a pool would flow: if not,
    a further step without current fires and changes nothing until a gate opens.
    """
    flows = kernel(current, pool, p[ERROR_KERNEL])
    th, top = np.int32(p[ERROR_THETA]), np.int32(p[MOST])
    discard, separate = p[GATE] == DISCARD, p[SEPARATE] != 0
    charge, waiting = np.int32(cost), 0
    for j in range(m.size):
        is_open = gate[j] != 0
        x = min(max(np.int32(m[j] + current[j]), -top), top)
        y = min(max(np.int32(m_n[j] - current[j]), -top), top)
        up = np.int32(is_open & (x >= th))
        down = np.int32(is_open & (y >= th))
        e = np.int32(up - down)
        x = np.int32(x - th * (up if separate else e))
        y = np.int32(y - th * (down if separate else -e))
        due = np.int32(charge * fired[j])
        x = np.int32(x - due)
        y = np.int32(y + due)
        if discard and not is_open:
            x = np.int32(0)
            y = np.int32(0)
        m[j] = x
        m_n[j] = y
        out[j] = e
        waiting |= is_open & (max(x, y) >= th)
    return flows or waiting != 0


@compiled
def open_gates(
    p: np.ndarray, spikes: np.ndarray, count: int, m: np.ndarray, m_n: np.ndarray, gate: np.ndarray
) -> bool:
    """Open the gates of the neurons that just spiked; tell whether one holds a threshold or more.

    spikes : int32[>= count], places in the arrays of `error`. Gates that always are open stay.
    """
    if p[GATE] == OPEN:
        return False
    waiting = False
    for k in range(count):
        j = spikes[k]
        gate[j] = 1
        waiting |= (m[j] >= p[ERROR_THETA]) | (m_n[j] >= p[ERROR_THETA])
    return waiting


@compiled
def listed(flag: np.ndarray, places: np.ndarray) -> int:
    """List where `flag` (n numbers) is not 0 in `places` (int32[n]), ascending; return how many."""
    count = np.uint64(0)
    for j in range(flag.size):
        places[count] = j
        count += np.uint64(flag[j] != 0)
    return np.int64(count)
