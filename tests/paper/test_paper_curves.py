"""Figures 6 to 8: which runs they share, and what they show of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paper import curves, exhibit, product
from tests.paper.errors import PaperError
from tests.paper.exhibit import Plan, Records
from tests.paper.exhibits import EXHIBITS
from tests.support.paper_runs import QUICK, found, trained


def test_noise_is_of_the_size_that_figure_4_found():
    same = curves.noisy(Plan(), 200, "absolute")[0].config["model"]
    assert same["noise"] == pytest.approx(0.0260, abs=5e-5)
    assert (same["noise_kind"], same["update"], same["steps"]) == ("absolute", "rate", 50)
    own = curves.noisy(Plan(), 100, "binomial")[0].config["model"]
    assert (own["noise_kind"], own["noise"]) == ("binomial", pytest.approx(0.1))
    assert curves.noisy(Plan(), None)[0].config["model"]["noise"] == 0
    assert [j.config["model"]["steps"] for j in curves.stochastic(Plan(seeds=3), 150)] == [150] * 3


def test_figures_6_and_7_share_their_runs():
    six = {job.key for job in curves.FIGURE6.jobs(Plan())}
    assert six < {job.key for job in curves.FIGURE7.jobs(Plan())}
    assert len(six) == 8


@pytest.mark.parametrize("name", ["fig6", "fig7", "fig8"])
def test_learning_curves_show_means_and_deviations(name: str):
    jobs = list({job.key: job for job in EXHIBITS[name].jobs(QUICK)}.values())
    records = [trained(job, 0.5, 0.5 + 0.1 * job.config["model"]["seed"]) for job in jobs]
    shown = EXHIBITS[name].show(QUICK, found(jobs, records))
    assert {row[1:] for row in shown.rows} == {("50.00 ± 0.00", "65.00 ± 7.07", "2")}
    assert shown.data[1] == shown.data[1] | {"epoch": 2, "mean": 65.0, "seeds": 2}
    note = (
        "Reduced: 784-64-10, the first 3,000 MNIST training images, 3 epochs, 1,000 test images, "
        "2 seeds (the paper: 784-1280-10, all 60,000)"
    )
    assert shown.note == note
    assert shown.caption.startswith(f"{note}; its text gives no numbers of this figure. ")


@pytest.mark.parametrize("name", ["fig6", "fig7", "fig8"])
def test_each_row_of_a_curve_names_its_runs_and_their_commits(name: str):
    jobs = list({job.key: job for job in EXHIBITS[name].jobs(QUICK)}.values())
    shown = EXHIBITS[name].show(QUICK, found(jobs, [trained(job, 0.5) for job in jobs]))
    assert {row["commits"] for row in shown.data} == {"0123456789ab"}
    named = [run for row in shown.data for run in str(row["runs"]).split()]
    assert sorted(named) == sorted(job.key for job in jobs)


@pytest.mark.parametrize("name", ["fig5", "fig6", "fig7", "fig8", "table1", "table2"])
def test_what_was_not_run_is_left_out(name: str, tmp_path: Path):
    plan = Plan(run=False)
    shown = EXHIBITS[name].show(plan, Records({}))
    assert shown.rows == []
    assert len(exhibit.write(shown, name, tmp_path)) == 4


def test_a_figure_that_needs_its_runs_says_so():
    with pytest.raises(PaperError, match="products of ideal streams, seed 1 was not run yet"):
        product.FIGURE.show(QUICK, Records({}))
