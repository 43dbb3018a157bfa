"""A package that is not installed is named with its extra and the command that installs it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata

import pytest

from spikeloom.errors import EXTRAS, install, naming_extras
from tests.paths import ROOT

HIDE = f"import sys; sys.modules.update(dict.fromkeys({sorted(EXTRAS)}))"


def run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run code where no package of an extra can be imported."""
    command = (sys.executable, "-c", f"{HIDE}\n{code}", *words)
    return subprocess.run(command, capture_output=True, text=True)


def without_extras(*words: str) -> subprocess.CompletedProcess[str]:
    return run("from spikeloom.cli.main import main; main()", *words)


def test_every_package_is_of_the_extra_that_installs_it():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = extras["optional-dependencies"]
    distributions = metadata.packages_distributions()
    for package, extra in EXTRAS.items():
        listed = " ".join(extras[extra]).lower().replace("_", "-")
        owners = {name.lower().replace("_", "-") for name in distributions.get(package, [package])}
        assert package == "markupsafe" or any(name in listed for name in owners), package


def test_the_base_trains_in_golden():
    done = without_extras("train", "tiny", "--train", "20", "--test", "5", "--held-out", "0")
    assert done.returncode == 0, done.stderr
    assert "of 5 test images" in done.stdout


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        ("train tiny --engine rtl", "amaranth", "rtl"),
        ("verify tiny", "amaranth", "rtl"),
        ("train tiny --report out", "jinja2", "report"),
        ("infer tiny --weights none.npz --image none.png", "PIL", "report"),
        ("selftest tiny --port none", "serial", "boards"),
        ("boards", "amaranth", "rtl"),
    ],
)
def test_a_verb_whose_extra_is_missing_says_how_to_install_it(
    words: str, package: str, extra: str, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    done = without_extras(*words.split())
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"error: the Python package {package!r} is not installed, which comes with spikeloom's "
        f"extra {extra!r}: {install(extra)}"
    )
    assert "Traceback" not in done.stderr


def test_the_library_says_it_too():
    done = run(
        "from spikeloom.engines.engine import make_engine\n"
        "from spikeloom.golden.spec.network import load\n"
        "make_engine('rtl', load('tiny'))\n"
    )
    told = done.stderr.splitlines()[-1]
    assert told.startswith("spikeloom.errors.MissingExtraError: the Python package 'amaranth'")
    assert told.endswith(install("rtl"))


def test_another_missing_module_is_no_extra():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), naming_extras():
        import no_such_module  # noqa: F401


def test_pip_finds_an_extra_without_asking_where_spikeloom_is():
    """Of a clone or a wheel: the command installs what is missing, not spikeloom itself."""
    command = install("rtl").replace("'", "").split()
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    done = subprocess.run(
        (*command, "--dry-run", "--no-index", "--quiet"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
