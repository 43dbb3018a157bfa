"""``python -m tests.campaigns.crash``: kill training at random moments, go on with what is left.

Every checkpoint on the disk must load, and go on to the bits of the run that nobody disturbed:
here, from the same file, after every kill; and by the command itself, which is killed again and
again until it comes to its end. A run that was killed while it wrote leaves its partial file.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from spikeloom import datasets, outputs
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.files import partial_of
from spikeloom.golden.paper import training
from spikeloom.golden.paper.config import PaperConfig
from spikeloom.golden.spec.network import load
from spikeloom.interrupt import stoppable
from spikeloom.network import Network
from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.campaigns.provenance import stamp
from tests.paths import ROOT

FILE = "run.npz"
SEED = 3
POLL = 0.001  # s; a write takes several times as long, its way to the disk included
SHARES = {"at the start": 0.1, "at any time": 0.5, "at a write": 0.4}
"""How often each kind of moment is drawn."""

FLOAT = PaperConfig(sizes=(49, 16, 4), steps=8, batch=10, epochs=40, learning_rate=0.1)


@dataclass(frozen=True)
class Kind:
    """A training run that is killed.

    Attributes
    ----------
    command : trains, with the checkpoint `path`; goes on from it where it is there.
    finish : goes on from a checkpoint to the end, here, and returns all that the run decides.
    """

    name: str
    command: Callable[[Path], list[str]]
    finish: Callable[[Path], tuple[object, ...]]


@dataclass
class Tally:
    """What became of the kills of one kind.

    Attributes
    ----------
    kills : of processes that were still running.
    before_first : of them, those that had no checkpoint to leave.
    writing : of them, those that left a partial file: they were writing.
    loaded, equal : checkpoints that could be loaded; that went on to the undisturbed run's bits.
    ends : runs that came to their end, killed before or not; ends_equal : with the same bits.
    faults : what went wrong, in words.
    """

    kills: int = 0
    before_first: int = 0
    writing: int = 0
    loaded: int = 0
    equal: int = 0
    ends: int = 0
    ends_equal: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every checkpoint that was left and every end was as it must be."""
        whole = self.loaded == self.equal == self.kills - self.before_first
        return whole and self.ends == self.ends_equal and not self.faults


def integer(name: str, images: int, epochs: int) -> Kind:
    """Return a run of the golden engine, by ``spikeloom train``."""

    def command(path: Path) -> list[str]:
        resume = ["--resume", str(path)] if path.exists() else []
        return [
            *(sys.executable, "-c", "from spikeloom.cli.entry import main; main()"),
            *("train", name, "--engine", "golden", "--seed", str(SEED), "--save", str(path)),
            *("--train", str(images), "--held-out", "8", "--test", "0", "--epochs", str(epochs)),
            *resume,
        ]

    @cache
    def digits() -> Dataset:
        return datasets.mnist(load(name), train=images, test=0, held_out=8)

    def finish(path: Path) -> tuple[object, ...]:
        network, data = Network.load(path, show=False), digits()
        more = epochs - network.run.epoch
        network.fit(data.train, epochs=more, validation=data.held)
        end = network.checkpoint()
        weights = [w.tobytes() for w in end.weights]
        return *weights, tuple(end.stream_states), tuple(end.run.curve), end.run.presentations

    return Kind(f"spikeloom train {name}", command, finish)


def train_float(path: Path) -> training.Result:
    """Train the float model, going on from `path` where it is there."""
    rng = np.random.default_rng(SEED)
    images = rng.integers(0, 256, (60, 49), dtype=np.uint8)
    labels = rng.integers(0, 4, 60)
    return training.train(FLOAT, images, labels, images[:20], labels[:20], checkpoint=path)


