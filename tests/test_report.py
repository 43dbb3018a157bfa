"""The report: every kind of network is drawn, the numbers are the run's, nothing is loaded."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from spikeloom.golden import datasets, initial
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.network import NEGATIVE, POSITIVE, PRE, Network
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import SECTIONS, NetworkConfig, load
from spikeloom.sim.report import (
    Point,
    ReportError,
    Run,
    Verification,
    activity,
    collect,
    outcome,
    weights,
    write,
)
from spikeloom.sim.report import page as page_module
from spikeloom.sim.report.drawing import (
    IMAGE_BLUE,
    IMAGE_ORANGE,
    VARIABLES,
    Picture,
    drawing,
    mosaic,
    to_svg,
)
from spikeloom.sim.report.figures import figures
from spikeloom.sim.report.page import render

MAX_BYTES = 3_000_000
LOADING = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}
EVERY_KEY = [
    "learning-curve",
    "confusion",
    "mistakes",
    "fields",
    "changes",
    "raster",
    "histograms",
    "spikes",
    "cycles",
]


def tiny(sizes: tuple[int, ...] = (49, 16, 10), ports: int = 2, **keys: object) -> NetworkConfig:
    """Return `tiny` with other layers: the last one as it is, all others as its first."""
    config = load("tiny")
    hidden, last = (dataclasses.replace(layer, ports=ports) for layer in config.layers)
    layers = (*[hidden] * (len(sizes) - 2), last)
    return dataclasses.replace(config, sizes=sizes, layers=layers, **keys)


def relabelled(data: Dataset, classes: int) -> Dataset:
    """Return the same digits with labels for as many classes as asked."""
    return dataclasses.replace(
        data,
        train_labels=(np.arange(len(data.train_labels)) % classes).astype(np.uint8),
        test_labels=(np.arange(len(data.test_labels)) % classes).astype(np.uint8),
        classes=classes,
    )


def trained(config: NetworkConfig, data: Dataset, **given: object) -> Run:
    """Train on half of the digits, test, and collect."""
    derived = machine(config)
    network, before = Network(derived), initial.weights(derived, 3)
    network.weights = before
    network.train(data.train_images[:100], data.train_labels[:100])
    keys = {
        "engine": "golden",
        "epochs": 1,
        "curve": [Point(50, 0.3, 40), Point(200, 0.55, 40)],
        "test_counts": network.infer(data.test_images),
        "initial_weights": before,
        "weights": network.weights,
        "images_per_second": 4321.0,
        "command": "spikeloom train tiny --seed 3",
        "samples": 30,
    }
    return collect(config, data, **(keys | given))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("mnist", train=200, test=150, shape=(7, 7))


@pytest.fixture(scope="module")
def run(digits: Dataset) -> Run:
    """Give a run of `tiny` with everything that a report can show."""
    return trained(
        tiny().with_seed(3),
        digits,
        cycles_per_image=987.5,
        verification=Verification(True, 944, 77),
    )


@pytest.fixture(scope="module")
def drawn(run: Run) -> list[Picture]:
    return figures(run)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out, which take seconds, where a test reads numbers only."""
    monkeypatch.setattr(page_module, "figures", lambda run: [])


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return render(run)


