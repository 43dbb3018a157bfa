"""A network that learns, predicts, shows and saves itself, in whichever engine."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from spikeloom import checkpoint as checkpoints
from spikeloom import outputs, progress
from spikeloom.checkpoint import Checkpoint
from spikeloom.engines.engine import Engine, Kind, first_states, make_engine
from spikeloom.errors import naming_extras
from spikeloom.golden import initial, samples
from spikeloom.golden.datasets import Part
from spikeloom.golden.network import Network as Golden
from spikeloom.golden.samples import SampleError
from spikeloom.golden.spec import network as configurations
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.hdl.hardware import DEFAULT
from spikeloom.history import History
from spikeloom.progress import Callback, Progress
from spikeloom.run import Run
from spikeloom.session import Session
from spikeloom.trace import Trace
from spikeloom.training import Evaluation

if TYPE_CHECKING:
    from spikeloom.report.page import Page

Images = Part | np.ndarray
"""Images: a part of a data set, or uint8[n, pixels] or [n, rows, columns]."""


class Network:
    """A network in an engine: golden, its RTL simulated, or a board; all have the same bits.

    It has the manners of scikit-learn's classifiers with two differences: `fit` returns the
    `History`, and a second `fit` goes on where the first one stopped. Images are whole numbers from
    0 (background) to 255; they and their labels come as two arrays, or together as a part of a data
    set. What would have to be scaled, cut or guessed is refused.

    Parameters
    ----------
    config : the network, or what `spikeloom.load` takes.
    seed : of the run: initial weights, order of samples, spikes; the configuration's where left
        out.
    engine : "golden", "rtl" or "board", or an engine made already.
    options : of an engine that is made here. `show`: whether bars are drawn and stages of a build
        told, where a terminal or a notebook shows them. The others are those of
        `engines.engine.make_engine`: `port` and `baud` of a board; `hardware`, `trace` (which
        waveforms need) and `log` of RTL.

    A board, or a simulation, is held until `close`, or the end of a ``with`` block.

    Attributes
    ----------
    ran : int32[n], the steps that each image ran which was inferred last.
    """

    def __init__(
        self,
        config: NetworkConfig | str | Path,
        *,
        seed: int | None = None,
        engine: str | Engine = "golden",
        **options: Any,
    ) -> None:
        if not isinstance(config, NetworkConfig):
            config = configurations.load(config)
        seed = config.random.seed if seed is None else config.with_seed(seed).random.seed
        begun = Checkpoint(
            config=config,
            run=Run(seed),
            weights=initial.weights(machine(config), seed),
            stream_states=first_states(config, seed),
        )
        self._begin(begun, engine, **options)

    @classmethod
    def load(
        cls, file: str | Path | Checkpoint, *, engine: str | Engine = "golden", **options: Any
    ) -> Self:
        """Return the network that a file holds, in any engine; `CheckpointError` says why not."""
        kept = file if isinstance(file, Checkpoint) else checkpoints.load(file)
        made = cls.__new__(cls)
        made._begin(kept, engine, **options)
        return made

    def _begin(
        self, begun: Checkpoint, engine: str | Engine, *, show: bool = True, **options: Any
    ) -> None:
        if isinstance(engine, str):
            log = options.pop("log", None) or (progress.say if show else None)
            engine = make_engine(engine, begun.config, log=log, **options)
        self.config = begun.config
        self._session = Session(engine, begun)
        self._show = show
        self._tested: Part | None = None
        self.ran = np.zeros(0, np.int32)

    # What it is

    @property
    def machine(self) -> Machine:
        """The integers of the description."""
        return self._session.machine

    @property
    def engine(self) -> Engine:
        """The engine, whose `name` is "golden", "rtl" or "board"."""
        return self._session.engine

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self._session.run.seed

    @property
    def run(self) -> Run:
        """Where training stands, a copy."""
        return copy.deepcopy(self._session.run)

    @property
    def history(self) -> History:
        """What training came to, all calls of `fit` together."""
        session = self._session
        return History(self.config, self.run, session.images_per_second, session.mean_steps)

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights, int16[n_pre, n_post] per crossbar, read-only; assign a list to set all.

        Where one of those assigned does not fit, none is set.
        """
        found = [w.copy() for w in self.checkpoint().weights]
        for each in found:
            each.flags.writeable = False
        return found

    @weights.setter
    def weights(self, weights: Sequence[np.ndarray]) -> None:
        self._session.load_weights(samples.checked_weights(self.machine, list(weights)))

    def counters(self, kind: Kind = "train") -> dict[str, int]:
        """Return what the engine counted so far over samples trained, or inferred ("infer").

        `samples`, `ran` (their steps), and of trained ones `spikes.L`, `positive.L` and
        `negative.L` (error spikes); an engine with clocks adds `cycles` and `writes.L`, and spikes
        of inferred samples.
        """
        return self.engine.counters(kind)

    # Learning

    def fit(
        self,
        X: Images,
        y: np.ndarray | None = None,
        *,
        epochs: int = 1,
        validation: Part | tuple[np.ndarray, np.ndarray] | None = None,
        callback: Callback | Sequence[Callback] = (),
        save: str | Path | None = None,
    ) -> History:
        """Train for some epochs more, and return the history of all training so far.

        Parameters
        ----------
        X, y : images and labels to train on, or a part of a data set.
        epochs : how many more. One that was broken off is finished first and counts as one; so a
            run in pieces has the bits of one in a piece.
        validation : images and labels for the learning curve, never trained on.
        callback : told of the `Progress`, or several of them; what it raises ends training.
        save : a file that is written every minute, before every epoch, and at the end, whatever it
            is:
            Ctrl-C and SIGTERM end training at a whole sample; of an engine that is lost, what it
            had done is trained again in golden, which has the same bits.

        Raises
        ------
        SampleError : images or labels that do not fit the network.
        TrainingError : nothing to train on; other data in the middle of an epoch.
        OutputError : `save` cannot be written, which is tried before the work.
        """
        train = self._part(X, y, "X and y")
        held = None if validation is None else self._part(*_pair(validation), "validation")
        path = None if save is None else Path(save)
        if path is not None:
            outputs.file(path)
        with progress.bar(self._show) as draw:
            self._session.fit(train, held, epochs, _all(draw, callback), path)
        return self.history

    # What it has learned

    def counts(
        self,
        X: Images,
        *,
        margin: int | None = None,
        steps: int | None = None,
        callback: Callback | Sequence[Callback] = (),
    ) -> np.ndarray:
        """Return counted output spikes of images, int32[n, classes]; `ran` has their steps.

        margin : end an image once its best class leads the second by so many spikes; 0: never.
        steps : end it after so many in any case. Left out, both are the configuration's.
        callback : see `fit`.
        """
        images = samples.checked_images(self.machine, X.images if isinstance(X, Part) else X)
        steps, stop = self._cut(steps, margin)
        with progress.bar(self._show) as draw:
            counts, self.ran = self._session.infer_all(images, steps, stop, _all(draw, callback))
        return counts

    def _cut(
        self, steps: int | None, margin: int | None, kind: Kind = "infer"
    ) -> tuple[int, StopConfig]:
        """Return the steps of a sample and what ends it sooner, checked."""
        config = self.config
        stop = config.stop if margin is None else replace(config.stop, **{kind: margin})
        steps = config.steps if steps is None else steps
        return samples.checked_steps(self.machine, steps), samples.checked_stop(self.machine, stop)

    def predict(
        self, X: Images, *, margin: int | None = None, steps: int | None = None
    ) -> np.ndarray:
        """Return the class of each image, that of most spikes, the lowest at a tie: int64[n]."""
        return self.counts(X, margin=margin, steps=steps).argmax(axis=1)

    def evaluate(
        self,
        X: Images,
        y: np.ndarray | None = None,
        *,
        margin: int | None = None,
        steps: int | None = None,
        callback: Callback | Sequence[Callback] = (),
    ) -> Evaluation:
        """Return the counts of images beside their labels, and their steps; see `counts`."""
        self._tested = part = self._part(X, y, "X and y")
        counts = self.counts(part, margin=margin, steps=steps, callback=callback)
        return Evaluation(counts, part.labels, self.ran)

    def score(
        self,
        X: Images,
        y: np.ndarray | None = None,
        *,
        margin: int | None = None,
        steps: int | None = None,
    ) -> float:
        """Return the fraction of images whose class is their label, 0 to 1; see `counts`."""
        accuracy = self.evaluate(X, y, margin=margin, steps=steps).accuracy
        if accuracy is None:
            raise SampleError("X and y: 0 images have no score, give 1 or more")
        return accuracy

    def trace(
        self,
        image: np.ndarray,
        label: int | None = None,
        *,
        margin: int | None = None,
        steps: int | None = None,
    ) -> Trace:
        """Record one sample in golden, with this network's weights; the network stays as it is.

        image : uint8[pixels] or [rows, columns]. label : train on it as this class, which shows the
        errors; without it the sample is inferred. margin, steps : see `counts`; one that is trained
        ends once its label leads every other class by the margin.
        """
        state, built = self.checkpoint(), self.machine
        golden = Golden(built)
        golden.weights, golden.stream_states = state.weights, state.stream_states
        golden.set_updates(built.updates(state.run.epoch))
        golden.steps, golden.stop = self._cut(steps, margin, "infer" if label is None else "train")
        image = samples.checked_images(built, np.asarray(image)[np.newaxis])[0]
        spikes, errors = golden.raster(image, label or 0, int(label is not None))
        return Trace(built.config, image.reshape(built.config.image), label, spikes, errors)

    @naming_extras()
    def report(
        self,
        folder: str | Path,
        *,
        train: Part | None = None,
        test: Part | None = None,
        tested: Evaluation | None = None,
        **told: Any,
    ) -> Page:
        """Write a report with pictures into a folder; a notebook shows what is returned.

        train : what was trained on, that of the last `fit` where left out. test : what is tested,
        that of the last `score` or `evaluate` where left out. tested : what came of that, where it
        is known. told : what else the report is to say, see `report.collect`.
        """
        # matplotlib costs a second to import, which runs without a report should not wait for.
        from spikeloom.report import collect, write

        train = self._session.fitted if train is None else train
        test = self._tested if test is None else test
        if train is None:
            raise SampleError("this network has trained on nothing here: give report(train=...)")
        test = train[:0] if test is None else test
        folder = outputs.folder(folder)
        tested = self.evaluate(test) if tested is None else tested
        given = {
            "engine": self.engine.name,
            "images_per_second": self._session.images_per_second,
            "command": f"spikeloom.Network({self.config.name!r}, seed={self.seed}).fit(...)",
            "counters": self.counters(),
            "held": self._session.held,
            "hardware": getattr(self.engine, "hardware", DEFAULT),  # of a board nobody knows it
        }
        found = collect(self.config, self.run, self.weights, train, test, tested, **given | told)
        return write(folder, found)

    # Keeping it

    def checkpoint(self) -> Checkpoint:
        """Return all that the run needs to go on, in this engine or another."""
        return self._session.checkpoint()

    def save(self, path: str | Path) -> None:
        """Write everything that the run needs to go on; `load` takes it in any engine."""
        checkpoints.save(outputs.file(path), self.checkpoint())

    def lend(self) -> AbstractContextManager[Engine]:
        """Give the engine away for the block; afterwards it is put back, its counters at 0."""
        return self._session.lend()

    def close(self) -> None:
        """Give back what the engine holds; afterwards the network can be saved, and no more."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        config, run = self.config, self._session.run
        return (
            f"<Network {config.name} in {self.engine.name}: "
            f"{'-'.join(map(str, config.sizes))}, {config.weight_count:,} weights, "
            f"seed {run.seed}, {run.epoch} epoch{'s' * (run.epoch != 1)} done>"
        )

    def _part(self, X: Images, y: np.ndarray | None, name: str) -> Part:
        """Return images and labels, checked: uint8[n, rows, cols] and uint8[n] or uint16[n]."""
        told = {"name": name}
        if isinstance(X, Part):
            told = {"name": X.name, "source": X.source}
            X, y = X
        if y is None:
            raise SampleError(f"{name}: images without labels, give both or a part of a data set")
        images = samples.checked_images(self.machine, X)
        labels = samples.checked_labels(self.machine, y, len(images))
        small = np.uint8 if self.config.sizes[-1] <= 256 else np.uint16
        return Part(images.reshape(-1, *self.config.image), labels.astype(small), **told)


def _all(first: Callback, others: Callback | Sequence[Callback]) -> Callback:
    """Return a callback that calls all of them in turn."""
    callbacks = [others] if callable(others) else others
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise SampleError(
            f"callback = {others!r}: give a function of a Progress, or a list of them"
        )

    def tell(told: Progress) -> None:
        for each in (first, *callbacks):
            each(told)

    return tell


def _pair(validation: Part | tuple[np.ndarray, np.ndarray]) -> tuple[Images, np.ndarray | None]:
    if isinstance(validation, Part):
        return validation, None
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise SampleError(
            f"validation is a {type(validation).__name__}: give a part of a data set, or images "
            "and labels as a pair (X, y)"
        )
    return validation[0], validation[1]
