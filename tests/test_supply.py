"""The lock file and the list of licences go with pyproject.toml and with each other."""

from __future__ import annotations

import re
import tomllib

from conftest import ROOT
from supply import LICENCES, LOCK, canonical, locked, short


def test_the_lock_covers_every_dependency_in_the_version_asked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        asked += extra
    lock = locked()
    assert len(asked) > 20
    for line in asked:
        name, exact = re.match(r"([\w.-]+)(?:\[.*?\])?(?:==([^;\s]+))?", line).groups()
        assert canonical(name) in lock, f"{name} is not locked: run `make lock`"
        assert exact in (None, lock[canonical(name)]), f"{name}: run `make lock`"


def test_every_locked_version_has_hashes_and_no_place_it_comes_from():
    text = LOCK.read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked()) > 50
    assert [e.split()[0] for e in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", e)] == []
    assert not re.search(r"://|index-url|find-links", text)


def test_a_licence_is_listed_for_each_locked_version():
    listed = dict(re.findall(r"^\| ([^ |]+) \| ([^ |]+) \| [^ |]", LICENCES.read_text(), re.M))
    listed.pop("dependency")
    assert listed == locked(), "run `make licences`"


def test_a_whole_text_is_named():
    assert short("MIT") == "MIT"
    assert short("GNU GENERAL PUBLIC LICENSE\nVersion 3") == "GPL-3.0-only"
    assert short("Our licence\nDo as you like") == "Our licence"
