# amaranth: UnusedElaboratable=no
"""The core under cocotb, and what must hold of it in any simulator."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bench_core
import pytest

from spikeloom.golden.spec.network import load
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.core import Core
from spikeloom.sim import cosim

TESTS = 6


def test_the_core_keeps_its_contract_under_cocotb(tmp_path: Path):
    simulator = cosim.build([bench_core.case(load("tiny"))])
    ran = cosim.run(simulator, "bench_core", tmp_path, search=Path(__file__).parent)
    assert ran == TESTS


def test_the_rate_form_is_refused_by_name():
    config = load("tiny")
    rate = dataclasses.replace(config.learning, form="rate")
    message = "learning.form = 'rate' exists in the golden model only: the RTL needs"
    with pytest.raises(ConfigError, match=message):
        Core(dataclasses.replace(config, learning=rate))
