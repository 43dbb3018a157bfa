"""`spikeloom tune`: what it prints and writes, how it stops, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikeloom import tuning
from spikeloom.golden.spec.network import load
from tests.support.command_line import call, call_json

SMALL = (
    *("tune", "tiny", "--train", 150, "--held-out", 50, "--trials", 4, "--rungs", "1,2"),
    *("--key", "layer.*.update=1e-3:1e-2:log", "--key", "input.rate=0.3:0.6"),
    *("--set", "stop.infer=2", "--set", "label.train=random"),
)


def test_tune_writes_the_best_network_and_a_picture(tmp_path: Path):
    saved = tmp_path / "best.toml"
    told = call_json(*SMALL, "--folder", tmp_path, "--save", saved)
    assert (told["config"], told["network"]) == ("tiny", str(saved))
    assert [len(trial["rungs"]) for trial in told["trials"]] == [2, 2, 1, 1]
    assert told["best"] == told["trials"][0]["settings"]
    best = load(saved)
    assert best.digest() == told["best_digest"]
    assert (best.stop.infer, best.label.train) == (2, "random")
    assert best.input.rate == told["best"]["input.rate"]
    assert Path(told["picture"]).read_text().startswith("<svg")


def test_tune_tells_people_the_best_trials_and_what_mattered(tmp_path: Path):
    result = call(*SMALL, "--folder", tmp_path)
    assert "best of 4 trials, on held-out images" in result.stdout
    assert "layer.*.update" in result.stdout
    assert "what mattered: rank correlation with the score" in result.stdout
    assert result.stderr.count("of 4: trial") == 4


def test_a_search_that_is_stopped_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stopped(job: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "_run", stopped)
    result = call(*SMALL, "--folder", tmp_path, status=130)
    assert f"kept in {tmp_path}: the same command goes on" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--key", "error.cost"), "'error.cost': give NAME=LOW:HIGH or NAME=LOW:HIGH:log"),
        (("--key", "error.cost=1"), "'error.cost=1': give NAME=LOW:HIGH or"),
        (("--key", "error.cost=0.1:1:lin"), "'error.cost=0.1:1:lin': give NAME=LOW:HIGH or"),
        (("--set", "error.cost"), "'error.cost': give NAME=VALUE"),
        (("--rungs", "1;2"), "'1;2': give numbers from 1 on, such as 16,8"),
        (("--set", "eror.cost=1"), "did you mean 'error'?"),
    ],
)
def test_options_that_cannot_be_read_say_what_to_give(
    tmp_path: Path, words: tuple[str, str], message: str
):
    result = call(*SMALL, "--folder", tmp_path, *words, status=2)
    assert message in " ".join(result.stderr.replace("│", " ").split())
