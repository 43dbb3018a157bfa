"""The weight update: rate form (Eq. 9) and stochastic, local form (Eq. 10).

Weights are float32[n_pre, n_post], so the equations stand transposed here. Both forms give the
mean over the batch of a product of rates, 0 to 1 in size, whatever T is::

    Eq. 9     G = mean over samples of  (Σ_t s(t) / T) (Σ_t s_δ(t) / T)^T
    Eq. 10    G = mean over samples of   Σ_t s(t) s_δ(t)^T / T

The step is ``ΔW[l] = η θ[l] unit[l] G[l]``. Ours: weights count in the thresholds that they drive
(θ), and a gradient neuron's spike stands for the charge that made it (unit), so that η means the
same in every layer and for every choice of thresholds.
"""

from __future__ import annotations

from spikeloom.golden.paper.arrays import Array, Arrays, Random
from spikeloom.golden.paper.config import PaperConfig

SQUARES, EPSILON = 0.999, 1e-8
"""Adam's β2 and ε, as published."""


def rate_products(xp, pre: Array, delta: Array) -> Array:
    """Eq. 9: products of sums over time, the mean over the batch.

    pre : float32[T, batch, n_pre] spikes; delta : float32[T, batch, n_post], s_δ. Returns
    float32[n_pre, n_post].
    """
    steps, batch = pre.shape[:2]
    a, b = xp.sum(pre, axis=0), xp.sum(delta, axis=0)
    return (a.T @ b) / (steps * steps * batch)


def coincidences(xp, pre: Array, delta: Array) -> Array:
    """Eq. 10: spikes that meet in a step, an AND per crossing; arrays as in `rate_products`."""
    steps, batch = pre.shape[:2]
    a = xp.reshape(pre, (steps * batch, pre.shape[2]))
    b = xp.reshape(delta, (steps * batch, delta.shape[2]))
    return (a.T @ b) / (steps * batch)


def noise(
    arrays: Arrays, random: Random, pre: Array, delta: Array, size: float, kind: str
) -> Array:
    """Return Gaussian noise for `rate_products`: as if each sample's product had its own.

    The size is that of Figure 4, of spikes that meet; an error spike counts ½, so ½ of it is left.
    Every product of a sample gets a standard deviation of ½ `size` (``absolute``); or its own
    (``binomial``), that of independent trains of its rates: ½ √(q - r²) `size`, where q is the
    product of the rate of spikes with that of errors of either sign, r with those of one sign less
    the other, and `size` is 1 / √T. With one sign alone that is Figure 4's √(q (1 - q)). The mean
    over the batch is drawn at once, from the same distribution.
    """
    xp = arrays.xp
    steps, batch = pre.shape[:2]
    drawn = random.normal((pre.shape[2], delta.shape[2]))
    if kind == "absolute":
        return drawn * (size / (2 * batch**0.5))
    a, either, net = (xp.sum(x, axis=0) / steps for x in (pre, 2 * xp.abs(delta), 2 * delta))
    variance = a.T @ either - (a * a).T @ (net * net)
    return drawn * xp.sqrt(xp.maximum(variance, xp.zeros_like(variance))) * (size / (2 * batch))


def units(config: PaperConfig) -> list[float]:
    """Return what one spike of the gradient neurons of layer 1 .. L stands for.

    In the output layer θ_N; below, by the crossbar that carries it back, θ_b / θ[l+1] of the
    layer above.
    """
    found = [config.theta_label]
    for above in range(config.depth, 1, -1):
        theta = config.theta_output if above == config.depth else config.theta
        found.insert(0, found[0] * config.theta_error / theta)
    return found


def start(xp, config: PaperConfig, weights: Array) -> Array:
    """Return the optimiser's state before the first mini-batch, zeros.

    float32[n_pre, n_post], the velocity; or float32[2, n_pre, n_post], Adam's two moments.
    """
    nothing = weights * 0
    return xp.stack([nothing, nothing]) if config.optimiser == "adam" else nothing


def step(
    xp,
    config: PaperConfig,
    weights: Array,
    state: Array,
    gradient: Array,
    *,
    rate: float,
    theta: float,
    number: int,
) -> tuple[Array, Array]:
    """Return weights and state after mini-batch `number`, counted from 1; shapes as in `start`.

    ``velocity <- momentum velocity + gradient``, ``W <- (1 - η decay) W + η velocity``; with both
    at 0 the plain ``W <- W + η gradient``. Adam (Kingma & Ba 2015, algorithm 1) steps by η θ times
    its mean gradient over the root of its mean square, both less the bias of their start.

    rate : η of the epoch, `PaperConfig.learning_rate_of`; theta : threshold that the weights drive.
    """
    kept = (1 - rate * config.weight_decay) * weights
    if config.optimiser == "momentum":
        velocity = config.momentum * state + gradient
        return kept + rate * velocity, velocity
    mean = config.momentum * state[0, ...] + (1 - config.momentum) * gradient
    square = SQUARES * state[1, ...] + (1 - SQUARES) * gradient * gradient
    size = xp.sqrt(square * (1 / (1 - SQUARES**number))) + EPSILON
    moved = mean / size * (rate * theta / (1 - config.momentum**number))
    return kept + moved, xp.stack([mean, square])
