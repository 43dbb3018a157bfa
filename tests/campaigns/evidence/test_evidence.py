"""The page of claims says what the results files say, and nothing that is older than the files."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.campaigns.app import app
from tests.campaigns.evidence import page
from tests.campaigns.evidence.claims import CLAIMS, Claim, History, Row, State, row
from tests.paths import ROOT
from tests.support.evidence_files import CRASH, JUNIT

CLAIM = Claim("Faults", "It lives.", "crashed", ("src",), (), "make crash", "crash.json")


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a repository with one commit to src and a folder of results."""
    git(tmp_path, "init", "-q")
    (tmp_path / "results").mkdir()
    change(tmp_path, "src")
    return tmp_path


def change(tree: Path, name: str) -> str:
    """Commit a change of a file and return the commit."""
    with (tree / name).open("a") as file:
        file.write("more\n")
    git(tree, "add", name)
    git(tree, "commit", "-q", "-m", name)
    return git(tree, "rev-parse", "HEAD")


def put(tree: Path, name: str = "crash.json", **values: object) -> None:
    (tree / "results" / name).write_text(json.dumps(values))


def looked_up(tree: Path, claim: Claim = CLAIM) -> Row:
    return row(claim, tree / "results", History(tree / "results"))


# States


def test_what_was_never_run_is_shown_with_its_command(tree: Path):
    shown = looked_up(tree)
    assert (shown.state, shown.checks) == (State.MISSING, 0)
    assert shown.line == "not run yet: make crash"


def test_a_result_of_the_files_as_they_are_holds(tree: Path):
    put(tree, **CRASH, commit=git(tree, "rev-parse", "HEAD"), date="2026-01-02T03:04:05+00:00")
    change(tree, "other")
    shown = looked_up(tree)
    assert (shown.state, shown.checks, shown.remark) == (State.HOLDS, 100, "")
    assert shown.made.endswith(", 2026-01-02")
    assert shown.by == ""


def test_a_result_of_another_command_says_by_which(tree: Path):
    put(tree, **CRASH, command="make crash KILLS=3", date="2026-01-02")
    shown = looked_up(tree)
    assert shown.by == "make crash KILLS=3"
    assert "by `make crash KILLS=3`" in page.render("evidence.md", [shown], None)
    assert "by <code>make crash KILLS=3</code>" in page.render("evidence.html", [shown], None)


def test_a_result_older_than_the_files_it_is_about_says_so(tree: Path):
    old = git(tree, "rev-parse", "HEAD")
    put(tree, **CRASH, commit=old)
    change(tree, "src")
    shown = looked_up(tree)
    assert shown.state == State.OLD
    assert shown.remark == f"out of date: 1 commit to src since commit {old[:12]}"
    change(tree, "src")
    assert "2 commits to src" in looked_up(tree).remark


def test_a_result_with_a_day_and_no_commit_is_compared_by_its_day(tree: Path):
    put(tree, **CRASH, date="2090-01-01T00:00:00+00:00")
    assert looked_up(tree).state == State.HOLDS
    put(tree, **CRASH, date="1999-01-01T00:00:00+00:00")
    assert looked_up(tree).remark == "out of date: 1 commit to src since 1999-01-01T00:00:00+00:00"


def test_a_result_that_nobody_can_place_is_not_current(tree: Path):
    put(tree, **CRASH)
    assert looked_up(tree).remark == "when it was made is not known"
    put(tree, **CRASH, commit="0123456789ab")
    assert looked_up(tree).remark == "made at commit 0123456789ab, which is not in this repository"
    put(tree, **CRASH, commit=git(tree, "rev-parse", "HEAD") + "+changes")
    assert looked_up(tree).remark == "made with changes that were not committed"
    assert looked_up(tree).state == State.OLD


def test_a_failure_is_a_failure_however_old(tree: Path):
    put(tree, **CRASH | {"good": False}, commit=git(tree, "rev-parse", "HEAD"))
    assert looked_up(tree).state == State.FAILS
    change(tree, "src")
    assert looked_up(tree).state == State.FAILS
    assert "out of date" in looked_up(tree).remark


def test_several_results_of_one_claim_are_added_up_and_the_worst_counts(tree: Path):
    claim = dataclasses.replace(CLAIM, results="crash-*.json")
    put(tree, "crash-1.json", **CRASH, commit=git(tree, "rev-parse", "HEAD"))
    put(tree, "crash-2.json", **CRASH | {"good": False}, commit=git(tree, "rev-parse", "HEAD"))
    shown = looked_up(tree, claim)
    assert (shown.state, shown.checks) == (State.FAILS, 200)


