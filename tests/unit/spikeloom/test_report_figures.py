"""The report's figures: every kind of network and of run is drawn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikeloom.golden import datasets
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.hdl.hardware import Hardware
from spikeloom.report.drawing import drawing, mosaic, picture
from spikeloom.report.page import figures, render
from spikeloom.run import Run
from spikeloom.training import Evaluation
from tests.support.report_runs import EVERY_KEY, relabelled, small_digits, tiny, trained
from tests.support.web_page import Page, texts

MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return small_digits()


@pytest.mark.parametrize(
    ("config", "ports", "classes"),
    [
        pytest.param(tiny((49, 2)), 2, 2, id="two classes, no hidden layer"),
        pytest.param(tiny((49, 12, 47)), 2, 47, id="47 classes"),
        pytest.param(tiny((49, 20, 12, 10)), 1, 10, id="two hidden layers, one port"),
        pytest.param(tiny(steps=1), 2, 10, id="one step"),
        pytest.param(tiny((49, 90, 10), steps=300), 2, 10, id="300 steps"),
    ],
)
def test_every_figure_of_every_kind_of_network_is_drawn(
    digits: Dataset, config: NetworkConfig, ports: int, classes: int
):
    hardware = Hardware(ports=(ports,))
    drawn = figures(trained(config, relabelled(digits, classes), hardware=hardware))
    assert [p.key for p in drawn] == EVERY_KEY
    for p in drawn:
        assert len(p.alt) > 20, p.key
        assert p.caption.endswith("."), p.key
        assert texts(p.svg), p.key


def test_a_network_that_never_spikes_is_drawn(digits: Dataset):
    config = tiny()
    silent = dataclasses.replace(
        config,
        input=dataclasses.replace(config.input, rate=0.0),
        label=dataclasses.replace(config.label, rate=0.0),
    )
    run = dataclasses.replace(trained(silent, digits), cycles_per_image=12.0)
    assert "floor 0" in Page(render(run)).cells


def test_a_run_that_tested_nothing_shows_no_results(digits: Dataset):
    none = dataclasses.replace(digits, test=digits.test[:0])
    run = trained(tiny(), none, run=Run(3))
    found = Page(render(run))
    links = [a["href"] for tag, a in found.tags if tag == "a"]
    assert links[:3] == ["#learning-curve", "#fields", "#changes"]
    assert "test accuracy" not in found.cells


def test_a_run_without_mistakes_shows_none(digits: Dataset):
    perfect = 9 * np.eye(10, dtype=np.int32)[digits.test.labels]
    ran = np.full(len(perfect), 16, np.int32)
    run = trained(tiny(), digits, tested=Evaluation(perfect, digits.test.labels, ran))
    found = Page(render(run))
    assert "#mistakes" not in [a.get("href") for _, a in found.tags]
    assert "100.00 %" in found.cells


def test_a_page_of_a_network_of_full_size_stays_small():
    data = datasets.load("mnist", train=200, test=150)
    assert len(render(trained(load("mnist-784-128-10"), data)).encode()) < MAX_BYTES


def test_tiles_lie_where_their_corners_say(rng: np.random.Generator):
    tiles = rng.random((5, 4, 6))
    sheet, corners = mosaic(tiles, columns=3)
    for tile, (top, left) in zip(tiles, corners, strict=True):
        assert np.array_equal(sheet[top : top + 4, left : left + 6], tile)
    assert np.isfinite(sheet).sum() == tiles.size


def test_a_description_may_hold_quotes():
    with drawing(1.0) as figure:
        figure.text(0.1, 0.5, "a < b & c")
        svg = picture(figure, "key", "title", 'the "<label>" & more', "").svg
    assert Page(svg).tags[0][1]["aria-label"] == 'the "<label>" & more'
    assert texts(svg) == ["a < b & c"]
