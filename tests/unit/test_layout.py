"""What the README promises of the tree: names, sizes, imports, and what is packaged."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

SIDES = ("golden", "hdl", "sim", "boards")
"""Folders that are installed below `spikeloom`, which is a folder itself."""

SHIPPED = ("spikeloom", *SIDES)
CONCEPTS = ("lfsr", "encoder", "neuron", "wta", "crossbar", "learning", "network")
LONGEST = 400
PYTHON = sorted(path for folder in (*SHIPPED, "tests") for path in (ROOT / folder).rglob("*.py"))


def run(*command: object, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def lint_imports(cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return run(linter, "--no-logo", "--no-cache", cwd=cwd, **environ)


# Names and sizes


@pytest.mark.parametrize("concept", CONCEPTS)
def test_a_concept_has_one_name_in_golden_hdl_and_tests(concept: str):
    mirrors = (f"golden/{concept}.py", f"hdl/{concept}.py", f"tests/unit/golden/test_{concept}.py")
    assert [name for name in mirrors if not (ROOT / name).is_file()] == []


def test_no_file_is_too_long_to_be_one_concept():
    files = [p for p in PYTHON if p.parts[len(ROOT.parts)] != "tests"]
    files += [p for s in SHIPPED for ext in ("cpp", "h") for p in (ROOT / s).rglob(f"*.{ext}")]
    lines = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in files}
    assert len(lines) > 10
    assert {name: n for name, n in lines.items() if n > LONGEST} == {}


# Imports


def imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    nodes = ast.walk(ast.parse(path.read_text(), path))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def modules(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports."""
    names = set()
    for node in imports(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            names.add("." * node.level + (node.module or ""))
    return names


def test_nothing_is_imported_by_a_star():
    stars = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in PYTHON
        for node in imports(path)
        if any(alias.name == "*" for alias in node.names)
    ]
    assert stars == []


def test_golden_spec_imports_the_standard_library_alone():
    files = sorted((ROOT / "golden/spec").rglob("*.py"))
    assert files
    foreign = {
        (path.name, name)
        for path in files
        for name in modules(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith("spikeloom.golden.spec.")
        and name not in ("spikeloom.errors", "spikeloom.shown")
    }
    assert foreign == set()


def as_installed(folder: Path) -> Path:
    """Copy the packages below one folder, as the linter wants them."""
    unread = shutil.ignore_patterns("__pycache__", "*.gz", "corpus", "regressions")
    shutil.copytree(ROOT / "spikeloom", folder / "spikeloom", ignore=unread)
    for side in SIDES:
        shutil.copytree(ROOT / side, folder / "spikeloom" / side, ignore=unread)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=unread)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_import_rules_hold(tmp_path: Path):
    result = lint_imports(as_installed(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("rule", "folder", "statement"),
    [
        ("golden.spec is data", "golden/spec", "import numpy"),
        ("golden knows no hardware", "golden", "import amaranth"),
        ("golden knows no hardware", "golden", "import PIL"),
        ("hdl knows of the golden model only", "hdl", "import spikeloom.golden.datasets.idx"),
        ("boards knows of the golden model only", "boards", "import spikeloom.golden.datasets.idx"),
        ("boards.host runs where no hardware tool", "boards/host", "import spikeloom.hdl"),
        ("nobody imports the command line", "sim", "import spikeloom.cli"),
        ("what is installed needs no tests", "sim", "import tests.paths"),
    ],
)
def test_an_import_rule_catches_what_breaks_it(
    tmp_path: Path, rule: str, folder: str, statement: str
):
    as_installed(tmp_path)
    (tmp_path / "spikeloom" / folder / "planted.py").write_text(f"{statement}\n")
    result = lint_imports(tmp_path, COLUMNS="200")
    broken = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    assert result.returncode == 1, result.stdout + result.stderr
    assert [line.startswith(rule) for line in broken] == [True], result.stdout


# Pages


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_links_to_what_is_there(page: Path):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    dead = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert dead == []


def test_the_readme_is_no_longer_than_a_front_door():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
