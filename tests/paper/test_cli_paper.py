"""`make paper`: what it writes, what it returns, and what it says of bad input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.app import app
from tests.paper import job, product, readme, sweep
from tests.paper.exhibit import Plan
from tests.paper.exhibits import EXHIBITS
from tests.paper.job import Job, Place
from tests.paper.progress import Lines
from tests.paper.store import Store
from tests.paths import ROOT
from tests.support import command_line
from tests.support.paper_runs import places

call = partial(command_line.call, "paper", columns=120, app=app)
call_json = partial(command_line.call_json, "paper", columns=120, app=app)


@pytest.fixture
def folders(tmp_path: Path) -> list[object]:
    return places(tmp_path)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the quick Figure 4 quicker still."""
    monkeypatch.setattr(product, "QUICK_STEPS", (10, 40))
    runs = product.runs

    def fewer(generator: str, plan: Any) -> list[Job]:
        return [
            Job(each.kind, each.config | {"samples": 2}, each.title, each.cost)
            for each in runs(generator, plan)
        ]

    monkeypatch.setattr(product, "runs", fewer)


@pytest.mark.usefixtures("small")
def test_a_figure_is_written_and_told(tmp_path: Path, folders: list[object]):
    values = call_json("fig4", "--quick", *folders)
    (told,) = values["exhibits"]
    assert (told["name"], told["missing"]) == ("fig4", [])
    assert told["files"] == [str(tmp_path / f"out/fig4.{s}") for s in ("png", "svg", "csv", "txt")]
    assert all(Path(file).stat().st_size > 100 for file in told["files"])
    assert {row["T"] for row in told["rows"]} == {10, 40}
    assert len(list((tmp_path / "results").iterdir())) == 6


@pytest.mark.usefixtures("small")
def test_what_was_run_is_not_run_again(folders: list[object], monkeypatch: pytest.MonkeyPatch):
    first = call("fig4", "--quick", *folders)
    assert "fig4: 6 of 6 runs, about 0 s left; ended: products of" in first.stderr

    def never(*arguments: object) -> None:
        raise AssertionError("was run again")

    monkeypatch.setattr(job, "execute", never)
    again = call("fig4", "--quick", *folders)
    assert again.stdout == first.stdout
    assert again.stderr == ""


@pytest.mark.usefixtures("small")
def test_pieces_can_be_run_one_by_one(tmp_path: Path, folders: list[object]):
    part = call("fig4", "--quick", "--only", "IDEAL", *folders)
    assert "fig4 cannot be shown yet: products of" in part.stderr
    assert len(list((tmp_path / "results").iterdir())) == 2
    call("fig4", "--quick", *folders)
    assert len(list((tmp_path / "results").iterdir())) == 6


@pytest.mark.usefixtures("small")
def test_more_seeds_are_more_runs(tmp_path: Path, folders: list[object]):
    call("fig4", "--quick", "--only", "ideal", "--seeds", 3, *folders)
    assert len(list((tmp_path / "results").iterdir())) == 3


def test_the_table_goes_into_a_readme(tmp_path: Path, folders: list[object]):
    path = tmp_path / "README.md"
    path.write_text(f"a\n{readme.begin('table1')}\n{readme.end('table1')}\nb\n")
    results = ["--results", ROOT / "results" / "paper", *folders[2:]]
    result = call("table1", "--no-run", "--readme", path, *results)
    assert "has table1 of these" in result.stderr
    assert "| data  | model " in path.read_text()


def test_a_readme_loses_nothing_to_a_folder_without_runs(tmp_path: Path, folders: list[object]):
    (tmp_path / "results").mkdir()
    path = tmp_path / "README.md"
    path.write_text(text := f"{readme.begin('table1')}\nkept\n{readme.end('table1')}\n")
    result = call("table1", "--no-run", "--readme", path, *folders, status=2)
    assert "has no run of table1" in " ".join(result.stderr.split())
    assert path.read_text() == text


def test_results_that_are_not_there_are_not_shown(folders: list[object]):
    result = call("table1", "--no-run", *folders, status=2)
    assert "there is no folder" in result.stderr


@pytest.mark.parametrize("part", [["--quick"], ["--seeds", 1], ["--only", "ANN"]])
def test_a_readme_gets_full_runs_only(part: list[object], tmp_path: Path, folders: list[object]):
    path = tmp_path / "README.md"
    path.write_text(f"{readme.begin('table1')}\n{readme.end('table1')}\n")
    result = call("table1", *part, "--readme", path, *folders, status=2)
    assert "leave out --quick, --seeds and --only" in result.stderr


def test_of_all_a_failure_leaves_the_others_alone(
    tmp_path: Path, folders: list[object], monkeypatch: pytest.MonkeyPatch
):
    def broken(each: Job, place: Place, tell: object) -> dict[str, Any]:
        raise RuntimeError("a worker without memory")

    monkeypatch.setattr(sweep.sweep, "__kwdefaults__", sweep.sweep.__kwdefaults__ | {"run": broken})
    result = call("all", "--quick", "--only", "seed 1", *folders, status=2)
    assert "error: 6 failed; the others are in" in result.stderr
    assert "a worker without memory" in result.stderr
    assert [p.name for p in (tmp_path / "out").glob("*.txt")] == ["fig5.txt"]  # has no seeds


