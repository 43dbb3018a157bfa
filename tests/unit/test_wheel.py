"""The wheel holds what the tree holds, and works where neither the tree nor an extra is."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.unit.test_layout import SHIPPED, SIDES, run

MOST = 300_000_000
"""Bytes of the base, Python and pip and what Python compiles left out."""


NOT_SHIPPED = "spikeloom/golden/paper/"
"""The paper's float model, which the experiments of a clone run."""


def files_under(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy: an old build folder would end up in it."""
    copy = tmp_path_factory.mktemp("wheel")
    skip = shutil.ignore_patterns("__pycache__")
    for side in SHIPPED:
        shutil.copytree(ROOT / side, copy / side, ignore=skip)
    for path in ROOT.iterdir():
        if path.suffix in (".toml", ".md") or path.name == "LICENSE":
            shutil.copy(path, copy)
    result = run(
        *(sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps"),
        *("--no-build-isolation", "--wheel-dir", copy / "dist", copy),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = (copy / "dist").glob("*.whl")
    return built


def test_the_wheel_holds_what_the_tree_holds(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {f"spikeloom/{side}/{name}" for side in SIDES for name in files_under(ROOT / side)}
    expected |= {f"spikeloom/{name}" for name in files_under(ROOT / "spikeloom")}
    expected = {name for name in expected if not name.startswith(NOT_SHIPPED)}
    assert sorted(expected - packed) == [], "not named in pyproject.toml"
    assert sorted(packed - expected) == []


def test_an_installed_wheel_finds_its_data_away_from_the_repository(wheel: Path, tmp_path: Path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = "from spikeloom.golden import datasets as d; print(d.__file__, d.load().test.labels[0])"
    result = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert result.stdout.split() == [str(tmp_path / "spikeloom/golden/datasets/__init__.py"), "7"]


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel's base into an empty environment; return that."""
    folder = tmp_path_factory.mktemp("elsewhere")
    made = run(sys.executable, "-m", "venv", folder / "venv")
    assert made.returncode == 0, made.stdout + made.stderr
    installed = run(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", wheel)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return folder


def spikeloom(folder: Path, *words: object) -> str:
    """Run the command line of an environment, away from the tree; return what it printed."""
    aside = dict.fromkeys(("PYTHONPATH", "VIRTUAL_ENV"), "")
    done = run(folder / "venv/bin/spikeloom", *words, cwd=folder, **aside)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_base_is_small_and_trains_in_golden_without_a_compiler(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    (packages,) = (elsewhere / "venv/lib").glob("python*/site-packages")
    ours = [path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    pip = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    sizes = [
        path.stat().st_size
        for path in ours
        if not path.relative_to(packages).parts[0].startswith(pip)
    ]
    assert 100_000_000 < sum(sizes) <= MOST
    monkeypatch.setenv("PATH", os.devnull)
    told = spikeloom(elsewhere, "train", "tiny", "--train", 200, "--test", 50, "--held-out", 0)
    assert "of 50 test images" in told


@pytest.mark.slow
def test_the_demonstration_runs_from_a_wheel_with_two_extras(elsewhere: Path):
    command = (elsewhere / "venv/bin/python", "-m", "pip", "install", "--quiet")
    installed = run(*command, "spikeloom[rtl,report]", cwd=elsewhere)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    told = spikeloom(elsewhere, "demo", "--quick", "--report", elsewhere / "out")
    assert "report.html" in told
    assert (elsewhere / "out/report.html").is_file()
