"""Cases on disk: what failed once, kept in a folder, read again and repeated."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.campaigns.fuzz import differential, protocol
from tests.campaigns.fuzz.case import Case, CaseError
from tests.campaigns.fuzz.script import Script
from tests.campaigns.fuzz.session import Session

LARGEST = 1 << 24
"""Bytes of a file that are read: the fuzzer's own have some thousands."""

AnyCase = Case | Session | Script
KINDS = {kind.KIND: kind for kind in (Case, Session, Script)}


def folder() -> Path:
    """Return where cases are kept unless another folder is named."""
    return Path(__file__).resolve().parent / "regressions"


def keep(case: AnyCase, error: Exception, where: Path) -> Path:
    """Write a case that failed into a folder; return its path."""
    digest = hashlib.sha256(dataclasses.replace(case, found="").to_json().encode()).hexdigest()
    where.mkdir(parents=True, exist_ok=True)
    path = where / f"{case.KIND}-{digest[:12]}.json"
    found = dataclasses.replace(case, found=f"{type(error).__name__}: {error}")
    path.write_text(found.to_json())
    return path


def load(path: Path) -> AnyCase:
    """Read a kept case; `CaseError` names the file and what is wrong with it."""
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise CaseError(f"it has {size} bytes, a case has at most {LARGEST}")
        parts = json.loads(path.read_text())
        kind = KINDS.get(parts["kind"]) if isinstance(parts, dict) and "kind" in parts else None
        if kind is None:
            raise CaseError(f"its kind is none of {', '.join(KINDS)}")
        case = kind.from_parts(parts)
        if told := _altered(parts, json.loads(case.to_json())):
            raise CaseError(told)
        return case
    except OSError as error:
        raise CaseError(f"cannot read {path}: {error.strerror}") from None
    except CaseError as error:
        raise CaseError(f"{path} is no case that 'make fuzz' has kept: {error}") from None
    except (ValueError, RecursionError, TypeError) as error:
        raise CaseError(f"{path} is no JSON file: {error}") from None


def _altered(given: Any, read: Any, where: str = "") -> str | None:
    """Say where a file is not what was read of it: what is ignored or understood otherwise."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, part in given.items():
            place = f"{where}.{name}".strip(".")
            if name not in read:
                return f"{place} is no part of it"
            if told := _altered(part, read[name], place):
                return told
        return None
    if isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        pairs = (
            _altered(*pair, f"{where}[{k}]") for k, pair in enumerate(zip(given, read, strict=True))
        )
        return next(filter(None, pairs), None)
    same = type(given) is type(read) and given == read
    return None if same else f"{where} is {given!r:.40}, which was read as {read!r:.40}"


def replay(case: AnyCase) -> Counter[str]:
    """Run a case again and count what it did; raises what it raised when it was found."""
    return differential.replay(case) if isinstance(case, Case) else protocol.replay(case)
