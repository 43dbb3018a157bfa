"""Training that is killed goes on to the bits of a run that nobody disturbed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.campaigns.crash.__main__ import shares, summed
from tests.campaigns.crash.campaign import Campaign, Tally, campaign
from tests.campaigns.crash.kinds import KINDS, Kind


@pytest.mark.parametrize(("name", "kills"), [("tiny", 2), ("float", 2)])
def test_a_few_kills_lose_nothing(name: str, kills: int, seed: int):
    tally = campaign(name, kills, seed)
    assert tally.good, tally
    assert tally.kills == kills
    assert tally.ends >= 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kills"), shares(12, 6).items())
def test_many_kills_lose_nothing(name: str, kills: int, seed: int):
    tally = campaign(name, kills, seed)
    assert tally.good, tally
    assert tally.kills == kills


TORN = """
import os, pathlib, sys, time
from spikeloom.golden.files import partial_of
made, path = map(pathlib.Path, sys.argv[1:])
mark = partial_of(path, os.getpid())
mark.touch()
with path.open("wb") as file:
    for byte in made.read_bytes()[::64]:
        file.write(bytes([byte]))
        file.flush()
        time.sleep(0.01)
mark.unlink()
"""


def test_a_file_that_is_written_in_place_is_found_torn(tmp_path: Path):
    def finish(path: Path) -> tuple[object, ...]:
        if path.stat().st_size < made.stat().st_size // 64:
            raise ValueError(f"torn at {path.stat().st_size}")
        return ()

    made = tmp_path / "made"
    made.write_bytes(bytes(6400))
    command = [sys.executable, "-c", TORN, str(made)]
    torn = Kind("torn", lambda path: [*command, str(path)], finish)
    (tmp_path / "runs").mkdir()
    tally = Campaign(torn, np.random.default_rng(1), tmp_path / "runs").run(4)
    assert not tally.good
    assert any("torn at" in fault for fault in tally.faults)


@pytest.mark.parametrize(
    "changes", [{"loaded": 8}, {"equal": 8}, {"ends_equal": 1}, {"faults": ["a fault"]}]
)
def test_one_that_is_lost_or_goes_elsewhere_is_a_fault(changes: dict):
    sound = {"kills": 10, "before_first": 1, "loaded": 9, "equal": 9, "ends": 2, "ends_equal": 2}
    assert Tally(**sound).good
    assert not Tally(**sound | changes).good


def test_the_large_network_gets_a_third_of_the_kills():
    assert shares(100, 30) == {"tiny": 67, "large": 33, "float": 30}
    assert set(shares(1, 1)) == set(KINDS)


def test_the_kinds_are_added_up_and_one_that_is_bad_is_enough():
    one = Tally(kills=3, before_first=1, writing=1, loaded=2, equal=2)
    two = Tally(kills=2, loaded=2, equal=1)
    assert summed({"a": one})["good"]
    sums = summed({"a": one, "b": two})
    names = ("good", "kills", "before_first", "writing", "loaded", "equal")
    assert [sums[name] for name in names] == [False, 5, 1, 1, 4, 3]
    assert sums["kinds"]["b"]["equal"] == 1
