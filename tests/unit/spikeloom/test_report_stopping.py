"""The report of a network whose samples end early: how many steps they run, at what accuracy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

from spikeloom.golden.activity import STEPS
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.report import Findings, stopping
from spikeloom.report.page import figures, render
from tests.support.report_runs import EVERY_KEY, small_digits, tiny, trained
from tests.support.web_page import Page, texts


def stops(**keys: int) -> NetworkConfig:
    return tiny().replace(**{f"stop.{key}": value for key, value in keys.items()})


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return small_digits()


@pytest.fixture(scope="module")
def run(digits: Dataset) -> Findings:
    return trained(stops(train=2, infer=3, least=2), digits)


@pytest.mark.parametrize("held", [None, 40])
def test_margins_are_tried_by_golden_on_held_out_images_else_on_test_images(
    digits: Dataset, held: int | None
):
    part = digits.test if held is None else digits.train[-held:]
    found = trained(stops(infer=14), digits, held=held and part)
    network = Network(machine(found.config.with_seed(3)))
    network.weights = found.weights
    assert found.tried.margins == (*range(13), 14)
    for margin, right, steps in zip(*found.tried[2:], strict=True):
        network.stop = StopConfig(infer=margin)
        counts = network.infer(part.images)
        assert (counts.argmax(axis=1) == part.labels).sum() == right
        assert network.ran.mean() == steps
    name = "test" if held is None else "held-out"
    assert found.tried.of == f"{len(part)} {name} images of mnist"
    assert found.tried.images == len(part)


def test_both_pictures_are_drawn_in_their_place(run: Findings):
    at = EVERY_KEY.index("fields")
    keys = [*EVERY_KEY[:at], "steps", "accuracy-steps", *EVERY_KEY[at:]]
    assert [p.key for p in figures(run)] == keys


def test_accuracy_against_steps_names_its_points(run: Findings):
    drawn, tried = stopping.accuracy(run), run.tried
    told = texts(drawn.svg)
    accuracy = {m: 100 * right / 150 for m, right in zip(tried.margins, tried.right, strict=True)}
    assert f"all 16 steps: {accuracy[0]:.2f} %" in told
    assert f"margin 3, configured: {accuracy[3]:.2f} %, {tried.steps[3]:.1f} steps" in told
    assert {"1", "2"} <= set(told)
    assert "Measured on 150 test images of mnist by the golden model." in drawn.caption
    assert "leads the second by so many counted spikes, after 2 steps at the ear" in drawn.caption


def test_without_a_margin_for_inference_no_point_is_the_configured_one(digits: Dataset):
    assert not any(
        "configured" in t for t in texts(stopping.accuracy(trained(stops(train=2), digits)).svg)
    )


def test_names_of_margins_keep_a_distance():
    axes = Figure().subplots()
    steps = np.array([64.0, 2.0, 2.04, 2.4, 63.0, 64.0])
    stopping._name_margins(axes, (0, 1, 2, 3, 4, 5), steps, np.full(6, 90.0))
    assert [text.get_text() for text in axes.texts] == ["1", "3", "4"]


def test_histograms_state_the_means_and_what_ends_an_image(run: Findings):
    drawn = stopping.histograms(run)
    told = texts(drawn.svg)
    assert f"mean: {run.activity[:, STEPS, 0].mean():.1f} of 16" in told
    assert f"mean: {run.tested.ran.mean():.1f} of 16" in told
    assert {"training: margin 2", "inference: margin 3"} <= set(told)
    assert drawn.caption.startswith(
        "Training ends an image once its label leads every other class by 2 counted spikes, after "
        "2 steps at the earliest; inference ends an image once the best class leads by 3 counted"
    )
    assert drawn.caption.endswith("Inference: 150 test images.")


def test_what_was_not_tested_is_not_drawn(digits: Dataset):
    none = dataclasses.replace(digits, test=digits.test[:0])
    found = trained(stops(train=2), none)
    assert found.tried is None
    drawn = stopping.histograms(found)
    assert "inference" not in " ".join(texts(drawn.svg)).lower() + drawn.caption.lower()
    found = trained(stops(train=2), digits)
    assert "inference has no margin: every image runs all" in stopping.histograms(found).caption


def test_headlines_are_the_mean_steps(run: Findings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("spikeloom.report.page.figures", lambda run: [])
    cells = Page(render(run)).cells
    for value, name, note in (
        (run.activity[:, STEPS, 0].mean(), "steps per training image", "of 16, margin 2"),
        (run.tested.ran.mean(), "steps per test image", "of 16, margin 3"),
    ):
        at = cells.index(name)
        assert f"{value:.1f}" in cells[at - 1 : at + 2]
        assert note in cells[at : at + 3]
    plain = Page(render(trained(tiny(), small_digits()))).cells
    assert not any(cell.startswith("steps per") for cell in plain)


def test_the_recorded_sample_ends_early(run: Findings):
    ran = run.activity[run.sample.index, STEPS, 0]
    assert len(run.sample.spikes) == ran


@pytest.mark.parametrize(("steps", "columns"), [(16, 16), (64, 64), (65, 33), (300, 60)])
def test_a_histogram_has_as_many_columns_as_can_be_seen(steps: int, columns: int):
    axes = Figure().subplots()
    stopping._histogram(axes, np.array([1, steps, steps, steps]), steps)
    heights = [bar.get_height() for bar in axes.patches]
    assert (heights[0], heights[-1], len(heights)) == (25, 75, columns)
