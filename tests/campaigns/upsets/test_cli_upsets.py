"""Upsets: the tables, the curves of accuracy, and the command that makes them."""

from __future__ import annotations

import csv
import dataclasses
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from spikeloom import datasets
from spikeloom.golden.datasets import Dataset
from tests.campaigns.app import app
from tests.campaigns.upsets import UpsetError, picture, rates
from tests.campaigns.upsets.accuracy import Ended, Usual
from tests.campaigns.upsets.campaign import Campaign
from tests.campaigns.upsets.chip import Chip
from tests.campaigns.upsets.golden import Golden
from tests.campaigns.upsets.kinds import LFSR, WEIGHTS
from tests.campaigns.upsets.outcome import Cleared, Outcome, Run
from tests.campaigns.upsets.table import Campaigned, write
from tests.support.upset_chip import CONFIG, MACHINE, compiled, digits


@pytest.fixture(scope="module")
def chips() -> Chip:
    return compiled().another()


def done() -> Campaigned:
    """Return a campaign of four runs."""
    runs = [
        Run(WEIGHTS, "w[0][1]", 5, Outcome.MASKED, Cleared.NOTHING),
        Run(WEIGHTS, "w[0][2]", 6, Outcome.LEARNED, Cleared.RESET, Ended(0.75, -0.02)),
        Run(LFSR, "s[3]", 7, Outcome.WRONG, Cleared.RESET, None, "the chip goes on differing"),
        Run(LFSR, "s[4]", 8, Outcome.HANG, Cleared.NEVER, None, "nothing moved"),
    ]
    bits = {WEIGHTS: 300, LFSR: 100}
    return Campaigned("small", 3, runs, bits, (100, 1000), Usual(0.8, 0.01, 40), 6, 900)


def test_the_table_counts_each_kind_and_weighs_them_by_their_bits(tmp_path):
    campaigned = done()
    weights, lfsr, every = campaigned.rows()
    assert (weights["bits"], weights["flips"], weights["masked"], weights["learned away"]) == (
        *(300, 2),
        *(1, 1),
    )
    assert (lfsr["wrong result"], lfsr["hang"], lfsr["not cleared"]) == (1, 1, 1)
    assert (every["bits"], every["flips"], every["cleared by RESET"]) == (400, 4, 2)
    assert campaigned.weighted(Outcome.MASKED) == pytest.approx(0.5 * 300 / 400)
    text = campaigned.text()
    assert "| weights          | 300  | 2     | 1 (50.0 %) | 1 (50.0 %)" in text
    assert "Not cleared (1):\n- s[4] at clock 8: hang" in text
    assert "| kind    | RESET | OPEN | not cleared |" in text
    assert "- weighted by bits: the shares where every bit of the chip is hit alike" in text
    assert "No flip in" not in text
    files = campaigned.write(tmp_path, {"command": "make upsets", "commit": "abc"})
    assert [path.name for path in files] == [
        *("table-small.txt", "table-small.csv", "table-small.json", "runs-small.csv"),
    ]
    values = json.loads(files[2].read_text())
    assert (values["commit"], values["seed"], values["flips"]) == ("abc", 3, 4)
    with files[3].open() as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == [run.outcome for run in done().runs]
    assert [row["cleared"] for row in rows] == ["not needed", "RESET", "RESET", "not cleared"]
    assert [row["paired_change"] for row in rows] == ["", "-0.02", "", ""]


def test_kinds_without_a_flip_are_named_and_shares_are_not_weighted_then():
    campaigned = dataclasses.replace(done(), runs=done().runs[:2])
    text = campaigned.text()
    assert f"No flip in: {LFSR}. From 2 flips on there is one in every kind" in text
    assert "| weighted by bits" not in text
    assert "- weighted by bits" not in text
    assert campaigned.values({})["kinds_left_out"] == [LFSR]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UpsetError, match=r"cannot write .*taken.*; name another folder with --out"):
        write(tmp_path / "taken", {"x": ""})


