"""The notebooks: what they use is there, what they show ran, and they run from a new kernel."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import spikeloom as sl
from tests.support.notebooks import NOTEBOOKS, run

LARGEST = 600_000
"""Bytes of a notebook with its pictures: more than a reader of a clone should wait for."""


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text())["cells"]


def code(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["learn-digits", "look-inside", "rtl-and-bitstream"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_library_has_every_name_that_a_notebook_takes_from_it(path: Path):
    used = {
        node.attr
        for text in code(path)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sl"
    }
    assert used
    assert used - set(sl.__all__) == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_its_cells_gave_one_after_another(path: Path):
    ran = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in ran] == list(range(1, len(ran) + 1))
    kinds = {output["output_type"] for cell in ran for output in cell["outputs"]}
    assert "error" not in kinds
    assert path.stat().st_size < LARGEST


@pytest.mark.slow
@pytest.mark.extra("notebooks")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path):
    pytest.importorskip("nbclient", reason="the extra `notebooks` is not installed")
    run(path, tmp_path)
