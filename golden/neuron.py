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
from numba import njit

HOLD, DISCARD, OPEN = 0, 1, 2
GATES = {"hold": HOLD, "discard": DISCARD, "open": OPEN}


@njit(cache=True, inline="always")
def kernel(pool: np.ndarray, j: int, current: int, shift: int) -> int:
    """Add `current` to pool[j] and return the flow that leaves it, truncated toward zero."""
    if shift == 0:
        return current
    charge = pool[j] + current
    flow = charge >> shift if charge >= 0 else -(-charge >> shift)
    pool[j] = charge - flow
    return flow


@njit(cache=True)
def forward(
    current: np.ndarray,
    v: np.ndarray,
    pool: np.ndarray,
    fired: np.ndarray,
    dropped: np.ndarray,
    limits: np.ndarray,
    reset_to_zero: bool,
    shift: int,
    spikes: np.ndarray,
) -> int:
    """Step the n forward neurons of a layer; list those that spiked, ascending.

    current, v, pool : int32[n]; fired, dropped : uint8[n]; spikes : int32[n] filled from the
    front. limits : int64[4] theta, start, floor, ceiling. Returns the number of spikes.
    """
    theta, floor, ceiling = limits[0], limits[2], limits[3]
    count = 0
    for j in range(v.size):
        x = max(v[j] + kernel(pool, j, current[j], shift), floor)
        if x >= theta and dropped[j] == 0:
            spikes[count] = j
            count += 1
            fired[j] = 1
            x = 0 if reset_to_zero else x - theta
        v[j] = min(x, ceiling)
    return count


@njit(cache=True)
def error(
    current: np.ndarray,
    m: np.ndarray,
    m_n: np.ndarray,
    pool: np.ndarray,
    fired: np.ndarray,
    dropped: np.ndarray,
    theta: int,
    limit: int,
    gate: int,
    separate: bool,
    shift: int,
    out: np.ndarray,
) -> bool:
    """Step the n error neurons of a layer; write p - n to `out` (int8[n]).

    current, m, m_n, pool : int32[n] (m_n is the negative membrane, used where separate);
    fired, dropped : uint8[n]. Returns whether any membrane still is at or above threshold or any
    pool holds a flow: if not, a further step without current changes nothing and fires nothing.
    """
    pending = False
    for j in range(m.size):
        flow = kernel(pool, j, current[j], shift)
        is_open = (gate == OPEN or fired[j] != 0) and dropped[j] == 0
        x = min(max(m[j] + flow, -limit), limit)
        y = min(max(m_n[j] - flow, -limit), limit) if separate else -x
        positive = is_open and x >= theta
        negative = is_open and y >= theta
        if gate == DISCARD and not is_open:
            x = y = 0
        if positive:
            x -= theta
        if negative:
            if separate:
                y -= theta
            else:
                x += theta
        m[j] = x
        m_n[j] = y
        out[j] = np.int8(positive) - np.int8(negative)
        pending |= x >= theta or (y if separate else -x) >= theta
        pending |= (pool[j] >> shift) != 0 if shift else False
    return pending
