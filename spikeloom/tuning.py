"""Tuning: random search with successive halving, in golden, judged on held-out training images.

Every trial is a network with settings drawn at random. On the first rung all of them train for few
epochs; the best third goes on to the next rung and trains anew for more, up to the last. A rung's
epochs have the whole learning schedule, pressed together: a step that never falls ranks badly.

Test images are never loaded. A folder keeps a file per trial, so a search that was stopped goes on.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikeloom import outputs
from spikeloom.errors import naming_extras
from spikeloom.golden.files import replacing
from spikeloom.golden.spec import network as configurations
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.network import Network
from spikeloom.search import Ends, Search, TuneError, default_keys, spans
from spikeloom.workers import workers as working

if TYPE_CHECKING:
    from spikeloom.report.drawing import Picture

KEPT = 3
"""Of so many trials one goes on to the next rung."""

HELD_OUT = 10_000
"""Images to judge by: with fewer, chance decides between good settings."""


@dataclass(frozen=True)
class Rung:
    """What a trial came to: held-out accuracy 0 to 1, and means of steps per image."""

    epochs: int
    accuracy: float
    train_steps: float
    infer_steps: float
    images_per_second: float


@dataclass(frozen=True)
class Trial:
    """Settings by key, and what came of each rung that they have reached."""

    number: int
    settings: dict[str, float]
    rungs: list[Rung] = field(default_factory=list)


@dataclass(frozen=True, repr=False)
class Tuned:
    """A search that has ended: trials, the best first. price : points that a step costs."""

    search: Search
    trials: list[Trial]
    price: float

    @property
    def best(self) -> NetworkConfig:
        """The network of the best trial."""
        return self.search.config.replace(**self.trials[0].settings)

    def mattered(self) -> dict[str, list[float]]:
        """Return by key and rung the rank correlation (-1 to 1) of its values with the score."""
        return {
            key: [_rank_correlation(*points) for points in self.points(key)]
            for key in self.search.keys
        }

    def points(self, key: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return a key's values and the scores of the trials of each rung."""
        found = []
        for rung in range(len(self.search.rungs)):
            trials = [trial for trial in self.trials if len(trial.rungs) > rung]
            values = np.array([trial.settings[key] for trial in trials])
            found.append((values, np.array([score(t.rungs[rung], self.price) for t in trials])))
        return found

    @naming_extras()
    def plot(self) -> Picture:
        """Draw what mattered: a picture that a notebook shows, and that can be saved."""
        from spikeloom.report.mattered import draw_mattered

        points = {key: self.points(key) for key in self.search.keys}
        log = {key for key, span in self.search.keys.items() if span.log}
        less = f", less {self.price:g} a step" if self.price else ""
        return draw_mattered(points, log, self.search.names, f"held-out accuracy (%){less}")


def score(rung: Rung, price: float) -> float:
    """Return the accuracy in percent, less what the steps of an image cost."""
    return 100 * rung.accuracy - price * (rung.train_steps + rung.infer_steps)


