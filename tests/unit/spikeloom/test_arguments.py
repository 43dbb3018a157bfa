"""What commands that take long refuse before they begin, and how Ctrl-C ends them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

import pytest

from spikeloom import interrupt
from spikeloom.arguments import HelpWithDefaults, at_least, out_file, out_folder
from spikeloom.interrupt import Stop, stoppable
from tests.paths import ROOT


def test_the_folder_of_an_output_is_made(tmp_path: Path):
    assert out_file(tmp_path / "a" / "b.json") == tmp_path / "a" / "b.json"
    assert out_folder(str(tmp_path / "c" / "d")) == tmp_path / "c" / "d"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "c", "d"]


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path):
    path = tmp_path / "kept"
    path.write_text("old")
    out_file(path)
    assert path.read_text() == "old"


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path):
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(ArgumentTypeError, match=r"cannot write .*x\.json: .*; name another file"):
        out_file(taken / "x.json")
    with pytest.raises(ArgumentTypeError, match=r"cannot write in .*taken: .*; name another folde"):
        out_folder(taken)
    with pytest.raises(ArgumentTypeError, match="is a folder: name a file in it"):
        out_file(tmp_path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no file system that refuses root")
def test_a_file_system_that_takes_nothing_is_refused_to_root_too():
    for check in (out_file, out_folder):
        with pytest.raises(ArgumentTypeError, match="cannot write"):
            check("/proc/x/y")


@pytest.mark.parametrize("text", ["-1", "nan"])
def test_a_number_that_is_too_small_is_refused(text: str):
    with pytest.raises(ArgumentTypeError, match=f"{text} is too small: give 0.0 or more"):
        at_least(0.0)(text)
    assert at_least(3)("3") == 3


def test_the_help_names_the_defaults_that_there_are():
    parser = ArgumentParser(formatter_class=HelpWithDefaults)
    parser.add_argument("--a", default=5, help="first")
    parser.add_argument("--b", help="second")
    text = parser.format_help()
    assert "first (default: 5)" in text
    assert "None" not in text


TOOLS = ("crash", "fuzz.files", "formal", "mutation", "mutation.golden")
REFUSED = [
    ("crash --kills -5", "argument --kills: -5 is too small: give 0 or more"),
    (
        "crash --kills 0 --float-kills 0",
        "argument --kills: 0, and --float-kills 0 too, prov",
    ),
    ("crash --results FILE/x", "argument --results: cannot write"),
    (
        "fuzz.files --seconds 0",
        "argument --seconds: 0 is too small: give 1 or more",
    ),
    ("fuzz.files --out FILE", "argument --out: cannot write in"),
    ("fuzz.files --results FILE/x", "argument --results: cannot write"),
    ("fuzz.files --replay FILE/x", "argument --replay: cannot read"),
    ("formal --results FILE/x", "argument --results: cannot write"),
    ("formal --jobs 0", "argument --jobs: 0 is too small: give 1 or more"),
    (
        "mutation --per-block -5",
        "argument --per-block: -5 is too small: give 1 or more",
    ),
    ("mutation --runs -2", "argument --runs: -2 is too small: give 1 or more"),
    ("mutation --search -2", "argument --search: -2 is too small: give 0 or more"),
    ("mutation --out FILE/x", "argument --out: cannot write"),
    (
        "mutation.golden --per-module 0",
        "argument --per-module: 0 is too small: give 1 or more",
    ),
    ("mutation.golden --out FILE/x", "argument --out: cannot write"),
]

CALLS = """
import runpy, sys
for arguments in sys.argv[1:]:
    sys.argv = arguments.split()
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as error:
        print("status", error.code, file=sys.stderr)
"""


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tests_tools_refuse_what_proves_nothing_or_cannot_be_written(tool: str, tmp_path: Path):
    (tmp_path / "FILE").write_text("")
    own = [(words, said) for words, said in REFUSED if words.split()[0] == tool]
    calls = [f"tests.campaigns.{words}".replace("FILE", str(tmp_path / "FILE")) for words, _ in own]
    done = subprocess.run(
        (sys.executable, "-c", CALLS, *calls), cwd=ROOT, capture_output=True, text=True
    )
    for _, said in own:
        assert said in done.stderr
    assert done.stderr.count("status 2") == len(own) > 0
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_tool_with_a_line(capsys: pytest.CaptureFixture[str]):
    def main() -> int:
        raise KeyboardInterrupt

    assert stoppable(main) == 130
    assert capsys.readouterr().err == "stopped\n"
    assert stoppable(lambda: 1) == 1


def test_a_second_ctrl_c_interrupts_only_after_a_while(monkeypatch: pytest.MonkeyPatch):
    before = signal.getsignal(signal.SIGINT)
    with Stop() as stop:
        stop.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(interrupt, "AGAIN", -1.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_got_lost_is_noticed_by_the_next_check():
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with Stop() as stop:
        Dying()  # Python prints what is raised here and goes on
        with pytest.raises(KeyboardInterrupt):
            stop.check()


def test_a_thread_leaves_ctrl_c_alone():
    done = []

    def work() -> None:
        with Stop():
            done.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [before]
