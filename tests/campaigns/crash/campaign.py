"""Kills training at random moments, and goes on with what is left.

Every checkpoint on the disk must load, and go on to the bits of the run that nobody disturbed:
here, from the same file, after every kill; and by the command itself, which is killed again and
again until it comes to its end. A run that was killed while it wrote leaves its partial file.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from spikeloom.golden.files import partial_of
from tests.campaigns.crash.kinds import FILE, KINDS, Kind
from tests.paths import ROOT

POLL = 0.001  # s; a write takes several times as long, its way to the disk included
SHARES = {"at the start": 0.1, "at any time": 0.5, "at a write": 0.4}
"""How often each kind of moment is drawn."""


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
