"""Upsets: the tables, the curves of accuracy, and the command that makes them."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner
from upset_chip import CONFIG, MACHINE, compiled, digits

from spikeloom.cli.main import app
from spikeloom.golden.datasets import Dataset
from spikeloom.sim import data as network_data
from spikeloom.sim.upsets import UpsetError, rates
from spikeloom.sim.upsets.campaign import Campaign
from spikeloom.sim.upsets.chip import Chip
from spikeloom.sim.upsets.golden import Golden
from spikeloom.sim.upsets.kinds import LFSR, WEIGHTS
from spikeloom.sim.upsets.outcome import Cleared, Outcome, Run
from spikeloom.sim.upsets.table import Campaigned, write


@pytest.fixture(scope="module")
def chips() -> Chip:
    return compiled().another()


def done() -> Campaigned:
    """Return a campaign of four runs."""
    runs = [
        Run(WEIGHTS, "w[0][1]", 5, Outcome.MASKED, Cleared.NOTHING),
        Run(WEIGHTS, "w[0][2]", 6, Outcome.LEARNED, Cleared.RESET, 0.75),
        Run(LFSR, "s[3]", 7, Outcome.WRONG, Cleared.RESET, 0.25, "the chip goes on differing"),
        Run(LFSR, "s[4]", 8, Outcome.HANG, Cleared.NEVER, None, "nothing moved"),
    ]
    bits = {WEIGHTS: 300, LFSR: 100}
    return Campaigned("small", 3, runs, bits, (100, 1000), 0.8, 0.01, 0.78, 6, 900)


def test_the_table_counts_each_kind_and_weighs_them_by_their_bits(tmp_path):
    campaigned = done()
    weights, lfsr, every = campaigned.rows()
    assert (weights["bits"], weights["flips"], weights["masked"], weights["learned away"]) == (
        *(300, 2),
        *(1, 1),
    )
    assert (lfsr["wrong result"], lfsr["hang"], lfsr["cleared by never"]) == (1, 1, 1)
    assert (every["bits"], every["flips"], every["cleared by RESET"]) == (400, 4, 2)
    assert campaigned.weighted(Outcome.MASKED) == pytest.approx(0.5 * 300 / 400)
    text = campaigned.text()
    assert "| weights          | 300  | 2     | 1 (50.0 %) | 1 (50.0 %)" in text
    assert "Not cleared (1):\n- s[4] at clock 8: hang" in text
    files = campaigned.write(tmp_path, {"command": "spikeloom upsets", "commit": "abc"})
    assert [path.name for path in files] == [
        *("table-small.txt", "table-small.csv", "table-small.json", "runs-small.csv"),
    ]
    values = json.loads(files[2].read_text())
    assert (values["commit"], values["seed"], values["flips"]) == ("abc", 3, 4)
    with files[3].open() as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == [r.outcome for r in done().runs]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UpsetError, match=r"cannot write .*taken.*; name another folder with --res"):
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
    monkeypatch.setattr("spikeloom.cli.options.load_config", lambda name: CONFIG)

    def load(config: Any, train: int = 500, test: int = 200, **_: Any) -> Dataset:
        data, other = (digits(np.random.default_rng(1), count) for count in (train, test))
        tested = {"test_images": other.test_images, "test_labels": other.test_labels}
        return dataclasses.replace(data, **tested)

    monkeypatch.setattr(network_data, "load", load)
    words = [str(word) for word in ("upsets", *arguments)]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    return result.exit_code, result.stdout or repr(result.exception)


def test_the_command_writes_table_picture_and_numbers(monkeypatch, chips, tmp_path: Path):
    folders = ("--out", tmp_path / "out", "--results", tmp_path / "results")
    sizes = ("--quick", "--flips", 12, "--images", 60)
    status, text = call(monkeypatch, chips, "small", *sizes, "--json", *folders)
    assert status == 0, text
    values = json.loads(text)
    assert values["flips"] == 12
    assert values["command"].startswith("spikeloom")
    assert {row["body"] for row in values["curves"]} == {"golden", "chip"}
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        *("rates.csv", "rates.json", "rates.txt", "runs-small.csv"),
        *("table-small.csv", "table-small.json", "table-small.txt"),
        *("upsets.csv", "upsets.png", "upsets.svg", "upsets.txt"),
    ]


def test_a_flip_that_nothing_clears_ends_with_status_1(monkeypatch, chips, tmp_path: Path):
    never = Run(LFSR, "s[4]", 8, Outcome.HANG, Cleared.NEVER)
    monkeypatch.setattr(Campaign, "flips", lambda self, count: iter([never]))
    arguments = ("small", "--quick", "--flips", 1, "--images", 0, "--results", tmp_path)
    status, text = call(monkeypatch, chips, *arguments)
    assert status == 1
    assert "Not cleared (1):" in text
