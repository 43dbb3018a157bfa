"""`spikeloom import`: what it writes, prints and refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikeloom as sl
from spikeloom import checkpoint
from spikeloom.golden.spec.network import load
from tests.support import nir_files
from tests.support.command_line import call, call_json


def test_what_is_imported_runs_as_any_other(tmp_path: Path):
    file = nir_files.chain(tmp_path / "a.nir", 49, 12, 10)
    name = tmp_path / "mine"
    told = call_json(
        *("import", file, "--from", "snntorch", "--reset", "subtract", "--save", name),
        *("--steps", 12, "--bits", "8,6"),
    )
    assert told["sizes"] == [49, 12, 10]
    assert told["images"] == 1000
    assert 0 < told["same_counts"] <= 1
    assert told["notes"] == [f"leak of 'n{i}': 0.1 becomes 0.09375" for i in range(2)]
    config = load(told["network"])
    assert (config.digest(), config.image, config.steps) == (told["digest"], (7, 7), 12)
    assert [layer.weight_bits for layer in config.layers] == [8, 6]
    kept = checkpoint.load(told["checkpoint"])
    assert np.abs(kept.weights[0]).max() == 127
    read = call_json("infer", told["network"], "--weights", told["checkpoint"], "--test", 100)
    assert read["test_images"] == 100
    went_on = call_json(
        *("train", told["network"], "--resume", told["checkpoint"], "--train", 30),
        *("--held-out", 20, "--test", 10),
    )
    assert went_on["config"] == config.name


@pytest.mark.slow
def test_golden_and_rtl_have_the_same_bits_of_it(tmp_path: Path):
    """Of spikes and of every weight, as it goes on learning."""
    file = nir_files.chain(tmp_path / "a.nir", 49, 6, 10, tau=np.full(1, 5e-4, "f4"))
    told = call_json(
        *("import", file, "--from", "snntorch", "--reset", "subtract", "--steps", 6),
        *("--save", tmp_path / "mine"),
    )
    golden = sl.Network.load(told["checkpoint"])
    with sl.Network.load(told["checkpoint"], engine="rtl") as rtl:
        data = sl.datasets.mnist(golden.config, train=40, test=20)
        assert sl.compare(golden, rtl, data.train).equal
        np.testing.assert_array_equal(golden.counts(data.test), rtl.counts(data.test))


def test_an_ann_becomes_a_spiking_network(tmp_path: Path):
    rng = np.random.default_rng(2)
    path = tmp_path / "ann.npz"
    np.savez(path, weight1=rng.normal(0.05, 0.2, (16, 49)), weight2=rng.normal(0, 0.4, (10, 16)))
    told = call_json("import", path, "--from", "relu", "--steps", 8, "--save", tmp_path / "snn")
    assert told["sizes"] == [49, 16, 10]
    assert load(told["network"]).neuron.start == 0.5
    text = call("import", path, "--from", "relu", "--save", tmp_path / "again").stdout
    assert "same spike counts" in text


def test_what_is_left_out_is_said(tmp_path: Path):
    file = nir_files.chain(tmp_path / "a.nir", 49, 12, 10, bias=0.1)
    words = ("import", file, "--from", "norse", "--save", tmp_path / "mine")
    refused = call(*words, status=2)
    assert "the bias of 'n0'; the bias of 'n1'" in refused.stderr
    assert not (tmp_path / "mine.npz").exists()
    told = call_json(*words[:3], "nir", *words[4:], "--dt", "1e-4", "--approximate")
    assert told["approximated"] == ["the bias of 'n0'", "the bias of 'n1'"]


def test_what_must_be_told(tmp_path: Path):
    file = nir_files.chain(tmp_path / "a.nir", 49, 12, 10)
    save = ("--save", tmp_path / "mine")
    assert "name what made it" in call("import", file, *save, status=2).stderr
    asked = call("import", file, "--from", "snntorch", *save, status=2)
    assert "give reset subtract or zero" in asked.stderr
    for end in (".npz", ".toml"):
        (tmp_path / f"mine{end}").write_text("")
        there = call("import", file, "--from", "snntorch", "--reset", "zero", *save, status=2)
        assert f"mine{end} exists already: name another with --save" in there.stderr
        (tmp_path / f"mine{end}").unlink()