def test_some_flips_invert_as_many_bits_as_are_asked_for_at_most(seed):
    rng = np.random.default_rng(seed)
    golden = Golden(MACHINE)
    for count in (0, 1, 7, 200):
        before = golden.weights
        golden.flip_some(rng, count)
        changed = 0
        for layer, old, new in zip(MACHINE.layers, before, golden.weights, strict=True):
            masked = (old ^ new).astype(np.int32) & (1 << layer.weight_bits) - 1
            changed += int(np.bitwise_count(masked).sum())
            assert np.abs(new.astype(int)).max() <= 1 << layer.weight_bits - 1
        assert changed <= count
    assert changed > 60  # of 200, some twice, a few left out


def test_a_training_with_upsets_ends_with_them_where_it_is_told_to(seed):
    data = digits(np.random.default_rng(seed), 300)
    calm = rates.golden(CONFIG, data, 0.0, half=False, seed=1, points=3)
    assert calm.flips == 0
    assert [images for images, _ in calm.curve] == [100, 200, 300]
    all_the_time = rates.golden(CONFIG, data, 5.0, half=False, seed=1)
    half = rates.golden(CONFIG, data, 5.0, half=True, seed=1)
    assert 1300 < all_the_time.flips < 1700
    assert 600 < half.flips < 900


def test_a_chip_without_upsets_learns_as_golden_does_and_with_them_has_as_many(chips, seed):
    data = digits(np.random.default_rng(seed), 80)
    calm = rates.golden(CONFIG, data, 0.0, half=False, seed=1)
    body = rates.chip(CONFIG, data, 0.0, kind=WEIGHTS, seed=1, body=chips)
    assert (body.flips, body.accuracy) == (0, calm.accuracy)
    upset = rates.chip(CONFIG, data, 4.0, kind=LFSR, seed=1, body=chips)
    assert 150 < upset.flips < 400


def call(monkeypatch: pytest.MonkeyPatch, chips: Chip, *arguments: object) -> tuple[int, str]:
    """Run the command on the small network."""
    monkeypatch.setattr(Chip, "of", lambda *_: chips)
    monkeypatch.setattr("tests.campaigns.upsets.command.load", lambda name: CONFIG)

    def load(config: Any, train: int = 500, test: int = 200, **_: Any) -> Dataset:
        data, other = (digits(np.random.default_rng(1), count) for count in (train, test))
        return dataclasses.replace(data, test=other.test)

    monkeypatch.setattr(datasets, "mnist", load)
    words = [str(word) for word in ("upsets", *arguments)]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return result.exit_code, result.stdout or repr(result.exception)


def test_the_command_writes_table_picture_and_numbers(monkeypatch, chips, tmp_path: Path):
    sizes = ("--quick", "--flips", 12, "--images", 60)
    status, text = call(monkeypatch, chips, "small", *sizes, "--json", "--out", tmp_path)
    assert status == 0, text
    values = json.loads(text)
    assert values["flips"] == 12
    assert values["command"].startswith("make upsets")
    assert {row["body"] for row in values["curves"]} == {"golden", "chip"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("rates.csv", "rates.json", "rates.png", "rates.svg", "rates.txt", "runs-small.csv"),
        *("table-small.csv", "table-small.json", "table-small.txt"),
    ]


