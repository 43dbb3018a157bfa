"""Figure 5, and the runs of the float model and of the machine that figures and tables share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikeloom.golden.paper import PaperConfig
from spikeloom.golden.spec.network import shipped
from tests.paper import activity, floating, machine, stats
from tests.paper.errors import PaperError
from tests.paper.job import Job, Place, execute
from tests.support.paper_runs import QUICK, found, record

# Figure 5


def test_shares_are_sorted_and_of_sum_one_and_silence_is_told():
    counts = np.array([[1, 3, 0], [0, 0, 0], [2, 2, 4]])
    share, silent = activity.shares(counts)
    np.testing.assert_allclose(share, [[0.75, 0.25, 0], [0.5, 0.25, 0.25]])
    assert silent == pytest.approx(1 / 3)
    way = activity.way("raw", counts, np.array([1, 0, 0]))
    assert way["mean"] == [0.625, 0.25, 0.125]
    assert way["deviation"] == [0.125, 0, 0.125]
    assert way["accuracy"] == pytest.approx(2 / 3)


def test_shares_of_a_silent_layer_are_nothing():
    way = activity.way("raw", np.zeros((4, 3)), np.zeros(4, int))
    assert (way["mean"], way["deviation"], way["silent"]) == ([0, 0, 0], [0, 0, 0], 1)


def test_softmax_is_that_of_the_textbook():
    drive = np.log([[1.0, 2.0, 5.0]]) + 700
    np.testing.assert_allclose(activity.softmax(drive), [[0.125, 0.25, 0.625]])


def test_figure_5_reads_the_machine_with_each_kind_of_inhibition():
    config = activity._machine_job(QUICK).config | {"train": 1000, "test": 100}
    result = execute(Job("activity", config), Place(), lambda part: None)
    ways = {way["name"]: way for way in result["ways"]}
    assert list(ways) == ["none", "lateral", "feedforward", "recurrent"]
    assert all(sum(way["mean"]) == pytest.approx(1, abs=1e-4) for way in ways.values())
    for kind in ("lateral", "feedforward", "recurrent"):
        assert ways[kind]["mean"][0] > ways["none"]["mean"][0] + 0.02, "inhibition sharpens"


def test_figure_5_shows_each_way_by_rank():
    jobs = activity.FIGURE.jobs(QUICK)
    counts, labels = np.zeros((2, 10)), np.array([3, 1])
    counts[0, 3], counts[0, 7], counts[1, 5] = 3, 1, 2
    names = ("raw", "WTA (Eq. 2)", "softmax of raw")
    ways = [activity.way(name, counts, labels) | {"scale": 0.5} for name in names]
    kinds = [activity.way("lateral", counts, labels) | {"strength": 0.25}]
    records = [record(jobs[0], {"ways": ways}), record(jobs[1], {"ways": kinds})]
    shown = activity.FIGURE.show(QUICK, found(jobs, records))
    numbers = ("0.875", "0.125", "0.000", "0.000", "0.0 %", "50.00 %")
    assert shown.rows == [
        *(("float", name, *numbers) for name in names),
        ("machine", "lateral, 0.25", *numbers),
    ]
    assert len(shown.data) == 40
    assert shown.note.splitlines() == [
        (
            "Float model (reduced): 784-100-10, the first 6,000 MNIST training images, 5 epochs, "
            "1,000 test images, 1 seed"
        ),
        (
            "Machine, mnist-784-128-10 (reduced): 784-128-10, the first 10,000 MNIST training "
            "images, 1 epoch, 1,000 test images, 1 seed"
        ),
    ]
    assert "raw counts times 0.50" in shown.caption


def test_the_csv_of_figure_5_has_shares_and_per_cents_as_its_table():
    job = activity.FIGURE.jobs(QUICK)[1]
    counts = np.zeros((4, 10))
    counts[:, :2] = [[3, 1], [0, 0], [2, 2], [1, 3]]
    way = activity.way("lateral", counts, np.array([0, 1, 0, 1])) | {"strength": 0.25}
    shown = activity.FIGURE.show(QUICK, found([job], [record(job, {"ways": [way]})]))
    (row,) = shown.rows
    assert row[-2:] == ("25.0 %", "75.00 %")
    first = {key: shown.data[0][key] for key in ("rank", "mean", "silent", "accuracy")}
    assert first == {"rank": 1, "mean": 0.666667, "silent": 25.0, "accuracy": 75.0}


# Runs of the float model and of the machine


def test_the_float_model_is_tested_on_the_same_spikes_again():
    model = PaperConfig(sizes=(784, 20, 10), steps=20, epochs=1, batch=50)
    job = floating.job("mnist", model, train=300, test=300)
    parts: list[float] = []
    result = execute(job, Place(), parts.append)
    right = stats.unpack(result["right"], 300)
    assert right.mean() == pytest.approx(result["accuracy"][-1])
    assert parts[-1] == 1.0
    assert parts == sorted(parts)


def test_the_machine_goes_on_to_the_same_bits(tmp_path: Path):
    class StoppedError(Exception):
        pass

    def stop(part: float) -> None:
        if part >= 0.5:
            raise StoppedError

    job = machine.job("mnist", "tiny", 1, 2, train=500, test=200)
    whole = execute(job, Place(), lambda part: None)
    place = Place(partial=str(tmp_path / "partial"))
    with pytest.raises(StoppedError):
        execute(job, place, stop)
    assert len(list((tmp_path / "partial").iterdir())) == 1
    assert execute(job, place, lambda part: None) == whole
    assert list((tmp_path / "partial").iterdir()) == []


def test_the_machine_of_another_version_is_refused():
    config = machine.job("mnist", "tiny", 1, 1).config | {"network_digest": "0" * 16}
    with pytest.raises(PaperError, match=r"this run wants 0000.*the same version of spikeloom"):
        machine.run(config, Place(), lambda part: None)


def test_another_inhibition_changes_nothing_else():
    config = shipped()["mnist-196-32-10"]
    before = machine.configurations.load(config)
    after = machine.with_wta(before, "recurrent", 0.5).config
    assert (after.wta.kind, after.wta.strength) == ("recurrent", 0.5)
    assert after.layers == before.layers
    assert after.random == before.random
