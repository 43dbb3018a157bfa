"""Tuning: what is drawn and kept, who goes on, that no test image is seen, what is refused."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import search, tuning, workers
from spikeloom.errors import MissingExtraError, SpikeloomError
from spikeloom.golden import datasets
from spikeloom.golden.spec.network import load
from spikeloom.search import Search, Span, TuneError, default_keys, spans
from spikeloom.tuning import Tuned, tune
from spikeloom.workers import WorkerError

KEYS = {"layer.*.update": (1e-3, 1e-2, "log"), "input.rate": (0.3, 0.6), "input.jitter": (0, 1)}
SMALL: dict[str, Any] = {
    **{"keys": KEYS, "fixed": {"stop.infer": 2}, "trials": 7, "rungs": (1, 2)},
    **{"train": 150, "held_out": 50, "seed": 6},
}


def small(folder: Path, **changed: Any) -> Tuned:
    return tune("tiny", folder, **SMALL | changed)


def figures(found: Tuned) -> list[Any]:
    """Return what every computer must find."""
    return [
        (t.number, t.settings, [(r.accuracy, r.train_steps, r.infer_steps) for r in t.rungs])
        for t in found.trials
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuned]:
    folder = tmp_path_factory.mktemp("tuning")
    return folder, small(folder)


def test_the_best_third_goes_on_and_the_best_of_it_is_first(whole: tuple[Path, Tuned]):
    found = whole[1]
    assert [len(t.rungs) for t in found.trials] == [2] * 3 + [1] * 4
    first = [t.rungs[0].accuracy for t in found.trials]
    assert min(first[:3]) >= max(first[3:])
    last = [t.rungs[-1].accuracy for t in found.trials]
    assert last[:3] == sorted(last[:3], reverse=True)
    assert found.best == load("tiny").replace(**{"stop.infer": 2}, **found.trials[0].settings)


def test_settings_lie_in_their_ranges_and_whole_numbers_stay_whole(whole: tuple[Path, Tuned]):
    settings = [trial.settings for trial in whole[1].trials]
    assert {s["input.jitter"] for s in settings} == {0, 1}
    for key, (low, high, *_) in KEYS.items():
        assert all(low <= s[key] <= high for s in settings)
        assert key == "input.jitter" or len({s[key] for s in settings}) > 5


def test_a_whole_number_is_drawn_as_often_at_the_ends_as_between():
    drawn = [Span(2, 4, whole=True).draw(u) for u in np.linspace(0, 1, 300)]
    assert [drawn.count(n) for n in (2, 3, 4)] == [100, 100, 100]


def test_a_logarithmic_range_has_its_middle_at_the_root():
    assert Span(0.001, 0.1, log=True).draw(0.5) == 0.01


def test_where_steps_cost_enough_fewer_are_better(whole: tuple[Path, Tuned]):
    searches = (whole[1], small(whole[0], price=1000.0))
    orders = [[t.rungs[-1].infer_steps for t in found.trials[:3]] for found in searches]
    assert orders[1] == sorted(orders[1]) != orders[0]


def test_a_search_that_was_stopped_goes_on_and_repeats_nothing(
    whole: tuple[Path, Tuned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop_at_the_third(line: str) -> None:
        if "3 of 7" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small(tmp_path, callback=stop_at_the_third)
    assert len(list(tmp_path.glob("trial-*.json"))) == 3
    run, ran = tuning._run, []
    monkeypatch.setattr(tuning, "_run", lambda job: ran.append(job) or run(job))
    assert figures(small(tmp_path)) == figures(whole[1])
    assert len(ran) == 4 + 3
    small(tmp_path)
    assert len(ran) == 4 + 3


def test_more_trials_widen_a_search(whole: tuple[Path, Tuned], tmp_path: Path):
    shutil.copytree(whole[0], tmp_path, dirs_exist_ok=True)
    before = {number: settings for number, settings, _ in figures(whole[1])}
    after = {number: settings for number, settings, _ in figures(small(tmp_path, trials=9))}
    assert len(after) == 9
    assert before.items() <= after.items()


def test_test_images_are_never_seen(
    whole: tuple[Path, Tuned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    load_data = datasets.load

    def without_test_digits(*args: Any, **kwargs: Any) -> datasets.Dataset:
        data = load_data(*args, **kwargs)
        data.test.images[:] = 0
        return data

    monkeypatch.setattr(datasets, "load", without_test_digits)
    search._images.cache_clear()
    assert figures(small(tmp_path)) == figures(whole[1])
    images = whole[1].search.images()
    assert (len(images.train), len(images.held), len(images.test)) == (150, 50, 0)


def test_a_rung_has_the_whole_schedule():
    config = load("tiny").replace(**{"learning.decay": 0.8, "learning.decay_from": 5})
    made = Search(
        config=config, keys={}, rungs=(3, 6, 12), data="mnist", train=1, held_out=1, seed=1
    )
    assert made.network({}, 12) == config
    pressed = made.network({}, 6).learning
    assert pressed.decay_from == 3
    falls = (6 + 1 - 3, 12 + 1 - 5)
    assert pressed.decay ** falls[0] == pytest.approx(0.8 ** falls[1])
    assert made.network({}, 3).learning.decay_from == 2


def test_default_ranges_make_networks_of_every_shape():
    for name, kind in (("tiny", "none"), ("mnist-784-128-64-10", "softmax")):
        config = load(name).replace(**{"wta.kind": kind, "stop.train": 0})
        keys = spans(config, default_keys(config))
        assert ("wta.strength" in keys) == (kind == "softmax")
        assert f"layer.{config.depth}.error_threshold" in keys
        told = {"data": "mnist", "train": 1, "held_out": 1, "seed": 1, "rungs": (1,)}
        assert Search(config=config, keys=keys, **told).draw(0).keys() == keys.keys()


def test_a_fixed_key_leaves_the_default_ranges(tmp_path: Path):
    found = small(tmp_path, keys=None, fixed={"input.rate": 0.4}, trials=1, rungs=(1,))
    assert "input.rate" not in found.trials[0].settings
    assert "error.cost" in found.trials[0].settings


def test_ranks_correlate_whatever_the_scale_and_equals_share_theirs():
    values = np.array([1.0, 10.0, 100.0, 1000.0])
    assert tuning._rank_correlation(values, np.array([2.0, 3.0, 4.0, 9.0])) == 1
    assert tuning._rank_correlation(values, np.array([4.0, 3.0, 2.0, 1.0])) == -1
    assert tuning._rank_correlation(values, np.ones(4)) == 0
    shared = tuning._rank_correlation(np.array([0.0, 0.0, 1.0, 1.0]), values)
    assert shared == pytest.approx(0.8944, abs=1e-4)  # 4 / sqrt(4 * 5)


def test_what_mattered_is_told_and_drawn(whole: tuple[Path, Tuned]):
    mattered = whole[1].mattered()
    assert mattered.keys() == KEYS.keys()
    assert all(len(of) == 2 and max(map(abs, of)) <= 1 for of in mattered.values())
    drawn = whole[1].plot()
    assert all(key in drawn.svg for key in KEYS)
    assert "of 7 trials" in drawn.caption


@pytest.mark.extra("tune")
def test_processes_find_the_same(whole: tuple[Path, Tuned], tmp_path: Path):
    assert figures(small(tmp_path, workers=2)) == figures(whole[1])


@pytest.mark.extra("tune")
def test_processes_that_are_lost_again_and_again_are_told():
    with (
        pytest.raises(WorkerError, match=r"lost again and again .*: .* take fewer workers"),
        workers.workers(1) as side_by_side,
    ):
        list(side_by_side(os._exit, [1]))


def test_processes_need_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"'distributed' .* extra 'tune'"):
        small(tmp_path, workers=1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"keys": {"eror.cost": (0, 1)}}, "no key 'eror.cost': did you mean 'error'"),
        ({"keys": {"error.cst": (0, 1)}}, "unknown key error.cst; did you mean 'cost'"),
        ({"fixed": {"layer.1.updat": 1}}, r"unknown key layer\[1\].updat; did you mean 'update'"),
        ({"keys": {"stop.infer": (1, 2)}}, "stop.infer: both fixed and drawn, leave one out"),
        ({"keys": {"steps": (1.5, 2)}}, "steps = 1.5: expected a whole number"),
        ({"keys": {"wta.kind": (0, 1)}}, "wta.kind is no number, .*: fix its value"),
        (
            {"keys": {"input.rate": (0.4, 0.4)}},
            "input.rate from 0.4 to 0.4 is empty: give",
        ),
        ({"keys": {"error.cost": (0, 1, "log")}}, "error.cost from 0 has no logarithm: begin"),
        ({"keys": {"error.cost": (0, 2)}}, "error.cost = 2 is out of range: allowed is 0 to 1"),
        ({"keys": {"error.cost": (1e-5, 1e-4)}}, "no network in 1000 draws, the last: .*; narrow"),
        ({"rungs": (2, 2)}, r"rungs \[2, 2\]: give numbers of epochs from 1 on, each more"),
        ({"trials": 0}, "0 trials: give 1 or more"),
        ({"train": 59_951}, "59951 images to train on: .* ask for 1 to 59950"),
        ({"held_out": 0}, "0 images held out of 60000: hold out 1 to"),
    ],
)
def test_a_search_that_cannot_be_is_refused_before_it_begins(
    tmp_path: Path, changed: dict[str, Any], message: str
):
    with pytest.raises(SpikeloomError, match=message):
        small(tmp_path, **changed)
    assert not list(tmp_path.glob("trial-*"))


def test_a_folder_of_another_search_is_refused(whole: tuple[Path, Tuned]):
    with pytest.raises(TuneError, match="another search, with other data, rungs, train: name"):
        small(whole[0], rungs=(1, 3), train=140)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "cannot read .*trial-0001.json .*: delete it"), ("{}", "is no trial .*: delete it")],
)
def test_a_damaged_trial_is_named(
    whole: tuple[Path, Tuned], tmp_path: Path, text: str, message: str
):
    shutil.copytree(whole[0], tmp_path, dirs_exist_ok=True)
    (tmp_path / "trial-0001.json").write_text(text)
    with pytest.raises(TuneError, match=message):
        small(tmp_path)
