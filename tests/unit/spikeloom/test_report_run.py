"""A run to report: what is collected, and parts that do not belong together."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from spikeloom.golden import initial
from spikeloom.golden.activity import NEGATIVE, POSITIVE, PRE, counters
from spikeloom.golden.datasets import Dataset, Part
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import machine
from spikeloom.report import ReportError, activity
from spikeloom.training import Evaluation
from tests.support.report_runs import small_digits, tiny, trained, whole_run


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return small_digits()


def test_the_recorded_sample_is_one_of_those_counted(digits: Dataset):
    images = digits.train.images.copy()
    images[:4] = 0
    images[:4, 0, 0] = 1  # draws numbers, but no hidden neuron fires, so no error comes back to one
    run = trained(tiny(), dataclasses.replace(digits, train=Part(images, digits.train.labels)))
    assert run.sample.index >= 4
    counted, sample = run.activity[run.sample.index], run.sample
    first = np.cumsum([0, *run.config.sizes])
    for layer, (low, high) in enumerate(pairwise(first)):
        spikes, errors = sample.spikes[:, low:high], sample.errors[:, low:high]
        assert spikes.sum() == counted[PRE, layer]
        if layer:
            assert (errors > 0).sum() == counted[POSITIVE, layer]
            assert (errors < 0).sum() == counted[NEGATIVE, layer]
            assert (errors != 0).any()


def test_collecting_changes_no_weight(digits: Dataset):
    given = initial.weights(machine(tiny()), 3)
    before = [w.copy() for w in given]
    run = trained(tiny(), digits, weights=given)
    assert run.activity[:, POSITIVE].any()
    assert [np.array_equal(a, b) for a, b in zip(given, before, strict=True)] == [True, True]


def test_the_floor_is_of_the_samples_that_the_engine_counted(digits: Dataset):
    derived = machine(tiny())
    network = Network(derived)
    network.weights = initial.weights(derived, 5)
    found = network.train(digits.train.images, digits.train.labels)[1]
    told = {"samples": 200, "cycles": 1, **counters(found)}
    run = trained(tiny(), digits, counters=told)
    assert run.cycles_per_image == 1 / 200
    assert run.floor_per_image == pytest.approx(floor_cycles(run.layers, found).mean())
    assert "all 200 training samples" in activity.cycles(run).caption


def test_mistakes_are_the_clearest_first(digits: Dataset):
    run = whole_run()
    for m in run.mistakes:
        assert m.label == digits.test.labels[m.index]
        assert m.label != m.predicted == run.tested.counts[m.index].argmax()
        assert np.array_equal(m.image, digits.test.images[m.index])
    rows = zip(run.tested.counts, digits.test.labels, strict=True)
    margins = [int(max(c) - c[label]) for c, label in rows if c.argmax() != label]
    shown = [int(max(c) - c[m.label]) for m in run.mistakes for c in [run.tested.counts[m.index]]]
    assert len(shown) == 24 < len(margins)
    assert shown == sorted(margins, reverse=True)[:24]


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": []}, r"weights: shape \(\) does not belong to tiny, which needs \(\(49, 16\)"),
        (
            {"labels": np.zeros(3, np.uint8)},
            r"test_counts: shape \(150, 10\) .* \(3, 10\)",
        ),
        (
            {"activity": np.zeros((0, 5, 3), np.int32)},
            r"activity: shape \(0, 5, 3\) .* \(1, 5, 3\)",
        ),
        ({"class_names": ("a",)}, r"class_names: shape 1 does not belong to tiny, which needs 10"),
        (
            {"labels": np.full(150, 10, np.uint8)},
            r"test_labels reach 10, but tiny has 10 cl",
        ),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(change: dict[str, object], message: str):
    run = whole_run()
    if "labels" in change:
        change = {"tested": dataclasses.replace(run.tested, **change)}
    with pytest.raises(ReportError, match=message):
        dataclasses.replace(run, **change)


def test_a_sample_of_another_network_is_refused():
    run = whole_run()
    short = run.sample._replace(spikes=run.sample.spikes[:3])
    with pytest.raises(ReportError, match=r"sample.spikes: shape \(3, 75\) .* needs \(16, 75\)"):
        dataclasses.replace(run, sample=short)
    short = run.sample._replace(errors=run.sample.errors[:, :3])
    with pytest.raises(ReportError, match=r"sample.errors: shape \(16, 3\) .* needs \(16, 75\)"):
        dataclasses.replace(run, sample=short)


def test_a_cost_of_another_network_is_refused():
    run = whole_run()
    with pytest.raises(ReportError, match=r"cost.total: shape \(5, 2\) .* needs \(5, 3\)"):
        dataclasses.replace(run, cost=run.cost._replace(total=run.cost.total[:, :2]))


def test_counts_of_other_test_images_are_refused(digits: Dataset):
    tested = Evaluation(np.zeros((7, 10), np.int32), digits.test.labels[:7], np.ones(7, np.int32))
    with pytest.raises(ReportError, match="test_counts: 7 images were tested, but mnist holds 150"):
        trained(tiny(), digits, tested=tested)


def test_a_run_without_training_images_is_refused(digits: Dataset):
    none = dataclasses.replace(digits, train=digits.train[:0])
    with pytest.raises(ReportError, match="mnist: no training image to record spikes of"):
        trained(tiny(), none)