def test_a_quick_run_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    places = ["--no-run", "--results", "results"]
    full = call_json("table1", *places)["exhibits"][0]["files"]
    quick = call_json("table1", "--quick", *places)["exhibits"][0]["files"]
    ends = ("png", "svg", "csv", "txt")
    assert full == [f"out/paper/table1.{end}" for end in ends]
    assert quick == [f"out/paper/quick/table1.{end}" for end in ends]


def test_missing_runs_are_told_in_text_and_picture(tmp_path: Path, folders: list[object]):
    (tmp_path / "results").mkdir()
    call("table1", "--no-run", *folders)
    told = f"{len(EXHIBITS['table1'].jobs(Plan(run=False)))} runs of it are missing."
    for suffix in ("txt", "svg"):
        (text,) = tmp_path.glob(f"**/table1.{suffix}")
        assert told in " ".join(text.read_text().split())


def test_a_readme_is_looked_at_before_anything_runs(tmp_path: Path, folders: list[object]):
    result = call("fig4", "--readme", tmp_path / "none.md", *folders, status=2)
    assert "name another with --readme" in result.stderr
    assert not (tmp_path / "results").exists()


def test_without_its_runs_a_figure_says_what_is_missing(tmp_path: Path, folders: list[object]):
    (tmp_path / "results").mkdir()
    result = call("fig4", "--no-run", *folders, status=2)
    assert "was not run yet: leave --no-run and --only out, and it is" in result.stderr


def test_a_table_without_its_runs_says_which_are_missing(tmp_path: Path, folders: list[object]):
    (tmp_path / "results").mkdir()
    values = call_json("table1", "--no-run", *folders)
    missing = values["exhibits"][0]["missing"]
    wanted = {job.key for job in EXHIBITS["table1"].jobs(Plan(run=False))}
    assert {Job(run["kind"], run["config"]).key for run in missing} == wanted


def test_table_2_needs_data(folders: list[object]):
    result = call("table2", *folders, status=2)
    assert "give folders of IDX files with --data DIR, or fetch both" in result.stderr


def test_a_folder_that_holds_no_data_is_refused(tmp_path: Path, folders: list[object]):
    result = call("table2", "--data", tmp_path, *folders, status=2)
    assert "is no folder of IDX files and holds none" in result.stderr


def test_a_device_that_is_not_there_is_told_before_anything_runs(folders: list[object]):
    result = call("fig6", "--quick", "--device", "cuda", *folders, status=2)
    assert "numpy has no device 'cuda'" in result.stderr


@pytest.mark.parametrize(
    "missing",
    [
        "array_api_compat",
        pytest.param("distributed", marks=pytest.mark.extra("paper")),  # dask is asked for first
        "jax",
        "pooch",
    ],
)
def test_a_missing_extra_names_the_command(
    missing: str, tmp_path: Path, folders: list[object], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    asked: dict[str, list[object]] = {
        "array_api_compat": ["fig4"],
        "distributed": ["fig4", "--quick", "--scheduler", "tcp://x:1"],
        "jax": ["table1", "--quick", "--only", "ANN"],
        "pooch": ["table2", "--download"],
    }
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = call(*asked[missing], *folders, status=2)
    assert f"{missing} is not installed: run pip install --editable '.[paper]'" in result.stderr


def test_the_command_line_starts_without_the_heavy_libraries():
    code = (
        "import sys, tests.campaigns.app; "
        "print([m for m in ('dask', 'jax', 'matplotlib', 'distributed', 'numba') "
        "if m in sys.modules and m != 'numba'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_time_left_is_told_by_cost(capsys: pytest.CaptureFixture[str]):
    from spikeloom.cli.output import Output
    from tests.paper.sweep import Progress

    lines = Lines(Output(), "fig9")
    lines._started -= 600
    lines(Progress(done=1, total=4, finished=1, count=2, last=Job("x", {}, title="one")))
    told = capsys.readouterr().err.strip()
    assert told == "fig9: 1 of 2 runs, about 30 min left; ended: one"


# Stopped in the middle


def test_a_place_is_no_part_of_a_run():
    assert Place(xp="torch") != Place()
    assert Job("ann", {}).key == Job("ann", {}).key


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path: Path):
    """As a terminal sends it: to the command and to its workers."""
    command = [sys.executable, "-m", "tests.campaigns", "paper", "fig4", "--workers", "2"]
    command += ["--results", tmp_path / "results", "--out", tmp_path / "out"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list((tmp_path / "results").glob("*.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert told.splitlines()[-1] == "stopped"
    assert "Traceback" not in told
    jobs = product.FIGURE.jobs(Plan())
    kept = [Store(tmp_path / "results").load(job) for job in jobs]
    assert 0 < len([record for record in kept if record]) < len(jobs)
