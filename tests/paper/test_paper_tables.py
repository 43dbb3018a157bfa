"""Tables 1 and 2: their rows, published numbers, and the statistics that compare them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.paper import extent, published, rows, stats, tables
from tests.paper.errors import PaperError
from tests.paper.exhibit import Plan, Records
from tests.support.paper_runs import QUICK, found, trained

# Statistics


@pytest.mark.extra("paper")
def test_the_paired_interval_is_that_of_the_bootstrap(rng: np.random.Generator):
    from scipy import stats as scipy_stats  # jax brings it

    ours, theirs = rng.random((2, 2000)) < [[0.97], [0.96]]
    ours[:1800] = theirs[:1800]
    found = stats.paired([ours], [theirs])
    difference = 100.0 * (ours.astype(float) - theirs)
    bootstrap = scipy_stats.bootstrap(
        (difference,), np.mean, n_resamples=4000, method="percentile", rng=rng
    ).confidence_interval
    assert found.difference == pytest.approx(100 * (ours.mean() - theirs.mean()))
    assert found.low == pytest.approx(bootstrap.low, abs=0.08)
    assert found.high == pytest.approx(bootstrap.high, abs=0.08)
    assert str(stats.Paired(-0.5, -1.0, 0.25)) == "-0.50 (-1.00 to +0.25)"


def test_seeds_are_averaged_image_by_image():
    first, second = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
    ann = np.array([1, 1, 1, 0], bool)
    found = stats.paired([first, second], [ann])
    assert found.difference == pytest.approx(-37.5)


@pytest.mark.parametrize("count", [1, 8, 2820])
def test_packed_bits_come_back(rng: np.random.Generator, count: int):
    right = rng.random(count) < 0.5
    np.testing.assert_array_equal(stats.unpack(stats.pack(right), count), right)


def test_a_deviation_is_that_of_a_sample():
    assert stats.mean_and_deviation([1.0, 3.0], 2) == "2.00 ± 1.41"
    assert stats.mean_and_deviation([1.0], 2) == "1.00"


# Tables


def test_table_1_quotes_the_published_rows_as_published():
    shown = tables.TABLE1.show(Plan(run=False), Records({}))
    assert shown.rows == []
    quoted = {(row.model, str(row.published)) for row in tables.table1(Plan()).rows}
    assert quoted >= {
        ("BP-STDP", "97.20"),
        ("Diehl et al., converted ANN", "98.64"),
        ("HM2-BP", "98.84"),
        ("Lee et al.", "98.77"),
        ("S4NN", "97.40"),
        ("SSNN-BP, MSE, rate form (Eq. 9)", "98.65 ± 0.04"),
        ("ANN", "98.67"),
    }


def test_table_1_shows_ours_and_the_difference_to_our_ann():
    jobs = tables.TABLE1.jobs(QUICK)
    accuracy = {"float": 0.9, "ann": 0.95, "machine": 0.85}
    records = [trained(job, accuracy[job.kind]) for job in jobs]
    shown = tables.TABLE1.show(QUICK, found(jobs, records))
    lines = {row[1]: row for row in shown.rows}
    assert lines["ANN"][4:] == ("95.00 ± 0.00", "-", "3")
    assert lines["SSNN-BP, MSE, rate form (Eq. 9)"][4:] == ("90.00", "-5.00 (-6.35 to -3.65)", "1")
    assert lines["SSNN-BP, MSE, rate form (Eq. 9)"][3] == "-", (
        "a smaller network is not the paper's"
    )
    assert [row["commits"] for row in shown.data if row["runs"]] == ["0123456789ab"] * 4


def test_a_quick_table_is_noted_as_reduced_and_a_full_one_with_its_images():
    jobs = tables.TABLE1.jobs(QUICK)
    quick = tables.TABLE1.show(QUICK, found(jobs, [trained(job, 0.9) for job in jobs]))
    assert quick.note == (
        "MNIST (reduced): 784-100-10 and 196-32-10, the first 6,000 training images, "
        "2 to 5 epochs, 1,000 test images, 1 to 3 seeds"
    )
    plan = Plan(run=False)
    jobs = tables.TABLE2.jobs(plan)
    some = [job for job in jobs if job.kind == "ann" and "loss" not in job.config]
    full = tables.TABLE2.show(plan, found(some, [trained(job, 0.9) for job in some]))
    assert full.note.splitlines() == [
        (
            "Fashion-MNIST: 784-1280-10, all 60,000 training images, 30 epochs, 10,000 test "
            "images, 3 seeds"
        ),
        (
            "EMNIST Balanced: 784-1280-47, all 112,800 training images, 30 epochs, "
            "18,800 test images, 3 seeds"
        ),
        (
            "EMNIST, 47 classes, another split: 784-512-47, all 113,503 training images, 30 "
            "epochs, 2,820 test images, 3 seeds"
        ),
    ]


def test_a_data_set_of_ones_own_is_noted_without_counts_that_nobody_knows():
    job = tables.TABLE2.jobs(QUICK)[0]
    config = job.config | {"data": "mine", "train": None, "test": None}
    record = trained(dataclasses.replace(job, config=config), 0.9)
    assert (
        extent.line([[record]], "mine") == "mine: 784-100-10, all training images, 5 epochs, 1 seed"
    )
    assert extent.line([[], []], "mine") == ""


def test_models_tested_on_other_images_are_not_compared():
    jobs = tables.TABLE1.jobs(QUICK)
    records = [trained(job, 0.9, images=500 if job.kind == "ann" else 1000) for job in jobs]
    shown = tables.TABLE1.show(QUICK, found(jobs, records))
    assert {row[5] for row in shown.rows} == {"-"}


def test_the_other_emnist_never_stands_beside_published_numbers():
    plan = Plan(data={"emnist47": "x", "emnist-balanced": "y"})
    other, balanced = tables.table2(plan)
    assert {row.published for row in other.rows} == {None}
    assert "another split" in other.title
    assert "nothing published compares" in other.note
    told = {str(row.published) for row in balanced.rows if row.published}
    assert told == {"85.41", "81.26 ± 0.04", "84.48 ± 0.04", "85.76 ± 0.15", "86.00 ± 0.06"}


def test_table_2_has_the_losses_and_dropouts_of_the_paper():
    (group,) = tables.table2(Plan(data={"fashion": "x"}))
    models = [row.jobs[0].config["model"] for row in group.rows if "Eq. 9" in row.model]
    assert [(m["loss"], m["dropout"]) for m in models] == [
        ("mse", [0.0, 0.0]), ("mse", [0.1, 0.1]), ("softmax", [0.1, 0.1]),
    ]  # fmt: skip
    assert {tuple(m["sizes"]) for m in models} == {(784, 1280, 10)}
    assert [str(r.published) for r in group.rows if r.model == "ANN"] == ["90.80 ± 0.10"]


def test_an_ann_of_the_same_loss_stands_beside_ours_in_table_2():
    (group,) = tables.table2(Plan(data={"fashion": "x"}))
    (same,) = (row.jobs[0].config for row in group.rows if row.model == "ANN, MSE of Eq. 4")
    assert same == group.ann.jobs[0].config | {"loss": "mse"}


def test_a_machine_stands_in_table_2_for_the_data_it_ships_for():
    plan = Plan(data={"fashion": "x", "emnist47": "y"})
    machines = [job.config["network"] for job in tables.TABLE2.jobs(plan) if job.kind == "machine"]
    assert machines == ["fashion-784-1280-10", "emnist-784-512-47"]


def test_table_2_without_data_says_what_to_give():
    with pytest.raises(PaperError, match=r"give folders of IDX files with --data DIR, or fetch"):
        tables.table2(Plan())
    assert [group.title for group in tables.table2(QUICK)] == ["MNIST"]


def test_every_published_number_is_a_percentage():
    told = [*published.MNIST, *published.FASHION, *published.BALANCED]
    assert all(80 < each.accuracy < 100 for each in told)


def test_compared_rows_need_both_sides():
    assert rows.compare([], []) is None
