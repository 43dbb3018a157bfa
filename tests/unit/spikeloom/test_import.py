"""``import spikeloom``: what it loads, and the names that it has."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import spikeloom

HEAVY = {
    *("amaranth", "amaranth_boards", "jinja2", "matplotlib", "numba", "numpy", "PIL", "rich"),
    *("serial", "tqdm", "typer"),
}
GOLDEN_ONLY = HEAVY - {"numba", "numpy"}


def loaded(statement: str) -> set[str]:
    """Return the modules that a statement loads in a new process."""
    code = f"import sys; before = set(sys.modules); {statement}; import json; "
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(json.loads(done.stdout))


def test_the_package_itself_loads_next_to_nothing():
    """Modules stand for the processor time that nobody can test: these take some milliseconds."""
    found = loaded("import spikeloom")
    assert {name.partition(".")[0] for name in found} & HEAVY == set()
    assert {name for name in found if name.startswith("spikeloom.")} == {"spikeloom.errors"}
    assert len(found) < 40


def test_a_configuration_needs_no_arrays():
    found = loaded("import spikeloom; spikeloom.load('tiny').replace(steps=8)")
    assert {name.partition(".")[0] for name in found} & HEAVY == set()


def test_learning_in_golden_needs_no_extra():
    code = "import spikeloom as sl; sl.Network, sl.datasets.mnist, sl.Part, sl.History, sl.Hardware"
    assert {name.partition(".")[0] for name in loaded(code)} & GOLDEN_ONLY == set()


def test_every_name_is_there_and_listed():
    for name in spikeloom.__all__:
        assert getattr(spikeloom, name) is not None
    assert dir(spikeloom) == sorted([*spikeloom.__all__, "__version__"])
    assert spikeloom.__version__.count(".") == 2
    assert issubclass(spikeloom.SpikeloomError, Exception)


def test_an_unknown_name_is_answered_with_those_that_there_are():
    with pytest.raises(AttributeError, match=r"spikeloom has no 'Netwrok': it has Hardware, "):
        spikeloom.Netwrok  # noqa: B018


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(spikeloom.__dict__, "build", raising=False)
    monkeypatch.delitem(sys.modules, "spikeloom.bitstreams", raising=False)
    monkeypatch.setitem(sys.modules, "spikeloom.boards", None)
    monkeypatch.setitem(sys.modules, "amaranth_boards", None)
    monkeypatch.setattr("spikeloom.import_module", lambda name: __import__("amaranth_boards"))
    with pytest.raises(spikeloom.SpikeloomError, match=r"extra 'boards': .*pip install"):
        spikeloom.build  # noqa: B018
