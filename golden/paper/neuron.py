"""Integrate-and-fire neurons with the spike response kernel ε.

Eq. 1, ``s = f_θ(ε * (W s))``: a spike that arrived k steps ago has raised the membrane by
``w ε(k)``, ``ε(k) = 1 - exp(-k / τ)``. So ε is the *response of the membrane*: a synapse that is
a first-order low-pass (unit area, time constant τ) in front of an integrator without leak. A
spike's whole effect is w, reached step by step; it is not lost again but by firing.

A step is looked at at its end, when its own spikes are one step old. As a recursion over steps,
with a = exp(-1 / τ)::

    flow(t) = a flow(t-1) + (1 - a) current(t)        u(t) = u(t-1) + flow(t)

which is ``u(t) = Σ_{t' ≤ t} ε(t - t' + 1) current(t')`` exactly. All T steps are known before the
neuron runs, so the sum is one matrix product with the T x T triangle of ε; only the firing needs
a loop over time. τ = 0 is the integrator alone, ε = 1.
"""

from __future__ import annotations

import math

import numpy as np

from spikeloom.golden.paper.arrays import Array


def response(steps: int, tau: float) -> np.ndarray:
    """Return ε as the matrix that turns currents into potentials: float32[T, T], lower triangle.

    Element (t, t') is ``ε(t - t' + 1)`` of Eq. 1 where ``t' <= t``, 0 above.
    """
    age = np.arange(steps)[:, None] - np.arange(steps)[None, :] + 1
    kernel = np.where(age > 0, -np.expm1(-age / tau), 0.0) if tau else age > 0
    return kernel.astype(np.float32)


def potential(xp, kernel: Array, current: Array) -> Array:
    """Return what the membranes would reach if none fired: ``ε * current`` of Eq. 1.

    kernel : float32[T, T] of `response`; current : float32[T, ...]. Returns float32[T, ...].
    """
    steps = current.shape[0]
    flat = xp.reshape(current, (steps, math.prod(current.shape[1:])))
    return xp.reshape(kernel @ flat, current.shape)


def fire(
    xp, membrane: Array, theta: float, reset: str, start: float = 0.0, floor: float | None = None
) -> Array:
    """Return the spikes of IF neurons: f_θ of Eq. 1, at most one spike a step.

    membrane : float32[T, ...] as `potential` gives it. A neuron fires in a step that finds it at θ
    or more; its membrane then loses θ (``subtract``) or all it has (``zero``), for good. What
    the synapse still holds comes in later. start : membrane at the beginning, in thresholds.
    floor : lowest membrane, in thresholds under 0; None is none. Returns float32[T, ...] of 0, 1.
    """
    lost = xp.zeros_like(membrane[0, ...]) - start * theta
    nothing, losses = xp.zeros_like(lost), []
    whole = nothing + theta
    for t in range(membrane.shape[0]):
        if floor is not None:
            lost = xp.minimum(lost, membrane[t, ...] + floor * theta)
        left = membrane[t, ...] - lost
        loss = xp.where(left >= theta, whole if reset == "subtract" else left, nothing)
        lost = lost + loss
        losses.append(loss)
    return xp.astype(xp.stack(losses) > 0, xp.float32)


def fire_signed(xp, membrane: Array, theta: float, reset: str) -> Array:
    """Return spikes of either sign: +1 at θ or more, -1 at -θ or less; else as `fire`."""
    lost = xp.zeros_like(membrane[0, ...])
    nothing, losses = xp.zeros_like(lost), []
    for t in range(membrane.shape[0]):
        left = membrane[t, ...] - lost
        loss = xp.sign(left) * theta if reset == "subtract" else left
        loss = xp.where(xp.abs(left) >= theta, loss, nothing)
        lost = lost + loss
        losses.append(loss)
    return xp.sign(xp.stack(losses))


def gate(xp, spikes: Array, kind: str) -> Array:
    """Return when the gradient neurons behind `spikes` (float32[T, ...]) count: ``Σ s > 0``, Eq. 3.

    The running sum for ``first-spike``: open from the neuron's first spike on, that step
    included, float32[T, ...]. The sum over the sample for ``sample``, float32[1, ...]: not causal,
    the derivative of the ReLU that the neuron stands for.
    """
    if kind == "sample":
        return xp.astype(xp.sum(spikes, axis=0, keepdims=True) > 0, xp.float32)
    return xp.astype(xp.cumulative_sum(spikes, axis=0) > 0, xp.float32)


def gradient(
    xp,
    kernel: Array,
    current: Array,
    theta: float,
    reset: str,
    membranes: str = "separate",
    floor: float | None = None,
) -> Array:
    """Return the spikes of positive less those of negative gradient neurons: Eq. 3 and 4, ungated.

    The two see `current` (float32[T, ...]) with opposite signs. Output spikes lag behind label
    spikes, so a sample that is right brings charge first of one sign and then as much of the
    other. With a membrane each (``separate``) and no floor, the first fires and the second only
    lifts what the first has left far below 0: a gradient remains where there is none. A floor of 0
    lets the second fire as much; so does one membrane for both signs (``shared``).

    Returns float32[T, ...] of -1, 0, 1; the s_δ of Eq. 9 and 10 is half of it.
    """
    membrane = potential(xp, kernel, current)
    if membranes == "shared":
        return fire_signed(xp, membrane, theta, reset)
    pair = fire(xp, xp.stack([membrane, -membrane], axis=1), theta, reset, floor=floor)
    return pair[:, 0, ...] - pair[:, 1, ...]
