"""`spikeloom infer`: of test images, of pictures, and with a waveform."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spikeloom.cli.output import Output
from spikeloom.cli.pictures import Pictures
from spikeloom.golden import datasets
from spikeloom.golden.datasets.images import from_picture
from spikeloom.network import Network
from tests.support.command_line import SMALL, call, call_json, stopping_toml, trained_checkpoint


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
    digit = datasets.load(test=1).test.images[0]
    black_on_white = 255 - np.pad(np.kron(digit, np.ones((3, 3), np.uint8)), 20)
    Image.fromarray(black_on_white).save(tmp_path / "seven.png")
    pictures = ("--image", tmp_path / "seven.png", "--image", tmp_path / "seven.png")
    found = call_json("infer", "tiny", "--weights", weights, *pictures)["images"]
    assert found[0] == found[1]
    image = from_picture(tmp_path / "seven.png", (7, 7))
    assert found[0]["counts"] == Network.load(weights).counts(image[np.newaxis])[0].tolist()
    assert found[0]["class"] == int(np.argmax(found[0]["counts"]))
    assert "seven.png" in call("infer", "tiny", "--weights", weights, *pictures).stdout


def picture(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def test_a_bad_picture_is_told_and_the_others_are_classified(weights: Path, tmp_path: Path):
    digit = picture(tmp_path / "good.png", datasets.load(test=1).test.images[0])
    blank = picture(tmp_path / "blank.png", np.zeros((30, 30), np.uint8))
    images = [
        word for path in (digit, blank, tmp_path / "none.png", digit) for word in ("--image", path)
    ]
    result = call("infer", "tiny", "--weights", weights, *images, status=1)
    assert result.stdout.count("good.png") == 2
    assert f"error: {blank}: blank" in result.stderr
    assert f"error: {tmp_path / 'none.png'}: no such file" in result.stderr
    found = call_json("infer", "tiny", "--weights", weights, *images, status=1)["images"]
    assert [sorted(row) for row in found] == [
        ["class", "counts", "image", "steps", "tie"],
        ["error", "image"],
        ["error", "image"],
        ["class", "counts", "image", "steps", "tie"],
    ]
    assert found[0] == found[3]


def test_pictures_that_are_all_bad_are_an_error(weights: Path, tmp_path: Path):
    blank = picture(tmp_path / "blank.png", np.zeros((30, 30), np.uint8))
    found = call_json("infer", "tiny", "--weights", weights, "--image", blank, status=2)
    assert found["error"].startswith(f"{blank}: blank")


@pytest.mark.parametrize("columns", [60, 200])
def test_a_tie_is_marked(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = Pictures([Path("a"), Path("b")], np.zeros((2, 7, 7), np.uint8), {})
    counts = np.array([[0, 3, 3, *[0] * 7], [0, 3, 2, *[0] * 7]])
    ran = np.array([16, 5])
    told = [(row["class"], row["tie"], row["steps"]) for row in shown.values(counts, ran)]
    assert told == [(1, True, 16), (1, False, 5)]
    shown.show(Output(), counts, ran)
    told = capsys.readouterr().out
    assert told.count("(a tie)") == 1
    assert ("1: 3, 2: 3, 0: 0" in told) is (columns == 60)


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


def test_a_margin_ends_images_early(tmp_path: Path):
    toml = stopping_toml(tmp_path)
    weights = trained_checkpoint(tmp_path, toml)
    asked = ("infer", toml, "--weights", weights, "--test", 30)
    test = datasets.load("mnist", test=30, shape=(7, 7)).test
    for margin in (0, 1, 2):
        found = call_json(*asked, "--margin", margin)
        network = Network.load(weights)
        assert found["test_accuracy"] == network.score(test, margin=margin)
        assert found["steps_per_image"] == network.ran.mean()
        assert found["margin"] == margin
    assert call_json(*asked) == found
    told = call(*asked).stdout
    assert f"test images), {found['steps_per_image']:.1f} of 16 steps on average" in told


def test_a_picture_tells_its_steps(tmp_path: Path):
    toml = stopping_toml(tmp_path)
    weights = trained_checkpoint(tmp_path, toml)
    digit = picture(tmp_path / "good.png", datasets.load(test=1).test.images[0])
    asked = ("infer", toml, "--weights", weights, "--image", digit, "--margin", 1)
    found = call_json(*asked)
    network = Network.load(weights)
    network.counts(from_picture(digit, (7, 7))[np.newaxis], margin=1)
    assert found["images"][0]["steps"] == found["steps_per_image"] == network.ran[0]
    assert "steps" in call(*asked).stdout


@pytest.mark.parametrize(
    ("margin", "message"), [(3, "'tiny' is built without stopping"), (5000, "= 5000 is outside 0")]
)
def test_a_margin_that_cannot_be_is_refused(weights: Path, margin: int, message: str):
    result = call("infer", "tiny", "--weights", weights, "--margin", margin, status=2)
    assert message in " ".join(result.stderr.split())


def test_a_damaged_checkpoint_is_refused(weights: Path):
    weights.write_bytes(weights.read_bytes()[:1000])
    result = call("infer", "tiny", "--weights", weights, status=2)
    assert str(weights) in result.stderr