def tune(
    config: NetworkConfig | str | Path,
    folder: str | Path,
    *,
    keys: Mapping[str, Ends] | None = None,
    fixed: Mapping[str, Any] | None = None,
    data: str | Path = "mnist",
    trials: int = 27,
    rungs: Sequence[int] = (2, 4, 10),
    train: int | None = None,
    held_out: int = HELD_OUT,
    seed: int = 1,
    price: float = 0.0,
    workers: int = 0,
    callback: Callable[[str], None] = lambda line: None,
) -> Tuned:
    """Search for settings of a network that learn well; they are judged on held-out images only.

    Parameters
    ----------
    folder : keeps every trial; the same call goes on with what is in it.
    keys : by key, as in `NetworkConfig.replace`, ``(low, high)`` or ``(low, high, "log")``;
        `default_keys` where left out. fixed : values of other keys.
    data : see `datasets.load`. train, held_out : how many of its training images are trained on,
        and kept back at their end to judge by.
    trials : on the first rung. rungs : epochs of each, rising.
    price : percentage points that a step per image costs, trained and inferred.
    workers : processes beside this one, by Dask; 0: this one alone. callback : told each result.

    Raises
    ------
    TuneError, ConfigError : a search that cannot be. DataError : see `datasets.load`.
    """
    if not isinstance(config, NetworkConfig):
        config = configurations.load(config)
    fixed = dict(fixed or {})
    config = config.replace(**fixed)
    if keys is None:
        keys = {key: ends for key, ends in default_keys(config).items() if key not in fixed}
    if both := sorted(keys.keys() & fixed):
        raise TuneError(f"{', '.join(both)}: both fixed and drawn, leave one out")
    rungs = tuple(rungs)
    if not rungs or min(rungs) < 1 or list(rungs) != sorted(set(rungs)):
        raise TuneError(f"rungs {list(rungs)}: give numbers of epochs from 1 on, each more")
    if trials < 1:
        raise TuneError(f"{trials} trials: give 1 or more")
    search = Search(
        config=config,
        keys=spans(config, keys),
        rungs=rungs,
        data=str(data),
        train=train,
        held_out=held_out,
        seed=seed,
    )
    search.images()  # what is wrong with them is told before anything is written
    kept = _Folder(outputs.folder(folder), search)
    running = found = [kept.load(number) for number in range(trials)]
    with working(workers) as side_by_side:
        for rung in range(len(rungs)):
            if rung:
                running = _ranked(running, rung - 1, price)[: math.ceil(len(running) / KEPT)]
            missing = [(search, trial, rung) for trial in running if len(trial.rungs) <= rung]
            done = len(running) - len(missing)
            for (_, trial, _), came in side_by_side(_run, missing):
                trial.rungs.append(came)
                kept.save(trial)
                done += 1
                callback(
                    f"{search.names[rung]}, {done} of {len(running)}: trial {trial.number}, "
                    f"held-out {100 * came.accuracy:.2f} %, {came.train_steps:.1f} steps trained "
                    f"and {came.infer_steps:.1f} inferred"
                )
    for rung in range(len(rungs)):
        found = _ranked(found, rung, price)
    return Tuned(search, found, price)


def _run(job: tuple[Search, Trial, int]) -> Rung:
    """Train a trial for the epochs of a rung, from the start."""
    search, trial, rung = job
    epochs = search.rungs[rung]
    images = search.images()
    network = Network(search.network(trial.settings, epochs), seed=search.seed, show=False)
    network.fit(images.train, epochs=epochs)
    trained, judged = network.counters(), network.evaluate(images.held)
    steps = trained["ran"] / trained["samples"], judged.mean_steps
    return Rung(epochs, judged.accuracy, *steps, network.history.images_per_second)


class _Folder:
    """The trials of one search: each a file that is written whole, after every rung."""

    def __init__(self, path: Path, search: Search) -> None:
        self._path, self._search = path, search
        head, told = path / "search.json", search.told()
        before = self._read(head) or told
        changed = sorted(key for key in told if told[key] != before.get(key))
        if changed:
            raise TuneError(
                f"{path} holds another search, with other {', '.join(changed)}: name another "
                "folder, or give what that one was given"
            )
        self._write(head, told)

    def load(self, number: int) -> Trial:
        """Return a trial as far as it came, maybe nowhere."""
        path = self._file(number)
        found = self._read(path)
        if found is None:
            return Trial(number, self._search.draw(number))
        try:
            return Trial(number, found["settings"], [Rung(**rung) for rung in found["rungs"]])
        except (KeyError, TypeError) as error:
            raise TuneError(f"{path} is no trial ({error!r}): delete it, it is run again") from None

    def save(self, trial: Trial) -> None:
        """Write a trial."""
        self._write(self._file(trial.number), dataclasses.asdict(trial))

    def _file(self, number: int) -> Path:
        return self._path / f"trial-{number:04}.json"

    def _read(self, path: Path) -> Any:
        try:
            return json.loads(path.read_text("utf-8")) if path.exists() else None
        except (OSError, ValueError) as error:
            raise TuneError(f"cannot read {path} ({error}): delete it, it is made again") from None

    def _write(self, path: Path, told: dict[str, Any]) -> None:
        with replacing(path) as file:
            file.write(json.dumps(told, indent=1).encode())


def _ranked(trials: list[Trial], rung: int, price: float) -> list[Trial]:
    """Return those that reached a rung, the best first, then the others as they were."""

    def place(trial: Trial) -> float:
        return -score(trial.rungs[rung], price) if len(trial.rungs) > rung else math.inf

    return sorted(trials, key=place)


def _rank_correlation(values: np.ndarray, scores: np.ndarray) -> float:
    """Return Spearman's: that of the ranks, where equals share theirs; 0 where all are equal."""
    ranks = [_ranks(each) - (len(each) - 1) / 2 for each in (values, scores)]
    spread = math.sqrt(np.prod([np.square(each).sum() for each in ranks]))
    return float(ranks[0] @ ranks[1]) / spread if spread else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[place]
