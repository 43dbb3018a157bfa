"""The test-suite's own report, JUnit XML, as counts per module."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from spikeloom.golden.files import replacing
from tests.campaigns.evidence.errors import EvidenceError

_FAILED, _SKIPPED = ("failure", "error"), "skipped"


def summary(path: Path) -> dict[str, Any]:
    """Return the date of a run, and how many tests of each module passed, failed, were skipped.

    Raises `EvidenceError` where the file cannot be read or holds no test.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise EvidenceError(
            f"cannot read {path}: {error.strerror}; give the file of pytest's --junit-xml"
        ) from error
    except ElementTree.ParseError as error:
        raise EvidenceError(
            f"{path} is no XML ({error}); give the file of pytest's --junit-xml"
        ) from error
    modules: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for case in root.iter("testcase"):
        parts = {child.tag for child in case}
        words = case.get("classname", "").split(".")
        module = next((word for word in words if word.startswith("test_")), words[-1])
        state = "failed" if parts.intersection(_FAILED) else "passed"
        modules[module]["skipped" if _SKIPPED in parts else state] += 1
    if not modules:
        raise EvidenceError(f"{path} holds no test; give the file of pytest's --junit-xml")
    names = ("passed", "failed", "skipped")
    dates = [date for suite in root.iter("testsuite") if (date := suite.get("timestamp"))]
    return {
        "date": min(dates) if dates else None,
        "modules": {
            module: {name: counts[name] for name in names}
            for module, counts in sorted(modules.items())
        },
    }


def keep(values: dict[str, Any], path: Path) -> None:
    """Write a summary into a results file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(json.dumps(values, indent=1).encode() + b"\n")
    except OSError as error:
        raise EvidenceError(f"cannot write {path}: {error.strerror}") from error