def test_a_campaign_writes_nothing_outside_the_folder_it_is_given(monkeypatch, chips, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, text = call(monkeypatch, chips, "small", "--quick", "--flips", 2, "--images", 0)
    assert status == 0, text
    assert {path.parent for path in tmp_path.rglob("*.*")} == {tmp_path / "out" / "upsets"}


def test_nothing_to_do_is_refused(monkeypatch):
    monkeypatch.setattr(Chip, "of", lambda *_: pytest.fail("a chip was built"))
    result = CliRunner().invoke(app, ["upsets", "--flips", "0", "--images", "0"])
    assert result.exit_code == 2
    words = " ".join(result.stderr.replace("│", " ").split())
    assert "Invalid value for --flips: 0, and --images 0 too, leave nothing to do; give" in words


def test_a_folder_that_cannot_be_written_is_refused_before_the_chip(monkeypatch, tmp_path):
    monkeypatch.setattr(Chip, "of", lambda *_: pytest.fail("a chip was built"))
    (tmp_path / "taken").write_text("")
    result = CliRunner().invoke(app, ["upsets", "--out", str(tmp_path / "taken" / "x")])
    assert result.exit_code == 2
    assert "error: cannot write in" in result.stderr


def stopped_flips(count: int) -> Iterator[Run]:
    yield from done().runs[:count]
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_keeps_the_flips_so_far_and_trains_no_curves(monkeypatch, chips, tmp_path: Path):
    def impatient(self: Campaigned, *arguments: Any) -> list[Path]:
        signal.raise_signal(signal.SIGINT)  # a second time
        return kept(self, *arguments)

    kept = Campaigned.write
    monkeypatch.setattr(Campaigned, "write", impatient)
    monkeypatch.setattr(Campaign, "flips", lambda self, count: stopped_flips(2))
    arguments = ("small", "--quick", "--flips", 9, "--json", "--out", tmp_path)
    status, text = call(monkeypatch, chips, *arguments)
    assert status == 130
    assert json.loads(text)["flips"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("runs-small.csv", "table-small.csv", "table-small.json", "table-small.txt"),
    ]


def test_ctrl_c_before_the_first_flip_leaves_the_tables_alone(monkeypatch, chips, tmp_path: Path):
    monkeypatch.setattr(Campaign, "flips", lambda self, count: stopped_flips(0))
    assert call(monkeypatch, chips, "small", "--quick", "--out", tmp_path)[0] == 130
    assert list(tmp_path.iterdir()) == []


def learned(body: str, rate: float, half: bool, seed: int, points: int = 1) -> rates.Learned:
    """Return a training; its accuracy rises with the seed."""
    curve = [(30 * point // points, 0.4 + 0.1 * seed) for point in range(1, points + 1)]
    return rates.Learned(body, CONFIG.name, WEIGHTS, rate, half, seed, 5, curve)


@pytest.mark.parametrize(
    ("seeds", "words", "bands"),
    [
        ((1, 2), "golden model: means of n = 2 seeds (1, 2), bands: one standard deviation.", 5),
        ((3,), "golden model: one seed (3), so no bands.", 0),
    ],
)
def test_the_picture_says_over_how_many_seeds_it_is(seeds: tuple, words: str, bands: int):
    strong = rates.STRONG
    runs = [
        learned("golden", rate, half, seed)
        for seed in seeds
        for rate, half in ((0.0, False), (strong, False), (strong, True))
    ]
    runs += [
        learned("golden", rate, half, seed, 3)
        for seed in seeds
        for rate, half in ((0.0, False), (strong, False), (strong, True))
    ]
    runs += [learned("chip", rate, False, 1) for rate in (0.0, strong)]
    shown = picture.shown(runs, 100)
    for text in (shown.caption, shown.note):
        assert words in text
        assert "Verilated: one seed (1), so no bands." in text
    figure = Figure()
    shown.draw(figure)
    assert [axes.get_ylabel() for axes in figure.axes] == ["accuracy on test images (%)"] * 3
    assert sum(len(axes.collections) for axes in figure.axes) == bands
    if bands:  # accuracies 50 and 60 %: deviation 7.07
        heights = figure.axes[1].collections[0].get_paths()[0].vertices[:, 1]
        assert heights.max() - heights.min() == pytest.approx(2 * 10 / 2**0.5)


def test_a_flip_that_nothing_clears_ends_with_status_1(monkeypatch, chips, tmp_path: Path):
    never = Run(LFSR, "s[4]", 8, Outcome.HANG, Cleared.NEVER)
    monkeypatch.setattr(Campaign, "flips", lambda self, count: iter([never]))
    arguments = ("small", "--quick", "--flips", 1, "--images", 0, "--out", tmp_path)
    status, text = call(monkeypatch, chips, *arguments)
    assert status == 1
    assert "Not cleared (1):" in text
