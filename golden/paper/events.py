"""The costly steps of the float model for NumPy's arrays: driven by spikes, compiled.

The same equations as `neuron` and `learning` write for any array library, in the other order:
there a crossbar is a dense matrix product and the kernel another, here a spike adds its row of
weights and the kernel is its recursion over time (see `neuron`), so that membranes stay in the
cache and silent inputs cost nothing. Sums are rounded in another order, so a spike in some 10,000
may fall a step apart from that of the dense form; with τ = 0 and weights whose sums are exact all
are equal.

Trains are float32[T, batch, n] of 0 and 1 (errors: -½, 0, ½) here too.
"""

from __future__ import annotations

import math

import numpy as np

from spikeloom.golden.compiled import compiled

NO_FLOOR = -np.inf


def layer(
    spikes: np.ndarray,
    weights: np.ndarray,
    tau: float,
    theta: float,
    reset: str,
    start: float,
    keep: np.ndarray,
) -> np.ndarray:
    """Eq. 1: a crossbar and the neurons behind it.

    spikes : float32[T, batch, n_pre]; weights : float32[n_pre, n_post]; keep : float32[batch,
    n_post] or [1, n_post], 0 where a neuron is silent for the sample, else 1; the rest as
    `neuron.fire` takes it. Returns the spikes, float32[T, batch, n_post].
    """
    steps, batch, n = spikes.shape
    first, which = listed(spikes.reshape(steps * batch, n))
    out = np.empty((steps, batch, weights.shape[1]), np.float32)
    state = np.empty((3, weights.shape[1]), np.float32)
    weights = np.ascontiguousarray(weights, np.float32)
    keep = np.ascontiguousarray(np.broadcast_to(keep, (batch, weights.shape[1])), np.float32)
    _layer(first, which, weights, _leak(tau), *_firing(theta, reset, start), keep, state, out)
    return out


def gradient(
    current: np.ndarray,
    tau: float,
    theta: float,
    reset: str,
    membranes: str,
    floor: float | None,
) -> np.ndarray:
    """Spikes of positive less those of negative gradient neurons, as `neuron.gradient`.

    current : float32[T, batch, n]. Returns float32[T, batch, n] of -1, 0, 1.
    """
    out = np.empty(current.shape, np.float32)
    low = np.float32(NO_FLOOR if floor is None else -floor * theta)
    state = np.empty((3, current.shape[2]), np.float32)
    threshold, whole, _ = _firing(theta, reset, 0.0)
    run = _shared if membranes == "shared" else _separate
    run(np.ascontiguousarray(current, np.float32), _leak(tau), threshold, whole, low, state, out)
    return out


def gated(fired: np.ndarray, spikes: np.ndarray, kind: str) -> np.ndarray:
    """Take away what the gate of `neuron.gate` keeps in, where it stands, and return the rest.

    fired : float32[T, batch, n] of `gradient`, changed; spikes : of the neurons, same shape.
    """
    if kind == "sample":
        fired *= np.max(spikes, axis=0, keepdims=True)
    else:
        _gate(fired, np.ascontiguousarray(spikes), np.empty(fired.shape[2], np.float32))
    return fired


