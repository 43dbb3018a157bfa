"""Results of runs on disk: one small JSON file each, under the digest of the run."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from spikeloom.golden.files import replacing
from tests.campaigns.provenance import commit
from tests.paper.errors import PaperError
from tests.paper.job import Job

FORMAT = "spikeloom-run"

SOURCES = ("golden", "spikeloom", "tests/paper")
"""Folders of the project whose text decides results."""

LIBRARIES = (
    "numpy", "numba", "llvmlite", "array_api_compat", "torch", "cupy",
    "jax", "jaxlib", "optax",
)  # fmt: skip
"""Libraries whose version may move the last bits of a result."""


@dataclass(frozen=True)
class Record:
    """A run that is done.

    Attributes
    ----------
    result : what its kind returns. seconds : how long it took.
    made_by : version and commit of the project, Python, libraries.
    """

    kind: str
    config: dict[str, Any]
    result: dict[str, Any]
    seconds: float
    made_by: dict[str, Any]


@dataclass(frozen=True)
class Done:
    """What a run gave, wherever it ran; the fields are those of `Record`."""

    result: dict[str, Any]
    seconds: float
    made_by: dict[str, Any]


class Store:
    """A folder of results.

    Parameters
    ----------
    folder : `prepare` makes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, job: Job) -> Path:
        """Return where the result of a run lies, or will."""
        return self.folder / f"{job.key}.json"

    def load(self, job: Job) -> Record | None:
        """Return a run's result, None where it was not done yet.

        Raises `PaperError` for a file that is no result, or that of another run.
        """
        path = self.path(job)
        try:
            document = json.loads(path.read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise PaperError(
                f"{path} cannot be read: {error}; remove it, and the run is repeated"
            ) from error
        names = Record.__dataclass_fields__
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise PaperError(f"{path} is not the result of a run; keep other files elsewhere")
        if (document.get("kind"), document.get("config")) != (job.kind, job.config):
            raise PaperError(
                f"{path} holds the result of another configuration than its name says; remove it, "
                "and the run is repeated"
            )
        if missing := sorted(names.keys() - document.keys()):
            raise PaperError(
                f"{path} has no {', '.join(missing)}; remove it, and the run is repeated"
            )
        return Record(**{name: document[name] for name in names})

    def prepare(self) -> None:
        """Make the folder; `PaperError` where nothing can be kept in it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise PaperError(
                f"no results can be kept in {self.folder}: {error.strerror}; name another folder "
                "with --results"
            ) from error

    def save(self, job: Job, done: Done) -> Record:
        """Keep a result; its file holds either what it held before or all of the new one.

        Raises `PaperError` where the folder cannot be written.
        """
        record = Record(job.kind, job.config, done.result, round(done.seconds, 1), done.made_by)
        path = self.path(job)
        text = json.dumps({"format": FORMAT, "title": job.title, **vars(record)}, indent=1)
        try:
            with replacing(path) as file:
                file.write(f"{_compact(text)}\n".encode())
        except OSError as error:
            raise PaperError(f"cannot write {path}: {error.strerror}") from error
        return record


def _compact(text: str) -> str:
    """Put lists of plain values on one line each: a curve is a line, not a page."""

    def line(found: re.Match[str]) -> str:
        return "[" + re.sub(r"\s*\n\s*", " ", found[1]) + "]"

    return re.sub(r"\[\n\s+([^][{}]*?)\n\s+\]", line, text)


@cache
def made_by() -> dict[str, Any]:
    """Return what makes results here: versions, and the commit where this is a checkout."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    try:
        version = metadata.version("spikeloom")
    except metadata.PackageNotFoundError:  # run from a bare checkout
        version = None
    return {
        "version": version,
        "commit": commit(sources=SOURCES),
        "libraries": versions,
    }
