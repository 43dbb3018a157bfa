"""The report's page: it loads nothing, the numbers are the run's, and it is written whole."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from spikeloom.golden.activity import PRE
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.spec.network import SECTIONS
from spikeloom.hdl.hardware import Hardware
from spikeloom.report import Checked, Findings, ReportError, activity, outcome, weights, write
from spikeloom.report import page as page_module
from spikeloom.report.drawing import Picture
from spikeloom.report.page import figures, render
from spikeloom.report.palette import IMAGE_BLUE, IMAGE_ORANGE, VARIABLES
from tests.support.report_runs import EVERY_KEY, relabelled, small_digits, tiny, trained, whole_run
from tests.support.web_page import Page, texts

LOADING = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return small_digits()


@pytest.fixture(scope="module")
def run() -> Findings:
    return whole_run()


@pytest.fixture(scope="module")
def drawn(run: Findings) -> list[Picture]:
    return figures(run)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out, which take seconds, where a test reads numbers only."""
    monkeypatch.setattr(page_module, "figures", lambda run: [])


@pytest.fixture(scope="module")
def page(run: Findings) -> str:
    return render(run)


# The page


def test_the_page_loads_nothing(page: str):
    found = Page(page)
    links = [(tag, name, a[name]) for tag, a in found.tags for name in LOADING & a.keys()]
    assert links
    assert [link for link in links if not link[2].startswith(("#", "data:image/png;base64,"))] == []
    assert {"script", "link", "iframe", "object", "embed", "form"} & {
        t for t, _ in found.tags
    } == set()
    assert re.findall(r"url\((?!#)|@import|javascript:", page) == []
    policies = [a["content"] for t, a in found.tags if a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_identifiers_are_unique_and_every_link_has_its_target(page: str):
    found = Page(page)
    names = Counter(a["id"] for _, a in found.tags if "id" in a)
    assert [name for name, count in names.items() if count > 1] == []
    targets = {v[1:] for _, a in found.tags for k, v in a.items() if k in LOADING and v[0] == "#"}
    targets |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets - names.keys() == set()


def test_the_contents_line_names_every_section(page: str):
    found = Page(page)
    sections = [a["id"] for tag, a in found.tags if tag == "section" and "id" in a]
    assert sections == [*EVERY_KEY, "configuration", "derived", "provenance"]
    assert [a["href"] for tag, a in found.tags if tag == "a"] == [f"#{key}" for key in sections]


def test_every_figure_is_an_image_with_a_description(page: str, drawn: list[Picture]):
    images = [a for tag, a in Page(page).tags if tag == "svg"]
    assert [a["role"] for a in images] == ["img"] * len(EVERY_KEY)
    assert [a["aria-label"] for a in images] == [p.alt for p in drawn]


def test_no_colour_of_a_drawing_is_left_that_one_mode_would_hide(drawn: list[Picture]):
    fixed = {IMAGE_BLUE, IMAGE_ORANGE, "#ffffff"}  # pixels, and the text on dark ones of them
    for p in drawn:
        assert set(re.findall(r"#[0-9a-f]{6}\b", p.svg)) <= fixed, p.key
        assert "currentColor" in p.svg, p.key


def test_the_style_sheet_has_every_colour_in_both_modes(page: str):
    for value in VARIABLES.values():
        if name := re.fullmatch(r"var\((--\w+)\)", value):
            assert len(re.findall(rf"{name[1]}: #", page)) == 2, value


def test_text_from_outside_is_escaped(digits: Dataset):
    evil = '<script>alert("&")</script>'
    config = dataclasses.replace(tiny((49, 2)), name=evil, description=evil)
    data = relabelled(digits, 2)
    data = dataclasses.replace(data, train=dataclasses.replace(data.train, source=evil))
    drawn = render(trained(config, data, command=evil, class_names=("<b>", '"&')))
    assert "<script" not in drawn
    assert "<b>" not in drawn
    assert Page(drawn).cells.count(evil) >= 3


def test_the_same_run_gives_the_same_page(run: Findings, page: str):
    assert render(run) == page


# The numbers


def test_the_headlines_are_the_runs_numbers(run: Findings, page: str):
    cells = Page(page).cells
    predicted = np.array([list(row).index(max(row)) for row in run.tested.counts])
    right = int((predicted == run.tested.labels).sum())
    assert f"{100 * right / 150:.2f} %" in cells
    assert any(cell.startswith(f"{right} of 150;") for cell in cells)
    assert "1 epoch of 200 mnist images" in cells
    assert "equal" in cells
    assert "944 weights and 77 samples compared, bit for bit" in cells
    assert "988" in cells
    floor = floor_cycles(run.layers, run.activity).mean()
    assert f"{987.5 / floor:.3f} times the floor of {floor:,.0f}" in cells
    assert "4,321" in cells


@pytest.mark.usefixtures("undrawn")
def test_a_difference_between_engines_cannot_be_overlooked(run: Findings):
    differing = dataclasses.replace(run, verification=Checked(False, 944, 3))
    cells = Page(render(differing)).cells
    assert "NOT EQUAL" in cells
    assert "equal" not in cells


def test_the_confusion_matrix_counts_every_test_image_once(run: Findings):
    pairs = Counter(zip(run.tested.labels.tolist(), run.tested.predicted.tolist(), strict=True))
    classes = Counter(str(k) for k in range(10))
    numbers = Counter(texts(outcome.confusion(run).svg))
    for (true, guess), count in pairs.items():
        if true == guess:
            share = 100 * count / (run.tested.labels == true).sum()
            assert f"{share:.1f}" in numbers
    expected = Counter(str(count) for count in pairs.values())
    assert (expected + classes + classes + classes) - numbers == Counter()


def test_the_learning_curve_states_the_test_and_chance(run: Findings):
    found = texts(outcome.learning_curve(run).svg)
    assert f"test: {100 * run.tested.right / 150:.2f} % of 150" in found
    assert "chance: 10 %" in found


def test_the_costs_are_the_activitys(run: Findings, page: str):
    cells = Page(page).cells
    spikes = run.activity[:, PRE, 1]
    at = cells.index("hidden spikes", cells.index("words touched"))
    low, middle, high = np.percentile(spikes, (5, 50, 95))
    mean = f"{spikes.mean():,.1f}"
    assert cells[at + 1 : at + 5] == [f"{middle:,.0f}", f"{low:,.0f}", f"{high:,.0f}", mean]


def test_every_key_of_the_configuration_is_there(run: Findings, page: str):
    cells = Page(page).cells
    for section in SECTIONS:
        for key, value in dataclasses.asdict(getattr(run.config, section)).items():
            assert (key, str(value)) in pairwise(cells), (section, key)
    for key, value in dataclasses.asdict(run.config.layers[1]).items():
        assert (key, str(value)) in zip(cells, cells[2:], strict=False), key
    at = cells.index("threshold, train")
    assert cells[at + 1 : at + 3] == [f"{layer.train.theta:,}" for layer in run.machine.layers]


def test_the_run_can_be_repeated_from_the_page(run: Findings, page: str):
    cells = Page(page).cells
    for name, value in [("command", run.command), ("seed", "3"), *run.versions.items()]:
        assert (name, value) in pairwise(cells), name
    assert {"python", "spikeloom", "numpy", "numba", "amaranth", "verilator"} <= run.versions.keys()


def test_the_histogram_states_the_share_at_the_rails(run: Findings):
    found = texts(weights.histograms(run).svg)
    for layer, trained_to in zip(run.machine.layers, run.weights, strict=True):
        share = np.mean([abs(int(w)) == layer.weight_max for w in trained_to.ravel()])
        assert f"trained: {100 * share:.2f} % at the rails" in found


def test_rails_are_both_of_them(run: Findings):
    layer = run.machine.layers[0]
    most = layer.weight_max
    assert weights.at_rails(layer, np.array([[most, -most, most - 1, 0]], np.int16)) == 0.5


def test_the_interval_is_wilsons():
    assert outcome.interval(90, 100) == pytest.approx((0.8256, 0.9448), abs=5e-5)
    assert outcome.interval(0, 10) == pytest.approx((0, 0.2775), abs=5e-5)


def test_the_parts_of_the_floor_add_up_to_it(digits: Dataset):
    run = trained(tiny((49, 20, 12, 10)), digits, hardware=Hardware(ports=(1,)))
    parts = activity.floor_parts(run)
    assert all(value > 0 for value in parts.values())
    assert sum(parts.values()) == pytest.approx(floor_cycles(run.layers, run.activity).mean())


# Writing


def test_the_report_is_written_into_a_new_directory(run: Findings, page: str, tmp_path: Path):
    path = write(tmp_path / "new" / "deeper", run).path
    assert path == tmp_path / "new" / "deeper" / "report.html"
    assert path.read_text(encoding="utf-8") == page


@pytest.mark.usefixtures("undrawn")
def test_an_old_report_is_replaced_and_nothing_else_is_left(run: Findings, tmp_path: Path):
    (tmp_path / "report.html").write_text("old")
    assert write(tmp_path, run).path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.usefixtures("undrawn")
def test_a_directory_that_cannot_be_made_is_named(run: Findings, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match=r"cannot write .*file/out/report\.html: Not a directory"):
        write(tmp_path / "file" / "out", run)


@pytest.mark.usefixtures("undrawn")
def test_a_report_that_cannot_be_put_in_place_leaves_nothing_behind(run: Findings, tmp_path: Path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ReportError, match=r"name a directory that can be written"):
        write(tmp_path, run)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