def test_outside_a_repository_nothing_is_said_of_age(tmp_path: Path):
    history = History(tmp_path)
    assert history.head is None
    assert history.remark({"commit": "0123"}, ("src",)) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kills": "many"}'])
def test_a_file_of_something_else_is_named_with_the_command_that_makes_it(tree: Path, text: str):
    (tree / "results" / "crash.json").write_text(text)
    shown = looked_up(tree)
    assert shown.state == State.BROKEN
    assert "crash.json: not the results of 'make crash' (" in shown.result
    for name in page.NAMES:
        assert "unreadable" in page.render(name, [shown], None)
        assert "crash.json: not the results of" in page.render(name, [shown], None)


# Pages


def test_both_pages_list_every_claim_its_command_and_its_state(tree: Path):
    put(tree, **CRASH, commit=git(tree, "rev-parse", "HEAD"))
    odd = dataclasses.replace(CLAIM, text="a <b> | c", results="none.json")
    shown = [looked_up(tree), looked_up(tree, odd)]
    html, markdown = (page.render(name, shown, "0123") for name in page.NAMES)
    for text in (html, markdown):
        for words in ("It lives.", "100", "93 loaded", "not run yet", "make crash", "commit 0123"):
            assert words in text
    assert "a &lt;b&gt; | c" in html
    assert "a <b> \\| c" in markdown
    assert "default-src 'none'" in html


def test_a_page_that_cannot_be_written_names_its_folder(tmp_path: Path):
    (tmp_path / "out").write_text("")
    words = ["evidence", "--results", str(tmp_path), "--out", str(tmp_path / "out" / "x")]
    told = CliRunner().invoke(app, words).stderr
    assert "cannot write" in told
    assert "name another folder with --out" in told


def test_the_command_writes_the_pages_and_keeps_the_counts_of_the_tests(tmp_path: Path):
    (tmp_path / "results").mkdir()
    (tmp_path / "tests.xml").write_text(JUNIT)
    words = ["evidence", "--results", str(tmp_path / "results"), "--json"]
    done = CliRunner().invoke(app, [*words, "--tests", str(tmp_path / "tests.xml")])
    assert done.exit_code == 1, "a claim fails"
    values = json.loads(done.stdout.splitlines()[-1])
    assert len(values["claims"]) == len(CLAIMS)
    last = values["claims"][-1]
    assert (last["checks"], last["result"]) == (
        3,
        "1 tests passed, 2 failed, 1 skipped (in test_a, test_b); installed: 57 packages",
    )
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert names == {"evidence.html", "evidence.md", "tests.json"}
    again = CliRunner().invoke(app, words)
    assert json.loads(again.stdout.splitlines()[-1])["claims"][-1] == last


@pytest.mark.parametrize(
    ("text", "status"), [(json.dumps(CRASH), 0), (json.dumps(CRASH | {"good": False}), 1), ("", 1)]
)
def test_a_claim_that_fails_or_cannot_be_read_makes_the_status(
    tmp_path: Path, text: str, status: int
):
    (tmp_path / "crash.json").write_text(text)
    done = CliRunner().invoke(app, ["evidence", "--results", str(tmp_path)])
    assert done.exit_code == status, done.output
    assert (tmp_path / "evidence.html").is_file()


def test_a_folder_of_results_that_is_not_there_is_named(tmp_path: Path):
    done = CliRunner().invoke(app, ["evidence", "--results", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "there is no folder" in done.stderr


# The table of claims


def test_every_claim_has_a_command_and_is_about_files_that_exist():
    for claim in CLAIMS:
        assert claim.text.endswith(".")
        assert claim.command
        for name in claim.about:
            assert list(ROOT.glob(name.removeprefix(":(glob)"))), name
    assert len({claim.text for claim in CLAIMS}) == len(CLAIMS)


def test_every_test_module_that_a_claim_names_exists():
    values = {
        "modules": {
            path.stem: {"passed": 1, "failed": 0, "skipped": 0}
            for path in (ROOT / "tests").rglob("test_*.py")
        }
    }
    counts = [claim.found(values).checks for claim in CLAIMS if claim.results == "tests.json"]
    assert counts == [10, 15, 1, len(values["modules"])]


def test_results_that_are_there_are_what_their_claims_read():
    for claim in CLAIMS:
        shown = row(claim, ROOT / "results", History(ROOT / "results"))
        assert shown.state != State.BROKEN, shown.result
