"""`make paper`: names of figures and runs, and what is answered to wrong ones."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.campaigns.app import app
from tests.paper import names as paper_names
from tests.paper.exhibits import EXHIBITS
from tests.support import command_line
from tests.support.paper_runs import QUICK, places

call = partial(command_line.call, "paper", columns=120, app=app)


@pytest.fixture
def folders(tmp_path: Path) -> list[object]:
    return places(tmp_path)


def test_every_name_is_an_exhibit():
    assert [name.value for name in paper_names.Name] == [*EXHIBITS, "all"]


def test_a_figure_may_be_named_by_its_number():
    assert paper_names.named("6") is paper_names.Name.FIG6


def test_a_text_in_no_title_names_the_titles(folders: list[object]):
    result = call("fig4", "--quick", "--only", "x" * 9, *folders, status=2)
    told = "no run has this in its title; the titles are, each with its seed, products of ideal"
    assert f"--only 'xxxxxxxxx': {told} streams; products of lfsr48" in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("fig4", "ideall", "ideal"),
        ("fig5", "Float modle", "float model"),
        ("all", "sed 1", "seed 1"),
    ],
)
def test_a_misspelt_text_is_answered_with_what_is_near(
    name: str, text: str, meant: str, folders: list[object]
):
    result = call(name, "--quick", "--no-run", "--only", text, *folders, status=2)
    told = f"--only {text!r}: no run has this in its title; did you mean {meant!r}"
    assert told in " ".join(result.stderr.split())


def test_of_many_titles_some_are_listed(folders: list[object]):
    result = call("all", "--quick", "--only", "x" * 9, *folders, status=2)
    titles = [job.title for exhibit in EXHIBITS.values() for job in exhibit.jobs(QUICK)]
    kinds = {title.partition(", seed")[0] for title in titles}
    assert f"; and {len(kinds) - paper_names.LISTED} more" in result.stderr


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fgi4", "did you mean fig4"),
        ("3", "there are fig4, fig5"),
        ("Table1", "did you mean table1"),
        ("x", "there are fig4, fig5, fig6, fig7, fig8, table1, table2, all"),
    ],
)
def test_a_misspelt_name_is_answered_with_what_there_is(
    name: str, hint: str, folders: list[object]
):
    result = call(name, "--no-run", *folders, status=2)
    assert f"error: no figure or table named {name!r}: {hint}" in result.stderr
