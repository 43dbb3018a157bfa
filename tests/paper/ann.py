"""The baseline of the paper's tables: a network of ReLU neurons, on JAX, by optax.

Softmax cross-entropy, or the mean-squared error that spikes have without inhibition; dropout at the
input and behind each hidden layer, Adam with a learning rate that falls to 0 as a cosine. Pixels
are 0 to 1. Biases are there, as in any such baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.golden.datasets import Dataset
from spikeloom.golden.files import replacing
from tests.paper import images, stats
from tests.paper.errors import PaperError, need
from tests.paper.job import Job, Place, Tell

TEST_BATCH = 1000


def job(data: str, sizes: tuple[int, ...], seed: int, **changes: Any) -> Job:
    """Return a run of the baseline; `changes` are keys of its configuration.

    One more key, `loss` = "mse", takes the error of Eq. 4: label less output, an output being a
    rate, so never negative; a silent output has the error, too.
    """
    config = {
        "data": data,
        "train": None,
        "test": None,
        "sizes": list(sizes),
        "dropout": [0.2] + [0.3] * (len(sizes) - 2),
        "epochs": 30,
        "batch": 100,
        "learning_rate": 1e-3,
        "seed": seed,
    } | changes
    shape = "-".join(map(str, sizes))
    weights = sum(a * b for a, b in pairwise(sizes))
    work = images.trained(config, config["epochs"]) * weights
    name = images.title(data)
    kind = "ANN with MSE" if "loss" in config else "ANN"
    return Job("ann", config, title=f"{kind} {shape} on {name}, seed {seed}", cost=work / 1e10)


def run(config: dict[str, Any], place: Place, tell: Tell) -> dict[str, Any]:
    """Train and test the baseline, as a run of a sweep.

    config : what `job` makes. Returns `accuracy` on the test images after each epoch, 0 to 1;
    `right`, which of the `images` test images were right at the end (`stats.pack`); and `data`,
    the fingerprint of the images.
    """
    data = images.loaded(config, place)
    baseline = Baseline(config, data)
    print_ = images.fingerprint(data)
    path = None
    if place.partial is not None:
        path = Path(place.partial) / f"{Job('ann', config).key}-{print_}.npz"
        baseline.restore(path)
    while baseline.epoch < config["epochs"]:
        baseline.train_epoch()
        if path is not None:
            baseline.save(path)
        tell(baseline.epoch / config["epochs"])
    right = baseline.right()
    if path is not None:
        path.unlink(missing_ok=True)
    return {
        "accuracy": baseline.accuracy,
        "right": stats.pack(right),
        "images": len(right),
        "data": print_,
    }


class Baseline:
    """A network between two epochs.

    Parameters
    ----------
    config : see `job`. data : to train and test on.

    Attributes
    ----------
    epoch : how many are done. accuracy : on the test images after each.
    """

    def __init__(self, config: dict[str, Any], data: Dataset) -> None:
        jax, optax = need("jax"), need("optax")
        self.epoch, self.accuracy = 0, []
        self._config, self._jax = config, jax
        self._images = _pixels(data.train.images)
        self._labels = np.asarray(data.train.labels, np.int32)
        self._test_images, self._test_labels = _pixels(data.test.images), data.test.labels
        self._steps = -(-len(self._labels) // config["batch"])
        # Keyed by purpose, epoch and step: a run that goes on draws what it would have drawn.
        self._key = jax.random.key(config["seed"])
        self._weights = initial(jax.random.fold_in(self._key, 0), config["sizes"])
        rate = optax.cosine_decay_schedule(config["learning_rate"], config["epochs"] * self._steps)
        self._optimiser = optax.adam(rate)
        self._state = self._optimiser.init(self._weights)
        self._step = jax.jit(self._one_step, donate_argnums=(0, 1))
        self._infer = jax.jit(logits)

    def _one_step(self, weights: Any, state: Any, key: Any, x: Any, labels: Any) -> Any:
        """Return weights and optimiser after one batch; pure, compiled by JAX."""
        jax, optax = self._jax, need("optax")
        squared = self._config.get("loss") == "mse"

        def loss(weights: Any) -> Any:
            out = logits(weights, x, self._config["dropout"], key)
            if squared:
                label = jax.nn.one_hot(labels, out.shape[-1])
                error = jax.lax.stop_gradient(jax.nn.relu(out) - label)
                return (error * out).sum(axis=-1).mean()
            return optax.softmax_cross_entropy_with_integer_labels(out, labels).mean()

        changes, state = self._optimiser.update(jax.grad(loss)(weights), state, weights)
        return optax.apply_updates(weights, changes), state

    def train_epoch(self) -> None:
        """Train on every image once, in the epoch's own order, then test."""
        fold, batch = self._jax.random.fold_in, self._config["batch"]
        order = np.random.default_rng((self._config["seed"], self.epoch)).permutation(
            len(self._labels)
        )
        key = fold(self._key, 1 + self.epoch)
        for step in range(self._steps):
            which = order[step * batch : (step + 1) * batch]
            self._weights, self._state = self._step(
                self._weights, self._state, fold(key, step), self._images[which],
                self._labels[which],
            )  # fmt: skip
        self.epoch += 1
        self.accuracy.append(float(self.right().mean()))

    def right(self) -> np.ndarray:
        """Return which test images get their own class, bool[images]."""
        found = [
            np.asarray(self._infer(self._weights, self._test_images[first : first + TEST_BATCH]))
            for first in range(0, len(self._test_images), TEST_BATCH)
        ]
        return np.concatenate(found).argmax(axis=1) == self._test_labels

    def save(self, path: Path) -> None:
        """Write everything that the next epoch starts from."""
        leaves = self._jax.tree.leaves((self._weights, self._state))
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, *leaves, accuracy=self.accuracy)

    def restore(self, path: Path) -> None:
        """Go on from what was written, where there is any."""
        if not path.exists():
            return
        leaves, form = self._jax.tree.flatten((self._weights, self._state))
        try:
            with np.load(path, allow_pickle=False) as file:
                found = [file[f"arr_{number}"] for number in range(len(leaves))]
                accuracy = file["accuracy"].tolist()
        except Exception as error:  # NumPy and zipfile have kinds of their own
            raise PaperError(
                f"{path} cannot be gone on from ({type(error).__name__}: {error}): remove it, and "
                "the run starts again"
            ) from error
        self._weights, self._state = self._jax.tree.unflatten(
            form, [self._jax.numpy.asarray(leaf) for leaf in found]
        )
        self.accuracy, self.epoch = accuracy, len(accuracy)


