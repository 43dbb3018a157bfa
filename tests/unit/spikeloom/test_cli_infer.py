"""`spikeloom infer`: of test images, of pictures, and with a waveform."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spikeloom.golden import datasets
from spikeloom.golden.datasets.images import from_picture
from spikeloom.network import Network
from tests.support.command_line import SMALL, call, call_json, trained_checkpoint


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return trained_checkpoint(tmp_path)


def test_infer_reaches_what_training_measured(weights: Path):
    trained = call_json("train", "tiny", *SMALL)
    for engine in ("golden", "rtl"):
        found = call_json("infer", "tiny", "--weights", weights, "--test", 30, "--engine", engine)
        assert found["test_accuracy"] == trained["test_accuracy"]
        assert (found["engine"], found["test_images"]) == (engine, 30)


def test_infer_counts_spikes_of_any_picture(weights: Path, tmp_path: Path):
    digit = datasets.load(test=1).test_images[0]
    black_on_white = 255 - np.pad(np.kron(digit, np.ones((3, 3), np.uint8)), 20)
    Image.fromarray(black_on_white).save(tmp_path / "seven.png")
    pictures = ("--image", tmp_path / "seven.png", "--image", tmp_path / "seven.png")
    found = call_json("infer", "tiny", "--weights", weights, *pictures)["images"]
    assert found[0] == found[1]
    image = from_picture(tmp_path / "seven.png", (7, 7))
    assert found[0]["counts"] == Network.load(weights).counts(image[np.newaxis])[0].tolist()
    assert found[0]["class"] == int(np.argmax(found[0]["counts"]))
    assert "seven.png" in call("infer", "tiny", "--weights", weights, *pictures).stdout


def test_a_waveform_of_a_few_steps_has_readable_names(weights: Path, tmp_path: Path):
    vcd = tmp_path / "tiny.vcd"
    arguments = ("--engine", "rtl", "--test", 5, "--vcd", vcd)
    found = call_json("infer", "tiny", "--weights", weights, *arguments)
    assert (found["vcd"], found["steps"], found["test_images"]) == (str(vcd), 4, 1)
    text = vcd.read_text()
    assert "$enddefinitions" in text
    assert any(name in text for name in ("encoder", "network", "busy"))


def test_a_waveform_of_the_golden_model_is_refused(weights: Path, tmp_path: Path):
    result = call("infer", "tiny", "--weights", weights, "--vcd", tmp_path / "a.vcd", status=2)
    assert "--engine rtl" in result.stderr


def test_more_steps_than_there_are_are_refused(weights: Path):
    result = call("infer", "tiny", "--weights", weights, "--steps", 17, status=2)
    assert "tiny has 16 steps" in result.stderr


def test_a_damaged_checkpoint_is_refused(weights: Path):
    weights.write_bytes(weights.read_bytes()[:1000])
    result = call("infer", "tiny", "--weights", weights, status=2)
    assert str(weights) in result.stderr