class Page(HTMLParser):
    """What a browser would find: tags with attributes, text by tag, identifiers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open and self._open[-1] not in ("style", "html"):
            self.cells.append(data.strip())


def texts(svg: str) -> list[str]:
    """Return the text elements of a drawn figure; fails where it is not sound XML."""
    root = ET.fromstring(svg.replace("<svg", '<svg xmlns:xlink="x"', 1))
    return ["".join(element.itertext()).strip() for element in root.iter("text")]


# Every kind of network


@pytest.mark.parametrize(
    ("config", "classes"),
    [
        pytest.param(tiny((49, 2)), 2, id="two classes, no hidden layer"),
        pytest.param(tiny((49, 12, 47)), 47, id="47 classes"),
        pytest.param(tiny((49, 20, 12, 10), ports=1), 10, id="two hidden layers, one port"),
        pytest.param(tiny(steps=1), 10, id="one step"),
        pytest.param(tiny((49, 90, 10), steps=300), 10, id="300 steps"),
    ],
)
def test_every_figure_of_every_kind_of_network_is_drawn(
    digits: Dataset, config: NetworkConfig, classes: int
):
    drawn = figures(trained(config, relabelled(digits, classes)))
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
    assert "floor 0" in Page(render(trained(silent, digits, cycles_per_image=12.0))).cells


def test_a_run_that_tested_nothing_shows_no_results(digits: Dataset):
    none = dataclasses.replace(
        digits, test_images=digits.test_images[:0], test_labels=digits.test_labels[:0]
    )
    run = trained(tiny(), none, curve=[])
    found = Page(render(run))
    links = [a["href"] for tag, a in found.tags if tag == "a"]
    assert links[:3] == ["#learning-curve", "#fields", "#changes"]
    assert "test accuracy" not in found.cells


def test_a_run_without_mistakes_shows_none(digits: Dataset):
    perfect = 9 * np.eye(10, dtype=np.int32)[digits.test_labels]
    run = trained(tiny(), digits, test_counts=perfect)
    found = Page(render(run))
    assert "#mistakes" not in [a.get("href") for _, a in found.tags]
    assert "100.00 %" in found.cells


def test_a_page_of_a_network_of_full_size_stays_small():
    data = datasets.load("mnist", train=200, test=150)
    assert len(render(trained(load("mnist-784-128-10"), data)).encode()) < MAX_BYTES


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
    data = dataclasses.replace(relabelled(digits, 2), name=evil)
    drawn = render(trained(config, data, command=evil, class_names=("<b>", '"&')))
    assert "<script" not in drawn
    assert "<b>" not in drawn
    assert Page(drawn).cells.count(evil) >= 3


def test_the_same_run_gives_the_same_page(run: Run, page: str):
    assert render(run) == page


# The numbers


def test_the_headlines_are_the_runs_numbers(run: Run, page: str):
    cells = Page(page).cells
    predicted = np.array([list(row).index(max(row)) for row in run.test_counts])
    right = int((predicted == run.test_labels).sum())
    assert f"{100 * right / 150:.2f} %" in cells
    assert any(cell.startswith(f"{right} of 150;") for cell in cells)
    assert "1 epoch of 200 mnist images" in cells
    assert "equal" in cells
    assert "944 weights and 77 samples compared, bit for bit" in cells
    assert "988" in cells
    floor = floor_cycles(run.machine, run.activity).mean()
    assert f"{987.5 / floor:.3f} times the floor of {floor:,.0f}" in cells
    assert "4,321" in cells


@pytest.mark.usefixtures("undrawn")
def test_a_difference_between_engines_cannot_be_overlooked(run: Run):
    differing = dataclasses.replace(run, verification=Verification(False, 944, 3))
    cells = Page(render(differing)).cells
    assert "NOT EQUAL" in cells
    assert "equal" not in cells


def test_the_confusion_matrix_counts_every_test_image_once(run: Run):
    pairs = Counter(zip(run.test_labels.tolist(), run.predicted.tolist(), strict=True))
    classes = Counter(str(k) for k in range(10))
    numbers = Counter(texts(outcome.confusion(run).svg))
    for (true, guess), count in pairs.items():
        if true == guess:
            share = 100 * count / (run.test_labels == true).sum()
            assert f"{share:.1f}" in numbers
    expected = Counter(str(count) for count in pairs.values())
    assert (expected + classes + classes + classes) - numbers == Counter()


def test_the_learning_curve_states_the_test_and_chance(run: Run):
    found = texts(outcome.learning_curve(run).svg)
    assert f"test: {100 * run.correct / 150:.2f} % of 150" in found
    assert "chance: 10 %" in found


def test_the_costs_are_the_activitys(run: Run, page: str):
    cells = Page(page).cells
    spikes = run.activity[:, PRE, 1]
    at = cells.index("hidden spikes", cells.index("words touched"))
    low, middle, high = np.percentile(spikes, (5, 50, 95))
    mean = f"{spikes.mean():,.1f}"
    assert cells[at + 1 : at + 5] == [f"{middle:,.0f}", f"{low:,.0f}", f"{high:,.0f}", mean]


def test_every_key_of_the_configuration_is_there(run: Run, page: str):
    cells = Page(page).cells
    for section in SECTIONS:
        for key, value in dataclasses.asdict(getattr(run.config, section)).items():
            assert (key, str(value)) in pairwise(cells), (section, key)
    for key, value in dataclasses.asdict(run.config.layers[1]).items():
        assert (key, str(value)) in zip(cells, cells[2:], strict=False), key
    at = cells.index("threshold, train")
    assert cells[at + 1 : at + 3] == [f"{layer.train.theta:,}" for layer in run.machine.layers]


def test_the_run_can_be_repeated_from_the_page(run: Run, page: str):
    cells = Page(page).cells
    for name, value in [("command", run.command), ("seed", "3"), *run.versions.items()]:
        assert (name, value) in pairwise(cells), name
    assert {"python", "spikeloom", "numpy", "numba", "amaranth", "verilator"} <= run.versions.keys()


def test_the_histogram_states_the_share_at_the_rails(run: Run):
    found = texts(weights.histograms(run).svg)
    for layer, trained_to in zip(run.machine.layers, run.weights, strict=True):
        share = np.mean([abs(int(w)) == layer.weight_max for w in trained_to.ravel()])
        assert f"trained: {100 * share:.2f} % at the rails" in found


def test_rails_are_both_of_them(run: Run):
    layer = run.machine.layers[0]
    most = layer.weight_max
    assert weights.at_rails(layer, np.array([[most, -most, most - 1, 0]], np.int16)) == 0.5


def test_the_interval_is_wilsons():
    assert outcome.interval(90, 100) == pytest.approx((0.8256, 0.9448), abs=5e-5)
    assert outcome.interval(0, 10) == pytest.approx((0, 0.2775), abs=5e-5)


def test_the_parts_of_the_floor_add_up_to_it(digits: Dataset):
    run = trained(tiny((49, 20, 12, 10), ports=1), digits)
    parts = activity.floor_parts(run)
    assert all(value > 0 for value in parts.values())
    assert sum(parts.values()) == pytest.approx(floor_cycles(run.machine, run.activity).mean())


# Collecting


def test_the_recorded_sample_is_one_of_those_counted(digits: Dataset):
    images = digits.train_images.copy()
    images[:4] = 0
    images[:4, 0, 0] = 1  # draws numbers, but no hidden neuron fires, so no error comes back to one
    run = trained(tiny(), dataclasses.replace(digits, train_images=images))
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
    found = network.train(digits.train_images, digits.train_labels)[1]
    counters = {"samples": 200, "cycles": 1}
    for layer in range(3):
        counters[f"spikes.{layer}"] = int(found[:, PRE, layer].sum())
        counters[f"positive.{layer}"] = int(found[:, POSITIVE, layer].sum())
        counters[f"negative.{layer}"] = int(found[:, NEGATIVE, layer].sum())
    run = trained(tiny(), digits, counters=counters)
    assert run.floor_per_image == pytest.approx(floor_cycles(derived, found).mean())
    assert "all 200 training samples" in activity.cycles(run).caption


def test_mistakes_are_the_clearest_first(run: Run, digits: Dataset):
    for m in run.mistakes:
        assert m.label == digits.test_labels[m.index]
        assert m.label != m.predicted == run.test_counts[m.index].argmax()
        assert np.array_equal(m.image, digits.test_images[m.index])
    rows = zip(run.test_counts, digits.test_labels, strict=True)
    margins = [int(max(c) - c[label]) for c, label in rows if c.argmax() != label]
    shown = [int(max(c) - c[m.label]) for m in run.mistakes for c in [run.test_counts[m.index]]]
    assert len(shown) == 24 < len(margins)
    assert shown == sorted(margins, reverse=True)[:24]


def test_tiles_lie_where_their_corners_say(rng: np.random.Generator):
    tiles = rng.random((5, 4, 6))
    sheet, corners = mosaic(tiles, columns=3)
    for tile, (top, left) in zip(tiles, corners, strict=True):
        assert np.array_equal(sheet[top : top + 4, left : left + 6], tile)
    assert np.isfinite(sheet).sum() == tiles.size


def test_a_description_may_hold_quotes():
    with drawing(1.0) as figure:
        figure.text(0.1, 0.5, "a < b & c")
        svg = to_svg(figure, "key", 'the "<label>" & more')
    assert Page(svg).tags[0][1]["aria-label"] == 'the "<label>" & more'
    assert texts(svg) == ["a < b & c"]


# Writing, and what is refused


def test_the_report_is_written_into_a_new_directory(run: Run, page: str, tmp_path: Path):
    path = write(tmp_path / "new" / "deeper", run)
    assert path == tmp_path / "new" / "deeper" / "report.html"
    assert path.read_text(encoding="utf-8") == page


@pytest.mark.usefixtures("undrawn")
def test_an_old_report_is_replaced_and_nothing_else_is_left(run: Run, tmp_path: Path):
    (tmp_path / "report.html").write_text("old")
    assert write(tmp_path, run).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.usefixtures("undrawn")
def test_a_directory_that_cannot_be_made_is_named(run: Run, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match=r"cannot write .*file/out/report\.html: Not a directory"):
        write(tmp_path / "file" / "out", run)


@pytest.mark.usefixtures("undrawn")
def test_a_report_that_cannot_be_put_in_place_leaves_nothing_behind(run: Run, tmp_path: Path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ReportError, match=r"name a directory that can be written"):
        write(tmp_path, run)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": []}, r"weights: shape \(\) does not belong to tiny, which needs \(\(49, 16\)"),
        ({"initial_weights": []}, r"initial_weights: shape \(\) does not belong to tiny"),
        ({"test_labels": np.zeros(3, np.uint8)}, r"test_counts: shape \(150, 10\) .* \(3, 10\)"),
        (
            {"activity": np.zeros((0, 4, 3), np.int32)},
            r"activity: shape \(0, 4, 3\) .* \(1, 4, 3\)",
        ),
        ({"class_names": ("a",)}, r"class_names: shape 1 does not belong to tiny, which needs 10"),
        ({"test_labels": np.full(150, 10, np.uint8)}, r"test_labels reach 10, but tiny has 10 cl"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    run: Run, change: dict[str, object], message: str
):
    with pytest.raises(ReportError, match=message):
        dataclasses.replace(run, **change)


def test_a_sample_of_another_network_is_refused(run: Run):
    short = run.sample._replace(spikes=run.sample.spikes[:3])
    with pytest.raises(ReportError, match=r"sample.spikes: shape \(3, 75\) .* needs \(16, 75\)"):
        dataclasses.replace(run, sample=short)
    short = run.sample._replace(errors=run.sample.errors[:, :3])
    with pytest.raises(ReportError, match=r"sample.errors: shape \(16, 3\) .* needs \(16, 75\)"):
        dataclasses.replace(run, sample=short)


def test_a_cost_of_another_network_is_refused(run: Run):
    with pytest.raises(ReportError, match=r"cost.total: shape \(4, 2\) .* needs \(4, 3\)"):
        dataclasses.replace(run, cost=run.cost._replace(total=run.cost.total[:, :2]))


def test_counts_of_other_test_images_are_refused(digits: Dataset):
    with pytest.raises(ReportError, match="test_counts: 7 images were tested, but mnist holds 150"):
        trained(tiny(), digits, test_counts=np.zeros((7, 10), np.int32))


def test_a_run_without_training_images_is_refused(digits: Dataset):
    none = dataclasses.replace(digits, train_images=digits.train_images[:0])
    with pytest.raises(ReportError, match="mnist: no training image to record spikes of"):
        trained(tiny(), none)
