"""The composite neuron: one forward integrate-and-fire neuron, one positive/negative error pair.

Forward neuron, once per step, with the exact sum `current` of the step's crossbar rows::

    pool    += current;  flow = trunc(pool / 2**kernel_shift);  pool -= flow
    v        = max(v + flow, floor)
    spike    = v >= theta and not dropped
    v        = v - theta  (reset "subtract")   or   0  (reset "zero")      where it spiked
    v        = min(v, ceiling)

Sample start: v = start, pool = 0, fired = 0. `fired` is set by the first spike and stays. The
division truncates toward zero, so a pool within +-(2**shift - 1) rests until the sample ends; at
shift 0 flow equals current (pure IF). This is paper Eq. 1 with kernel 1 - exp(-t / tau),
tau = 2**shift steps or so.

Error neuron (paper Eq. 3 and 4), once per step of a training sample, with the exact sum
`current` of the transposed rows::

    pool    += current;  flow = trunc(pool / 2**kernel_shift);  pool -= flow
    shared:    m  = clip(m + flow, -max, +max);    p = open and m >= +theta_b;  m -= theta_b
                                                   n = open and m <= -theta_b;  m += theta_b
    separate:  mp = clip(mp + flow), p = open and mp >= theta_b, mp -= theta_b
               mn = clip(mn - flow), n = open and mn >= theta_b, mn -= theta_b
    error    = p - n, one of -1, 0, +1

Gate: "hold" opens with the neuron's first spike of the sample (this step's included) and keeps
the charge until then; "discard" sets the membranes to 0 while shut; "open" is always open. A
dropped neuron's gate is shut. Output error neurons always are open. Sample start: all 0.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled

HOLD, DISCARD, OPEN = 0, 1, 2
GATES = {"hold": HOLD, "discard": DISCARD, "open": OPEN}


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
def forward(
    flow: np.ndarray,
    v: np.ndarray,
    dropped: np.ndarray,
    limits: np.ndarray,
    reset_to_zero: bool,
    spike: np.ndarray,
) -> None:
    """Step the n forward neurons of a layer; mark in `spike` those that fire.

    flow, v : int32[n]; dropped, spike : uint8[n]. limits : int64[4] theta, start, floor, ceiling.
    """
    theta, floor, ceiling = np.int32(limits[0]), np.int32(limits[2]), np.int32(limits[3])
    for j in range(v.size):
        x = max(np.int32(v[j] + flow[j]), floor)
        fires = (x >= theta) & (dropped[j] == 0)
        after = np.int32(0) if reset_to_zero else np.int32(x - theta)
        v[j] = min(after if fires else x, ceiling)
        spike[j] = fires


@compiled
def error(
    flow: np.ndarray,
    m: np.ndarray,
    m_n: np.ndarray,
    gate: np.ndarray,
    theta: int,
    limit: int,
    discard: bool,
    separate: bool,
    out: np.ndarray,
) -> bool:
    """Step the n error neurons of a layer; write p - n to `out` (int8[n]).

    flow : int32[n]; m, m_n : int32[n], the two membranes (the shared kind keeps m_n = -m);
    gate : uint8[n], 1 where open. Returns whether an open neuron still holds a threshold or more:
    if not, a further step without flow fires and changes nothing until a gate opens.
    """
    th, top = np.int32(theta), np.int32(limit)
    waiting = 0
    for j in range(m.size):
        is_open = gate[j] != 0
        x = min(max(np.int32(m[j] + flow[j]), -top), top)
        y = min(max(np.int32(m_n[j] - flow[j]), -top), top)
        p = np.int32(is_open & (x >= th))
        n = np.int32(is_open & (y >= th))
        e = np.int32(p - n)
        x = np.int32(x - th * (p if separate else e))
        y = np.int32(y - th * (n if separate else -e))
        if discard and not is_open:
            x = np.int32(0)
            y = np.int32(0)
        m[j] = x
        m_n[j] = y
        out[j] = e
        waiting |= is_open & (max(x, y) >= th)
    return waiting != 0


@compiled
def open_gates(
    spikes: np.ndarray, count: int, m: np.ndarray, m_n: np.ndarray, theta: int, gate: np.ndarray
) -> bool:
    """Open the gates of the neurons that just spiked; tell whether one holds a threshold or more.

    spikes : int32[>= count], places in the arrays of `error`.
    """
    waiting = False
    for k in range(count):
        j = spikes[k]
        gate[j] = 1
        waiting |= (m[j] >= theta) | (m_n[j] >= theta)
    return waiting


@compiled
def listed(flag: np.ndarray, places: np.ndarray) -> int:
    """List where `flag` (n numbers) is not 0 in `places` (int32[n]), ascending; return how many."""
    count = np.uint64(0)
    for j in range(flag.size):
        places[count] = j
        count += np.uint64(flag[j] != 0)
    return np.int64(count)
