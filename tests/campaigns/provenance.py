"""What a result says of where it comes from: command, commit of the sources, time."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.paths import ROOT

SOURCES = ("boards", "golden", "hdl", "sim", "spikeloom", "tests")
"""Folders of the project whose text decides what a check finds."""


def make(target: str, words: Sequence[str]) -> str:
    """Return the `make` command of a campaign: its words stand in a variable of its name."""
    return f"make {target}" + (f' {target.upper()}="{shlex.join(words)}"' if words else "")


def stamp(command: str) -> dict[str, str | None]:
    """Return `command`, `commit` and `date` (ISO 8601, UTC) as results files have them.

    To be called before what it is about: what is loaded is what runs, whatever changes meanwhile.
    """
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"command": command, "commit": commit(), "date": date}


def commit(folder: Path = ROOT, sources: Sequence[str] = SOURCES) -> str | None:
    """Return the commit checked out in `folder`, None where it is none of git's.

    "+changes" is added where files of `sources` differ from it.
    """
    top = git(folder, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != folder.resolve():
        return None
    changed = git(folder, "status", "--porcelain", "--", *sources)
    head = git(folder, "rev-parse", "--short=12", "HEAD")
    return None if changed is None or head is None else head + ("+changes" if changed else "")


def git(folder: Path, *words: str) -> str | None:
    """Return what git says in a folder, None where it fails or is not there."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
