"""The test-suite's own report, JUnit XML, as counts per module."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.campaigns.evidence.claims import EvidenceError

_GIVE = "give the file of pytest's --junit-xml"


def summary(path: Path) -> dict[str, Any]:
    """Return a run's date, what was installed, and counts: of each module, how its tests ended.

    Raises `EvidenceError` where the file cannot be read or holds no test.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise EvidenceError(f"cannot read {path}: {error.strerror}; {_GIVE}") from error
    except ElementTree.ParseError as error:
        raise EvidenceError(f"{path} is no XML ({error}); {_GIVE}") from error
    modules: defaultdict[str, Counter[str]] = defaultdict(
        lambda: Counter(passed=0, failed=0, skipped=0)
    )
    for case in root.iter("testcase"):
        words = case.get("classname", "").split(".")
        module = next((word for word in words if word.startswith("test_")), words[-1])
        tags = {child.tag for child in case}
        state = "failed" if tags & {"failure", "error"} else "passed"
        modules[module]["skipped" if "skipped" in tags else state] += 1
    if not modules:
        raise EvidenceError(f"{path} holds no test; {_GIVE}")
    dates = [date for suite in root.iter("testsuite") if (date := suite.get("timestamp"))]
    properties = {each.get("name"): each.get("value") for each in root.iter("property")}
    return {
        "date": min(dates, default=None),
        "installed": properties.get("installed"),
        "modules": dict(sorted(modules.items())),
    }
