"""Calls of the command line, as its tests make them, and the files that they need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from spikeloom.cli.main import app
from spikeloom.golden.spec.document import document
from spikeloom.golden.spec.network import load, shipped

SMALL = ("--train", "60", "--held-out", "20", "--test", "30", "--seed", "9")


def call(*arguments: object, status: int = 0, columns: int = 200, app: typer.Typer = app) -> Result:
    """Call a verb of spikeloom or of another `app`; `status` must be its exit status."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": str(columns)})
    told = f"{result.stdout}\n{result.stderr}\n{result.exception!r}"
    assert result.exit_code == status, told
    assert "Traceback" not in told
    return result


def call_json(*arguments: object, **options: Any) -> dict[str, Any]:
    """Call a verb with --json, see `call`; return what it says."""
    result = call(*arguments, "--json", **options)
    assert result.stdout.count("\n") == 1, result.stdout
    return json.loads(result.stdout)


def own_toml(folder: Path) -> Path:
    """Write a configuration of the user's own."""
    path = folder / "mine.toml"
    path.write_text(shipped()["tiny"].read_text().replace('name = "tiny"', 'name = "mine"'))
    return path


def stopping_toml(folder: Path) -> Path:
    """Write a configuration whose samples end early."""
    path = folder / "stops.toml"
    path.write_text(document(load("tiny").replace(**{"stop.train": 1, "stop.infer": 2})))
    return path


def trained_checkpoint(folder: Path, config: object = "tiny") -> Path:
    """Train the smallest network; return its checkpoint."""
    path = folder / "trained.npz"
    call("train", config, *SMALL, "--save", path)
    return path