def finish_float(path: Path) -> tuple[object, ...]:
    """Go on with a copy of a checkpoint of the float model."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / FILE
        copy.write_bytes(path.read_bytes())
        result = train_float(copy)
    return *(w.tobytes() for w in result.weights), tuple(result.accuracy)


KINDS = {
    "tiny": integer("tiny", 40, 40),
    "large": integer("mnist-784-128-10", 8, 30),
    "float": Kind(
        "the paper's float model",
        lambda path: [sys.executable, "-m", "tests.campaigns.crash", "--float", str(path)],
        finish_float,
    ),
}


class Campaign:
    """Kills of one kind, one after another on the same run until it ends, then on a new one."""

    def __init__(self, kind: Kind, rng: np.random.Generator, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.tally = Tally()
        self._rng = rng
        began = time.monotonic()
        path = self._new()
        process = self._begin(path)
        self._wait_for(process, path)
        self._starting = time.monotonic() - began
        if process.wait():
            raise RuntimeError(f"{kind.name}: the undisturbed run ended with {process.returncode}")
        self._training = time.monotonic() - began - self._starting
        self._expected = kind.finish(path)
        self._path = self._new()

    def run(self, kills: int) -> Tally:
        """Kill so many processes, and let the last run come to its end."""
        while self.tally.kills < kills:
            self._one()
        process = self._begin(self._path)
        process.wait()
        self._ended(process)
        return self.tally

    def _new(self) -> Path:
        """Return the checkpoint's path in a folder of its own."""
        folder = self.folder / str(sum(1 for _ in self.folder.iterdir()))
        folder.mkdir()
        return folder / FILE

    def _begin(self, path: Path) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self.kind.command(path), cwd=ROOT, stdout=quiet, stderr=quiet)

    def _one(self) -> None:
        process = self._begin(self._path)
        moment = str(self._rng.choice(list(SHARES), p=list(SHARES.values())))
        if moment == "at the start":
            self._sleep(process, self._rng.uniform(0, self._starting))
        elif moment == "at any time":
            self._wait_for(process, self._path)
            self._sleep(process, self._rng.uniform(0, self._training))
        else:
            for _ in range(self._rng.integers(1, 6)):
                self._wait_for(process, self._path)
            time.sleep(self._rng.uniform(0, 0.01))
        process.kill()
        if process.wait() >= 0:  # it was quicker
            self._ended(process)
            return
        self.tally.moments[moment] += 1
        self._look(process.pid)

    @staticmethod
    def _sleep(process: subprocess.Popen[bytes], seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)

    @staticmethod
    def _wait_for(process: subprocess.Popen[bytes], path: Path) -> None:
        """Wait until the process begins the next write, or ends."""
        partial = partial_of(path, process.pid)
        while partial.exists() and process.poll() is None:
            time.sleep(POLL)
        while not partial.exists() and process.poll() is None:
            time.sleep(POLL)

    def _look(self, pid: int) -> None:
        """Judge what a killed process has left, and clear away its partial file."""
        tally, path = self.tally, self._path
        tally.kills += 1
        left = {each.name for each in path.parent.iterdir()}
        partial = partial_of(path, pid)
        tally.writing += partial.name in left
        if other := left - {path.name, partial.name}:
            tally.faults.append(f"kill {tally.kills}: left {', '.join(sorted(other))}")
        partial.unlink(missing_ok=True)
        if path.name not in left:
            tally.before_first += 1
            return
        try:
            found = self.kind.finish(path)
        except ValueError as error:  # of either model's checkpoints
            tally.faults.append(f"kill {tally.kills}: {error}")
            self._path = self._new()
            return
        tally.loaded += 1
        tally.equal += found == self._expected

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        """Judge a run that came to its end, and begin another."""
        self.tally.ends += 1
        if process.returncode:
            self.tally.faults.append(f"a run ended with status {process.returncode}")
        elif self.kind.finish(self._path) == self._expected:
            self.tally.ends_equal += 1
        self._path = self._new()


def campaign(name: str, kills: int, seed: int) -> Tally:
    """Kill `kills` processes of one of `KINDS`."""
    with TemporaryDirectory() as folder:
        rng = np.random.default_rng([seed, *name.encode()])
        return Campaign(KINDS[name], rng, Path(folder)).run(kills)


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
