"""The network: forward trains, gradient trains, and the gradients of a mini-batch.

A crossbar is one matrix product over batch x time, the kernel another over time; only `neuron.fire`
loops over T, on arrays of [batch, n], with three or four element-wise operations a step. With
NumPy the layers' neurons, the gradient neurons and Eq. 10 run in `events` instead, driven by
spikes. Measured there on one core, T = 50, batches of 100, rate form: 1,600 images/s trained at
784-1280-10, where matrix products give 300.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spikeloom.golden.paper import encoder, events, learning, neuron, wta
from spikeloom.golden.paper.arrays import Array, Arrays, Random
from spikeloom.golden.paper.config import PaperConfig

WEIGHTS = 0
"""Purpose of random numbers, the second of the whole numbers that name them; see `training`."""


@dataclass(frozen=True, eq=False)
class Trains:
    """Spike trains of a batch, float32[T, batch, n_l] per layer.

    Attributes
    ----------
    layers : of the neurons, input to output; the output's before inhibition.
    counted : the output's that make error and class: after Eq. 2, or the same without it.
    """

    layers: list[Array]
    counted: Array


class PaperNetwork:
    """A network and its weights.

    Parameters
    ----------
    config : of the experiment.
    arrays : library and device that hold everything.
    weights : float32[n_pre, n_post] per crossbar; He-initialised from the seed where None.

    Attributes
    ----------
    eventful : costly steps run in `events`, as they do with NumPy; else by the array API.
    """

    def __init__(
        self, config: PaperConfig, arrays: Arrays, weights: list[np.ndarray] | None = None
    ) -> None:
        self.config, self.arrays = config, arrays
        self.weights = [arrays.put(w) for w in weights or he_weights(config)]
        self.kernel = arrays.put(neuron.response(config.steps, config.tau_steps))
        self.eventful = arrays.name == "numpy"
        self.thetas = [config.theta] * (config.depth - 1) + [config.theta_output]

    def forward(
        self, spikes: Array, keep: list[Array] | None = None, random: Random | None = None
    ) -> Trains:
        """Run Eq. 1 through all layers, then Eq. 2.

        spikes : float32[T, batch, n_0]. keep : in training, float32[batch, n_l] of 0 and 1 per
        hidden layer, where neurons are dropped: those stay silent. What is left of a layer, the
        input too, drives 1 / (1 - p) as much, so that testing needs no other weights. random : in
        training, draws the noise of a competition.
        """
        config, xp = self.config, self.arrays.xp
        kept = [*(keep or []), *[xp.ones_like(spikes[0, :, :1])] * config.depth]
        layers = [spikes]
        for k, (weights, theta) in enumerate(zip(self.weights, self.thetas, strict=True)):
            gain = 1.0 if keep is None else 1 / (1 - config.dropout[k])
            if config.loss == "competition" and k == config.depth - 1:
                layers.append(self._competition(layers[-1], weights * gain, random))
            else:
                layers.append(self._layer(layers[-1], weights * gain, theta, kept[k]))
        counted = layers[-1]
        if config.loss == "softmax":
            counted = wta.inhibit(
                xp,
                counted,
                self.kernel,
                inhibition=config.inhibition,
                iterations=config.iterations,
                theta=config.theta_wta,
                reset=config.reset,
            )
        return Trains(layers, counted)

    def errors(self, trains: Trains, target: Array) -> list[Array]:
        """Run Eq. 4 at the output and Eq. 3 down to layer 1.

        target : float32[T, batch, n_L], the labels' trains. Returns s_δ of layers 1 .. L,
        float32[T, batch, n_l] of -½, 0, ½.
        """
        config, xp = self.config, self.arrays.xp
        found = [self._gradient(target - trains.counted, config.theta_label)]
        for k in range(config.depth - 1, 0, -1):
            current = crossbar(xp, found[0], self.weights[k].T)
            if config.cost:
                current = current - config.cost * config.theta_error * trains.layers[k]
            fired = self._gradient(current, config.theta_error)
            found.insert(0, self._gated(fired, trains.layers[k]))
        return [0.5 * fired for fired in found]

    def _layer(self, spikes: Array, weights: Array, theta: float, keep: Array) -> Array:
        config, xp = self.config, self.arrays.xp
        firing = (theta, config.reset, config.start)
        if self.eventful:
            return events.layer(spikes, weights, config.tau_steps, *firing, keep)
        membrane = neuron.potential(xp, self.kernel, crossbar(xp, spikes, weights))
        return neuron.fire(xp, membrane, *firing) * keep[None, :, :]

    def _competition(self, spikes: Array, weights: Array, random: Random | None) -> Array:
        config, xp = self.config, self.arrays.xp
        membrane = neuron.potential(xp, self.kernel, crossbar(xp, spikes, weights))
        if random is not None:
            gain = config.inhibition * config.theta_output
            membrane = membrane + wta.gumbel(self.arrays, random, membrane.shape, gain)
        return wta.compete(xp, membrane)

    def _gradient(self, current: Array, theta: float) -> Array:
        config, xp = self.config, self.arrays.xp
        kinds = (theta, config.reset, config.membranes, config.error_floor)
        if self.eventful:
            return events.gradient(current, config.tau_steps, *kinds)
        return neuron.gradient(xp, self.kernel, current, *kinds)

    def _gated(self, fired: Array, spikes: Array) -> Array:
        if self.eventful:
            return events.gated(fired, spikes, self.config.gate)
        return fired * neuron.gate(self.arrays.xp, spikes, self.config.gate)

    def gradients(self, trains: Trains, deltas: list[Array], random: Random) -> list[Array]:
        """Return the step of each crossbar for η = 1, float32[n_pre, n_post]: Eq. 9 or Eq. 10."""
        config, xp = self.config, self.arrays.xp
        found = []
        for pre, delta, unit, theta in zip(
            trains.layers, deltas, learning.units(config), self.thetas, strict=False
        ):
            if config.update == "rate":
                products = learning.rate_products(xp, pre, delta)
            else:
                products = (
                    events.coincidences(pre, delta)
                    if self.eventful
                    else learning.coincidences(xp, pre, delta)
                )
            if config.noise:
                products = products + learning.noise(
                    self.arrays, random, pre, delta, config.noise, config.noise_kind
                )
            found.append(products * (theta * unit))
        return found

    def counts(self, random: Random, pixels: Array) -> Array:
        """Return the spikes that count per class, float32[batch, classes], without dropout."""
        config = self.config
        spikes = encoder.input_spikes(self.arrays, random, pixels, config.steps, config.rate)
        return self.arrays.xp.sum(self.forward(spikes).counted, axis=0)


def crossbar(xp, spikes: Array, weights: Array) -> Array:
    """Return the currents ``W s`` of all samples and steps at once: float32[T, batch, n_post]."""
    steps, batch, n = spikes.shape
    flat = xp.reshape(spikes, (steps * batch, n)) @ weights
    return xp.reshape(flat, (steps, batch, weights.shape[1]))


def he_weights(config: PaperConfig) -> list[np.ndarray]:
    """Draw He's initial weights, N(0, gain² 2 / n_pre), on the host: float32[n_pre, n_post]."""
    random = np.random.default_rng((config.seed, WEIGHTS))
    return [
        random.standard_normal((n, m), np.float32)
        * np.float32(config.weight_gain * math.sqrt(2 / n))
        for n, m in zip(config.sizes, config.sizes[1:], strict=False)
    ]
