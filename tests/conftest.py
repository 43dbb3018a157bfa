"""Fixtures that every test may use: the seed, the shared data, a place for waveforms."""

from __future__ import annotations

import os
import random
import sys
import time
import types
import zlib
from collections.abc import Generator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from _pytest.junitxml import xml_key

from tests.paths import ROOT
from tests.support import extras

SEED = pytest.StashKey[int]()

# A deadline in wall time fails on a busy machine, not on a fault; what passed once passes again.
hypothesis.settings.register_profile("spikeloom", deadline=None, derandomize=True)
hypothesis.settings.load_profile("spikeloom")


def base_seed(text: str) -> int:
    return random.SystemRandom().getrandbits(32) if text == "random" else int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("spikeloom")
    group.addoption(
        "--seed",
        type=base_seed,
        default=1,
        help="base seed of the random tests: a number, or 'random' (default: 1)",
    )
    group.addoption(
        "--vcd", action="store_true", help="record waveforms of simulations that can, in tmp_path"
    )


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    seed = worker["seed"] if worker else config.getoption("--seed")
    config.stash[SEED] = seed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an extra that is not installed."""
    for item in items:
        for mark in item.iter_markers("extra"):
            if (why := extras.reason(*mark.args)) is not None:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Hand the seed to a worker of pytest-xdist: all of them must use the one that is printed."""
    node.workerinput["seed"] = node.config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed: {config.stash[SEED]} (repeat with --seed)"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say in the JUnit XML what was installed: passing means little without."""
    xml = session.config.stash.get(xml_key, None)
    if xml is not None:
        xml.add_global_property("installed", extras.installed())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    report = yield
    if report.failed and "seed" in getattr(item, "fixturenames", ()):
        report.sections.append(("seed", f"repeat with --seed {item.config.stash[SEED]}"))
    return report


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """32 bits, another for every test and ``--seed``, which a failure prints."""
    return request.config.stash[SEED] + zlib.crc32(request.node.nodeid.encode()) & 0xFFFFFFFF


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """Give the random generator of this test."""
    return np.random.default_rng(seed)


@pytest.fixture
def vcd(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Say where to record a waveform, or None where ``--vcd`` was not given."""
    return tmp_path / "waves.vcd" if request.config.getoption("--vcd") else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of the data sets that do not ship (fashion, emnist47)."""
    data = Path(os.environ.get("SPIKELOOM_SHARED", ROOT.parent / "shared")) / "data"
    if data.is_dir():
        return data
    message = (
        f"SHARED DATA MISSING: {data} is not there, so this was NOT TESTED; set SPIKELOOM_SHARED "
        "to the folder that holds data/fashion and data/emnist47"
    )
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hunt of the fuzzer count its processor time: a busy machine shall find as much."""
    clock = types.SimpleNamespace(monotonic=time.process_time)
    monkeypatch.setattr(sys.modules["tests.campaigns.fuzz.hunt"], "time", clock)
