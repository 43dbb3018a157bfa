"""The machine once more, from its docstrings: plain Python, slow, one thing after the other.

It shares with the golden model the derived integers and the stream seeds, and not a line of code
beyond them. No list, no shortcut, no array: what the golden model skips is computed here.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import LayerMachine, Machine
from spikeloom.golden.spec.streams import INFERENCE, INPUT, LABEL, streams


def truncated(value: int, shift: int) -> int:
    """Divide by 2**shift, toward zero."""
    return value // 2**shift if value >= 0 else -(-value // 2**shift)


def clip(value: int, limit: int) -> int:
    """Keep a value within +-limit."""
    return max(-limit, min(value, limit))


class Layer:
    """A crossbar with the neurons behind it, during one sample."""

    def __init__(self, machine: Machine, layer: LayerMachine, train: bool) -> None:
        n = layer.n_post
        self.machine, self.numbers = machine, layer
        self.is_last = layer.index == len(machine.layers)
        self.limits = layer.train if train else layer.infer
        self.v, self.pool = [self.limits.start] * n, [0] * n
        self.m, self.m_n, self.error_pool = [0] * n, [0] * n, [0] * n
        self.fired, self.dropped = [False] * n, [False] * n
        self.owes, self.fresh = [False] * n, True
        self.spikes, self.errors = [0] * n, [0] * n
        self.u, self.counted = [128] * n, [0] * n

    def forward(self, current: list[int], noise: list[int]) -> None:
        """One step of the forward neurons and, behind the last layer, of the WTA.

        noise : per neuron, where the last layer competes with it.
        """
        config, neuron = self.machine.config, self.machine.config.neuron
        kind, strength = config.wta.kind, self.numbers.inhibition
        for j in range(len(self.v)):
            c = current[j]
            if self.is_last and kind == "lateral":
                c -= strength * (sum(self.counted) - self.counted[j])
            self.pool[j] += c
            flow = truncated(self.pool[j], neuron.kernel_shift)
            self.pool[j] -= flow
            v = self.v[j] + flow
            leak = self.numbers.leak
            if leak.first and not self.fresh:
                v -= self.v[j] // 2**leak.first + leak.sign * (self.v[j] // 2**leak.second)
            v = max(v, self.limits.floor)
            if self.is_last and kind == "softmax":  # who wins is decided once all are there
                self.v[j] = min(v, self.limits.ceiling)
                continue
            spike = v >= self.limits.theta and not self.dropped[j]
            if spike:
                v = 0 if neuron.reset == "zero" else v - self.limits.drop
                self.fired[j] = self.owes[j] = True
            self.v[j] = min(v, self.limits.ceiling)
            self.spikes[j] = int(spike)
        self.fresh = False
        if self.is_last and kind == "softmax":
            sums = [v + n for v, n in zip(self.v, noise, strict=True)]
            self.spikes = [int(j == sums.index(max(sums))) for j in range(len(sums))]
        if not self.is_last or kind in ("none", "lateral", "softmax"):
            self.counted = list(self.spikes)
            return
        inhibitors = self.spikes if kind == "feedforward" else self.counted
        result = []
        for j in range(len(self.u)):
            u = self.u[j] + 256 * self.spikes[j] - strength * (sum(inhibitors) - inhibitors[j])
            u = max(u, -1024)
            z = u >= 256
            self.u[j] = min(u - 256 if z else u, 256)
            result.append(int(z))
        self.counted = result

    def backward(self, current: list[int], served: bool) -> None:
        """One step of the error neurons; `served` if the layer above has an error spike in it."""
        error, theta = self.machine.config.error, self.numbers.error_threshold
        limit = self.numbers.error_max
        for j in range(len(self.m)):
            self.error_pool[j] += current[j]
            flow = truncated(self.error_pool[j], error.kernel_shift)
            self.error_pool[j] -= flow
            if self.is_last or error.gate == "open":
                is_open = not self.dropped[j]
            else:
                is_open = self.fired[j] and not self.dropped[j]
            self.m[j] = clip(self.m[j] + flow, limit)
            self.m_n[j] = clip(self.m_n[j] - flow, limit)
            p = is_open and self.m[j] >= theta
            if error.membranes == "shared":
                n = is_open and self.m[j] <= -theta
                self.m[j] += theta * (n - p)
            else:
                n = is_open and self.m_n[j] >= theta
                self.m[j] -= theta * p
                self.m_n[j] -= theta * n
            if served and self.owes[j]:
                self.m[j] -= self.numbers.cost
                self.m_n[j] += self.numbers.cost
                self.owes[j] = False
            if error.gate == "discard" and not is_open:
                self.m[j] = self.m_n[j] = 0
            self.errors[j] = p - n


@dataclasses.dataclass
class Result:
    """What one sample showed; arrays as `Network.train` and `Network.raster` give them."""

    counts: list[int]
    activity: np.ndarray
    spikes: np.ndarray
    errors: np.ndarray

    def cut(self, ran: int) -> Result:
        """Return the sample as it was when `ran` steps were over."""
        self.activity[4, 0] = ran
        return dataclasses.replace(self, spikes=self.spikes[:ran], errors=self.errors[:ran])


class PlainMachine:
    """A network of plain lists; `weights[l - 1][i][j]` as in the golden model."""

    def __init__(self, machine: Machine, weights: list[np.ndarray]) -> None:
        self.machine, self.config = machine, machine.config
        self.weights = [w.tolist() for w in weights]
        self.streams = streams(self.config)
        self.states = [s.seed(self.config.random.seed) for s in self.streams]

    def word(self, stream: int) -> int:
        """Draw one word, bit by bit."""
        lfsr = self.streams[stream].lfsr
        self.states[stream] = lfsr.shift(self.states[stream], 16)
        return self.states[stream] & 0xFFFF

    def sample(
        self, image: np.ndarray, label: int, train: bool, steps: int, updates: tuple[Update, ...]
    ) -> Result:
        """Run one sample, learning from it where `train` is set; it stops as configured."""
        config, machine, label = self.config, self.machine, int(label)
        depth, sizes = config.depth, config.sizes
        seeds = [stream.seed(config.random.seed) for stream in self.streams]
        self.states = [state or seed for state, seed in zip(self.states, seeds, strict=True)]
        pixels = [(i, int(value)) for i, value in enumerate(image) if value]
        layers = [None, *(Layer(machine, numbers, train) for numbers in machine.layers)]
        if train and config.input.jitter:
            pixels = self.shifted(pixels)
        silent = [False] * len(pixels)
        if train and machine.input_dropout:
            silent = [self.word(3 + depth) < machine.input_dropout for _ in pixels]
        for index in range(1, depth):
            if train and machine.layers[index - 1].dropout:
                chance = machine.layers[index - 1].dropout
                layers[index].dropped = [
                    self.word(3 + depth + index) < chance for _ in range(sizes[index])
                ]
        kept = self.states[INFERENCE]
        ramp = machine.ramp_train if train else machine.ramp_infer
        counts, activity = [0] * sizes[-1], np.zeros((5, depth + 1), np.int64)
        spikes = np.zeros((steps, sum(sizes)), np.int8)
        errors = np.zeros((steps, sum(sizes)), np.int8)
        pre_sums = [[0] * size for size in sizes]
        error_sums = [[0] * size for size in sizes]
        for t in range(steps):
            below = [0] * sizes[0]
            for k, (i, value) in enumerate(pixels):
                hit = self.word(INPUT if train else INFERENCE) < value * ramp[t]
                if i is not None:  # else it was shifted out of the image
                    below[i] = int(hit and not silent[k])
            shown = [below]
            for index in range(1, depth + 1):
                layer, weights = layers[index], self.weights[index - 1]
                rows = [i for i, spike in enumerate(below) if spike]
                for i in rows:
                    pre_sums[index - 1][i] += 1
                activity[0, index - 1] += len(rows)
                current = [sum(weights[i][j] for i in rows) for j in range(sizes[index])]
                if train:
                    self.learn(index, rows, layer.errors, updates[index - 1], activity)
                noise = [0] * sizes[index]
                if train and index == depth and config.wta.kind == "softmax":
                    noise = [self.noise(t) for _ in noise]
                layer.forward(current, noise)
                below = layer.spikes
                shown.append(layer.counted)
            last = layers[depth]
            counts = [a + b for a, b in zip(counts, last.counted, strict=True)]
            activity[0, depth] += sum(last.counted)
            spikes[t] = [spike for row in shown for spike in row]
            if not train:
                if self.sure(sorted(counts)[-1] - sorted(counts)[-2], config.stop.infer, t):
                    self.states[INFERENCE] = kept
                    return Result(counts, activity, spikes, errors).cut(t + 1)
                continue
            target = machine.label[t]
            if machine.label_is_random:
                target = int(self.word(LABEL) < target)
            current = [256 * (target * (j == label) - z) for j, z in enumerate(last.counted)]
            now: list[int] = []
            for index in range(depth, 0, -1):
                layers[index].backward(current, index < depth and any(now))
                now = layers[index].errors
                activity[1, index] += now.count(1)
                activity[2, index] += now.count(-1)
                for j, e in enumerate(now):
                    error_sums[index][j] += e
                if index > 1 and config.learning.rule == "random-feedback":
                    current = [
                        256 * sum(e * (-1) ** (i & j).bit_count() for j, e in enumerate(now, 1))
                        for i in range(sizes[index - 1])
                    ]
                elif index > 1:
                    current = [
                        sum(e * w for e, w in zip(now, row, strict=True))
                        for row in self.weights[index - 1]
                    ]
            errors[t, sizes[0] :] = [e for layer in layers[1:] for e in layer.errors]
            rivals = counts[:label] + counts[label + 1 :]
            if self.sure(counts[label] - max(rivals), config.stop.train, t):
                steps = t + 1
                break
        self.states[INFERENCE] = kept
        if train and config.learning.rule == "rate":
            self.learn_rates(pre_sums, error_sums, steps, updates)
        return Result(counts, activity, spikes, errors).cut(steps)

    def sure(self, lead: int, margin: int, t: int) -> bool:
        """Return whether a sample ends after step `t`."""
        return margin > 0 and t + 1 >= self.config.stop.least and lead >= margin

    def shifted(self, pixels: list[tuple[int, int]]) -> list[tuple[int | None, int]]:
        """Draw the jitter, and move an image's pixels; those that leave it have no place."""
        (rows, columns), radius = self.config.image, self.config.input.jitter
        names = [stream.name for stream in self.streams]
        words = [self.word(names.index("jitter")) for _ in range(2)]
        down, right = (word * (2 * radius + 1) // 65536 - radius for word in words)
        moved = []
        for i, value in pixels:
            row, column = i // columns + down, i % columns + right
            inside = row in range(rows) and column in range(columns)
            moved.append((row * columns + column if inside else None, value))
        return moved

    def noise(self, t: int) -> int:
        """Draw one class's noise of step `t`: Gumbel's, times the gain of the input so far."""
        names = [stream.name for stream in self.streams]
        part = self.word(names.index("noise")) % 256
        number = round(-math.log(-math.log((part + 0.5) / 256)) * 64)
        share = (t + 1) / self.config.steps
        if self.config.input.ramp == "linear":
            share *= 2 - share
        gain = round(self.machine.layers[-1].inhibition * share)
        return number * gain // 64

    def learn(
        self, index: int, rows: list[int], errors: list[int], update: Update, activity: np.ndarray
    ) -> None:
        """Write the coincidences of one step's rows with the errors of the step before."""
        weights, limit = self.weights[index - 1], self.machine.layers[index - 1].weight_max
        for i in rows:
            keep = self.word(2 + index) < update.probability
            if not keep or not any(errors) or self.config.learning.rule == "rate":
                continue
            activity[3, index] += 1
            for j, e in enumerate(errors):
                weights[i][j] = clip(weights[i][j] + e * 2**update.shift, limit)

    def learn_rates(
        self,
        pre_sums: list[list[int]],
        error_sums: list[list[int]],
        steps: int,
        updates: tuple[Update, ...],
    ) -> None:
        """Write all crossbars at the end of a sample."""
        for index, update in enumerate(updates, 1):
            weights, limit = self.weights[index - 1], self.machine.layers[index - 1].weight_max
            scale = update.probability * 2 ** (update.shift + 16) // steps
            for i, spikes in enumerate(pre_sums[index - 1]):
                if not spikes:
                    continue
                noise = self.word(2 + index) * 2**16
                for j, e in enumerate(error_sums[index]):
                    change = (abs(e) * spikes * scale + noise) // 2**32
                    weights[i][j] = clip(weights[i][j] + (change if e >= 0 else -change), limit)