def initial(key: Any, sizes: Sequence[int]) -> list[tuple[Any, Any]]:
    """Return the weights, float32[n_pre, n], He-initialised, and biases of each layer."""
    jax = need("jax")
    draw = jax.nn.initializers.he_normal()
    return [
        (draw(jax.random.fold_in(key, layer), shape), jax.numpy.zeros(shape[1]))
        for layer, shape in enumerate(pairwise(sizes))
    ]


def logits(weights: Any, x: Any, dropout: Sequence[float] = (), key: Any = None) -> Any:
    """Return the logits, float32[batch, classes], of layers with ReLU between them.

    x : float32[batch, pixels]. dropout : of the input and each hidden layer; with its `key` while
    training, none of both in inference.
    """
    jax = need("jax")
    for layer, (kernel, bias) in enumerate(weights):
        x = jax.nn.relu(x) if layer else x
        if dropout:
            keep = 1 - dropout[layer]
            kept = jax.random.bernoulli(jax.random.fold_in(key, layer), keep, x.shape)
            x = jax.numpy.where(kept, x / keep, 0)
        x = x @ kernel + bias
    return x


def _pixels(pictures: np.ndarray) -> np.ndarray:
    return (pictures.reshape(len(pictures), -1) / np.float32(255)).astype(np.float32)