def coincidences(pre: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Eq. 10 as `learning.coincidences`: only where a spike meets an error is anything added.

    pre : float32[T, batch, n_pre]; delta : float32[T, batch, n_post]. Returns
    float32[n_pre, n_post].
    """
    steps, batch, n = pre.shape
    errors = np.ascontiguousarray(delta).reshape(steps * batch, -1)
    out = np.zeros((n, errors.shape[1]), np.float32)
    first, which = listed(pre.reshape(steps * batch, n))
    _meet(first, which, *listed(errors), errors, out)
    return out / np.float32(steps * batch)


def listed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which elements of each row are not 0: int64[rows + 1] places in an int32 list.

    rows : float32[rows, n]. Row r's are ``which[first[r] : first[r + 1]]``, ascending.
    """
    first = np.empty(len(rows) + 1, np.int64)
    which = np.empty(rows.size + 1, np.int32)
    _list(np.ascontiguousarray(rows), first, which)
    return first, which


def _leak(tau: float) -> np.float32:
    return np.float32(math.exp(-1 / tau) if tau else 0.0)


def _firing(theta: float, reset: str, start: float) -> tuple[np.float32, np.float32, np.float32]:
    """Return the threshold, what of it a spike takes (0: all the membrane has), and the start."""
    return np.float32(theta), np.float32(reset == "subtract"), np.float32(start * theta)


@compiled
def _list(rows, first, which):
    place = first[0] = 0
    for r in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            which[place] = i  # kept only where the place moves on: no branch to guess
            place += rows[r, i] != 0
        first[r + 1] = place


@compiled(fastmath={"contract"})
def _layer(first, which, weights, leak, theta, subtract, start, keep, state, out):
    steps, batch, n = out.shape
    current, flow, membrane = state[0], state[1], state[2]
    for b in range(batch):
        flow[:] = 0
        membrane[:] = start
        for t in range(steps):
            current[:] = 0
            k, end = first[t * batch + b], first[t * batch + b + 1]
            while k + 4 <= end:  # four rows at once: half the traffic of one by one
                one, two = weights[which[k]], weights[which[k + 1]]
                three, four = weights[which[k + 2]], weights[which[k + 3]]
                for j in range(n):
                    current[j] += (one[j] + two[j]) + (three[j] + four[j])
                k += 4
            while k < end:
                one = weights[which[k]]
                for j in range(n):
                    current[j] += one[j]
                k += 1
            fired, kept = out[t, b], keep[b]
            for j in range(n):
                flow[j] = leak * flow[j] + (1 - leak) * current[j]
                u = membrane[j] + flow[j]
                spike = np.float32(1) if u >= theta else np.float32(0)
                membrane[j] = u - spike * (theta if subtract else u)
                fired[j] = spike * kept[j]


@compiled(fastmath={"contract"})
def _separate(current, leak, theta, subtract, low, state, out):
    steps, batch, n = out.shape
    flow, up, down = state[0], state[1], state[2]
    for b in range(batch):
        state[:] = 0
        for t in range(steps):
            fired, arrived = out[t, b], current[t, b]
            for j in range(n):
                flow[j] = leak * flow[j] + (1 - leak) * arrived[j]
                u, d = max(up[j] + flow[j], low), max(down[j] - flow[j], low)
                plus = np.float32(1) if u >= theta else np.float32(0)
                minus = np.float32(1) if d >= theta else np.float32(0)
                up[j] = u - plus * (theta if subtract else u)
                down[j] = d - minus * (theta if subtract else d)
                fired[j] = plus - minus


@compiled(fastmath={"contract"})
def _shared(current, leak, theta, subtract, low, state, out):
    steps, batch, n = out.shape
    flow, membrane = state[0], state[1]
    for b in range(batch):
        state[:] = 0
        for t in range(steps):
            fired, arrived = out[t, b], current[t, b]
            for j in range(n):
                flow[j] = leak * flow[j] + (1 - leak) * arrived[j]
                u = membrane[j] + flow[j]
                plus = np.float32(1) if u >= theta else np.float32(0)
                minus = np.float32(1) if u <= -theta else np.float32(0)
                sign = plus - minus
                membrane[j] = u - (sign * theta if subtract else abs(sign) * u)
                fired[j] = sign


@compiled
def _gate(fired, spikes, opened):
    for b in range(fired.shape[1]):
        opened[:] = 0
        for t in range(fired.shape[0]):
            out, now = fired[t, b], spikes[t, b]
            for j in range(opened.shape[0]):
                opened[j] = max(opened[j], now[j])
                out[j] *= opened[j]


@compiled
def _meet(first, which, error_first, error_which, errors, out):
    for row in range(errors.shape[0]):
        for k in range(first[row], first[row + 1]):
            into = out[which[k]]
            for e in range(error_first[row], error_first[row + 1]):
                into[error_which[e]] += errors[row, error_which[e]]
