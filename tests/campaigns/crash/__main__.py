"""Kills training at random moments, and goes on with what is left; tells what was lost."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

import numpy as np

from spikeloom import outputs
from spikeloom.interrupt import stoppable
from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.campaigns.crash.campaign import Tally, campaign
from tests.campaigns.crash.kinds import KINDS, train_float
from tests.campaigns.provenance import stamp


def shares(kills: int, float_kills: int) -> dict[str, int]:
    """Return how many kills each kind gets."""
    return {"tiny": kills - kills // 3, "large": kills // 3, "float": float_kills}


def told(tally: Tally) -> str:
    """Return a tally in words."""
    return (
        f"{tally.kills} kills, {tally.before_first} before the first checkpoint, {tally.writing} "
        f"while one was written; {tally.loaded} checkpoints loaded, {tally.equal} went on to the "
        f"same bits; {tally.ends_equal} of {tally.ends} runs ended with them"
    )


def summed(kinds: dict[str, Tally]) -> dict[str, object]:
    """Return the tallies for JSON, with their sums."""
    sums = {
        key: sum(getattr(tally, key) for tally in kinds.values())
        for key in ("kills", "before_first", "writing", "loaded", "equal")
    }
    good = all(tally.good for tally in kinds.values())
    return {"good": good, **sums, "kinds": {name: vars(tally) for name, tally in kinds.items()}}


def main() -> int:
    """Run the command line; 1 where a checkpoint was lost or led elsewhere."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.crash",
        description=__doc__,
        formatter_class=HelpWithDefaults,
    )
    parser.add_argument("--kills", type=at_least(0), default=100, help="of spikeloom train")
    parser.add_argument("--float-kills", type=at_least(0), default=30, help="of the float model")
    parser.add_argument("--seed", type=at_least(0), help="of the moments; another every time")
    parser.add_argument("--results", type=outputs.file, metavar="FILE", help="write counts as JSON")
    parser.add_argument("--float", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.float:
        train_float(chosen.float)
        return 0
    if not chosen.kills and not chosen.float_kills:
        parser.error("argument --kills: 0, and --float-kills 0 too, prove nothing: kill something")
    seed = np.random.SeedSequence().entropy % 2**32 if chosen.seed is None else chosen.seed
    command = ["python", "-m", "tests.campaigns.crash", *sys.argv[1:]]
    values = stamp(shlex.join(command)) | {"seed": seed}
    kinds: dict[str, Tally] = {}
    for name, kills in shares(chosen.kills, chosen.float_kills).items():
        tally = kinds[KINDS[name].name] = campaign(name, kills, seed)
        print(f"{KINDS[name].name}: {told(tally)}", *tally.faults, sep="\n  ", flush=True)
        if chosen.results:
            chosen.results.parent.mkdir(parents=True, exist_ok=True)
            chosen.results.write_text(json.dumps(values | summed(kinds), indent=2) + "\n")
    return 0 if all(tally.good for tally in kinds.values()) else 1


if __name__ == "__main__":
    sys.exit(stoppable(main))
