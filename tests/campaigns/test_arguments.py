"""What the campaigns' commands refuse before they begin."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

import pytest

from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.paths import ROOT


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


TOOLS = ("crash", "fuzz.files", "formal", "mutation")
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
        "mutation hdl --most -5",
        "argument --most: -5 is too small: give 1 or more",
    ),
    ("mutation", "the following arguments are required: KIND"),
    ("mutation hdl --runs -2", "argument --runs: -2 is too small: give 1 or more"),
    ("mutation hdl --search -2", "argument --search: -2 is too small: give 0 or more"),
    ("mutation hdl --out FILE/x", "argument --out: cannot write"),
    (
        "mutation golden --most 0",
        "argument --most: 0 is too small: give 1 or more",
    ),
    ("mutation golden --out FILE/x", "argument --out: cannot write"),
    ("mutation golden --sessions FILE", "argument --sessions: cannot write in"),
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
