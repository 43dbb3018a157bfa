# amaranth: UnusedElaboratable=no
"""`spikeloom verify --netlist`: the cells of a board in the RTL's place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spikeloom.boards.devices import Fpga
from spikeloom.boards.targets import find
from spikeloom.cli.main import app
from spikeloom.golden.spec.document import document
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.sim.rtl import netlist
from spikeloom.sim.rtl.transport import VerilatedTransport


def verify(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["verify", *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.slow  # builds a simulator of a netlist
def test_a_boards_netlist_learns_as_golden_does():
    status, out, err = verify("tiny", "--netlist", "hx8k", "--train", "60", "--test", "8", "--json")
    assert status == 0, err
    found = json.loads(out)
    assert found["equal"]
    assert found["netlist"] == "hx8k"
    assert found["compared_weights"] == 49 * 16 + 16 * 10


def test_the_netlist_is_the_boards_own(monkeypatch: pytest.MonkeyPatch):
    """It has the lanes, ports, draws and plan of that board, and is of its device's cells."""
    asked: list[Any] = []

    def rtl(
        config: NetworkConfig, device: Fpga, hardware: Hardware, **given: Any
    ) -> VerilatedTransport:
        asked.append((config, device, hardware))
        shipped = load("tiny")  # other lanes, equal in every bit, and built for other tests
        return VerilatedTransport.cached(lambda: Core(shipped), repr((shipped, DEFAULT)))

    monkeypatch.setattr(netlist, "netlist_transport", rtl)
    status, out, err = verify("tiny", "--netlist", "icebreaker", "--train", "20", "--test", "2")
    assert status == 0, err
    assert "equal, bit for bit" in out
    target = find("icebreaker")
    assert asked == [(load("tiny"), target.device, target.hardware)]


def test_an_unknown_board_is_answered_with_the_nearest():
    status, _, err = verify("tiny", "--netlist", "icebraker")
    assert status == 2
    assert "no board named 'icebraker': did you mean icebreaker" in err


def test_a_netlist_is_not_on_a_board():
    status, _, err = verify("tiny", "--netlist", "hx8k", "--engine", "board", "--port", "none")
    assert status == 2
    assert "a netlist is simulated: leave out --engine and --port" in " ".join(err.split())


def test_the_rate_form_has_no_netlist(tmp_path: Path):
    path = tmp_path / "rate.toml"
    path.write_text(document(load("tiny").replace(**{"learning.rule": "rate"})))
    status, _, err = verify(str(path), "--netlist", "hx8k")
    assert status == 2
    assert "learning.rule = 'rate' is the golden model's alone" in " ".join(err.split())
