"""The ANN baseline: what it is made of, that it learns real digits, that it can be stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom.golden import datasets
from tests.paper import ann, stats
from tests.paper.errors import PaperError
from tests.paper.job import Place, execute

pytestmark = pytest.mark.extra("paper")

SMALL = {"train": 2000, "test": 500, "epochs": 4, "batch": 50, "dropout": [0.0, 0.0]}


def run(seed: int = 1, hidden: int = 32, **changes: Any) -> dict[str, Any]:
    job = ann.job("mnist", (784, hidden, 10), seed, **(SMALL | changes))
    return execute(job, Place(), lambda part: None)


@pytest.fixture(scope="module")
def digits() -> datasets.Dataset:
    return datasets.load("mnist", train=2000, test=500)


def test_the_network_is_relu_layers_as_numpy_computes_them():
    import jax

    x = np.random.default_rng(1).random((7, 6), np.float32) - 0.5
    weights = ann.initial(jax.random.key(1), (6, 5, 4, 3))
    weights = [(kernel, bias + 0.1 * i) for i, (kernel, bias) in enumerate(weights)]
    expected = x
    for i, (kernel, bias) in enumerate(weights):
        expected = np.maximum(expected, 0) if i else expected
        expected = expected @ np.asarray(kernel) + np.asarray(bias)
    np.testing.assert_allclose(np.asarray(ann.logits(weights, x)), expected, atol=1e-5)


def test_weights_start_as_he_says():
    import jax

    weights = ann.initial(jax.random.key(1), (784, 500, 10))
    for (kernel, bias), n_pre in zip(weights, (784, 500), strict=True):
        assert np.asarray(kernel).std() == pytest.approx((2 / n_pre) ** 0.5, rel=0.05)
        assert not np.asarray(bias).any()


def test_dropout_silences_its_share_while_training_and_keeps_the_mean():
    import jax

    x, ones = np.ones((1, 1000), np.float32), [(np.ones((1000, 1)), np.zeros(1))]
    assert float(ann.logits(ones, x)[0, 0]) == 1000
    sums = [float(ann.logits(ones, x, (0.2,), jax.random.key(k))[0, 0]) for k in range(20)]
    kept = np.array(sums) * 0.8
    np.testing.assert_allclose(kept, np.rint(kept), atol=1e-2)
    assert kept.mean() == pytest.approx(800, abs=4 * (1000 * 0.16 / 20) ** 0.5)


def test_it_learns_real_digits():
    result = run(learning_rate=5e-3)
    assert len(result["accuracy"]) == 4
    assert result["accuracy"][-1] > 0.85
    right = stats.unpack(result["right"], result["images"])
    assert right.mean() == pytest.approx(result["accuracy"][-1])


def test_the_same_seed_gives_the_same_run_and_another_one_does_not():
    first, again, other = run(), run(), run(seed=2)
    assert first == again
    assert first["right"] != other["right"]
    assert first["data"] == other["data"]


def test_a_stopped_run_goes_on_to_the_same_result(tmp_path: Path):
    class StoppedError(Exception):
        pass

    def stop(part: float) -> None:
        if part >= 0.5:
            raise StoppedError

    place = Place(partial=str(tmp_path / "partial"))
    job = ann.job("mnist", (784, 32, 10), 1, **SMALL)
    with pytest.raises(StoppedError):
        execute(job, place, stop)
    assert len(list((tmp_path / "partial").iterdir())) == 1
    parts: list[float] = []
    result = execute(job, place, parts.append)
    assert parts == [0.75, 1.0], "the first two epochs were not repeated"
    assert result == run()
    assert list((tmp_path / "partial").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\x00damaged", b"\x81\xa1a\x01"])
def test_a_damaged_partial_result_is_named_with_what_to_do(content: bytes, tmp_path: Path):
    job = ann.job("mnist", (784, 8, 10), 1, **(SMALL | {"train": 100, "test": 50}))
    place = Place(partial=str(tmp_path))

    def stop(part: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(job, place, stop)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    with pytest.raises(PaperError) as error:
        execute(job, place, lambda part: None)
    assert str(error.value).startswith(f"{path} cannot be gone on from (")
    assert str(error.value).endswith("): remove it, and the run starts again")


def softmax(out: np.ndarray) -> np.ndarray:
    out = np.exp(out - out.max(axis=1, keepdims=True))
    return out / out.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("loss", "rates"), [({}, softmax), ({"loss": "mse"}, lambda out: np.maximum(out, 0))]
)
def test_one_step_is_that_of_adam_on_the_loss(loss: dict, rates: Any, digits: datasets.Dataset):
    """One batch of one layer, against NumPy: output less label, Adam's first step."""
    one = {"dropout": [0.0], "batch": 2000, "epochs": 1} | loss
    baseline = ann.Baseline(ann.job("mnist", (784, 10), 1, **one).config, digits)
    weights = np.asarray(baseline._weights[0][0], np.float64)
    x = digits.train.images.reshape(2000, -1) / 255
    gradient = x.T @ (rates(x @ weights) - np.eye(10)[digits.train.labels]) / 2000
    baseline.train_epoch()
    after = np.asarray(baseline._weights[0][0], np.float64)
    expected = -1e-3 * gradient / (np.abs(gradient) + 1e-8)
    large = np.abs(gradient) > 1e-4
    np.testing.assert_allclose((after - weights)[large], expected[large], rtol=0.01)


@pytest.mark.slow
def test_it_reaches_what_such_a_network_reaches():
    result = run(hidden=256, train=None, test=None, epochs=3, dropout=[0.2, 0.3])
    assert 0.965 < result["accuracy"][-1] < 0.985
