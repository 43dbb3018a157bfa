"""The lock file and the list of licences go with pyproject.toml and with each other."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.support.supply import (
    LICENCES,
    LOCK,
    NOT_AUDITED,
    canonical,
    judged,
    licences,
    locked,
    short,
)


def test_the_lock_covers_every_dependency_in_the_version_asked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        asked += [line for line in extra if not line.startswith("spikeloom[")]
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


def test_a_version_that_is_not_the_locked_one_is_named():
    stated = [{"Name": n, "Version": v, "License": "MIT"} for n, v in locked().items()]
    assert licences(stated).count("| MIT |") == len(stated)
    stated[0]["Version"] = "0"
    with pytest.raises(
        SystemExit, match=f"not installed in the locked version: {stated[0]['Name']};"
    ):
        licences(stated)


SOUND, SKIPPED = {"name": "a", "vulns": []}, {"name": "b", "skip_reason": "not found"}
BAD = {"name": "c", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]}


@pytest.mark.parametrize(
    ("dependencies", "words", "status"),
    [
        ([SOUND, SKIPPED], "1 of 2 audited, 0 advisories", 0),
        ([SOUND, BAD], "2 of 2 audited, 2 advisories\n  c: PYSEC-1, PYSEC-2", 1),
        ([SKIPPED], NOT_AUDITED, 0),
    ],
)
def test_an_audit_tells_what_it_looked_at(
    tmp_path: Path, dependencies: list[dict], words: str, status: int
):
    report = tmp_path / "audit.json"
    report.write_text(json.dumps({"dependencies": dependencies}))
    assert judged(report, "")[1:] == (words, status)


def test_an_audit_without_a_network_says_so_and_one_that_breaks_off_fails(tmp_path: Path):
    none = tmp_path / "audit.json"
    assert judged(none, "requests.exceptions.ConnectionError: no")[1:] == (NOT_AUDITED, 0)
    assert judged(none, "Traceback: odd") == (
        {"audited": 0},
        "the audit broke off:\nTraceback: odd",
        1,
    )
