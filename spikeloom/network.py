"""A network that learns, predicts, shows and saves itself, in whichever engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from spikeloom import checkpoint as checkpoints
from spikeloom import outputs, progress, training
from spikeloom.checkpoint import Checkpoint
from spikeloom.engines.engine import Engine, Guarded, Kind, first_states, make_engine, restore
from spikeloom.errors import SpikeloomError
from spikeloom.golden import initial
from spikeloom.golden.datasets import Part
from spikeloom.golden.network import Network as Golden
from spikeloom.golden.samples import (
    SampleError,
    checked_images,
    checked_labels,
    checked_steps,
    checked_weights,
)
from spikeloom.golden.spec import network as configurations
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.history import History
from spikeloom.progress import Callback, Progress
from spikeloom.run import Run
from spikeloom.trace import Trace
from spikeloom.training import Evaluation, Trainer, TrainingError

Images = Part | np.ndarray
"""Images: a part of a data set, or uint8[n, pixels] or [n, rows, columns]."""


class Network:
    """A network in an engine: golden, its RTL simulated, or a board; all have the same bits.

    It has the manners of scikit-learn's classifiers with two differences: `fit` returns the
    `History`, and a second `fit` goes on where the first one stopped. Images are whole numbers from
    0 (background) to 255; they and their labels come as two arrays, or together as a part of a data
    set. What another format would have to be guessed of is refused.

    Parameters
    ----------
    config : the network, or what `spikeloom.load` takes.
    seed : of the run: initial weights, order of samples, spikes; the configuration's where left
        out.
    engine : "golden", "rtl" or "board", or an engine made already.
    port, baud : of a board, see `engines.board.BoardEngine`.
    trace : whether the RTL can write waveforms (slower).
    show : draw bars, where a terminal or a notebook shows them.
    log : told the stages of a build; without it they are printed where `show` draws bars.

    A board, or a simulation, is held until `close`, or the end of a ``with`` block.
    """

    def __init__(
        self,
        config: NetworkConfig | str | Path,
        *,
        seed: int | None = None,
        engine: str | Engine = "golden",
        port: str | None = None,
        baud: int | None = None,
        trace: bool = False,
        log: Callable[[str], None] | None = None,
        show: bool = True,
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
        self._open(begun, engine, port=port, baud=baud, trace=trace, log=log, show=show)

    @classmethod
    def load(
        cls,
        file: str | Path | Checkpoint,
        *,
        engine: str | Engine = "golden",
        port: str | None = None,
        baud: int | None = None,
        trace: bool = False,
        log: Callable[[str], None] | None = None,
        show: bool = True,
    ) -> Self:
        """Return the network that a file holds, in any engine; `CheckpointError` says why not."""
        made = cls.__new__(cls)
        kept = file if isinstance(file, Checkpoint) else checkpoints.load(file)
        made._open(kept, engine, port=port, baud=baud, trace=trace, log=log, show=show)
        return made

    def _open(self, begun: Checkpoint, engine: str | Engine, *, show: bool, **options: Any) -> None:
        """Take an engine and put it into a state, for which the weights travel once."""
        if isinstance(engine, str):
            options["log"] = options["log"] or (progress.say if show else None)
            engine = make_engine(engine, begun.config, **options)
        self._engine = Guarded(engine)
        self._show = show
        self._run = begun.run
        self._rate = 0.0
        # The state that is known without the engine: it is asked for the weights no oftener than
        # they change, and what it loses is trained again from here.
        self._kept = dataclasses.replace(begun, run=dataclasses.replace(begun.run))
        self._fitted: Part | None = None
        restore(engine, begun.weights, begun.stream_states)

    # What it is

    @property
    def config(self) -> NetworkConfig:
        """The network's description."""
        return self._kept.config

    @property
    def machine(self) -> Machine:
        """The integers of the description."""
        return self._engine.machine

    @property
    def engine(self) -> Engine:
        """The engine, whose `name` is "golden", "rtl" or "board"."""
        return self._engine.engine

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self._run.seed

    @property
    def run(self) -> Run:
        """Where training stands, a copy."""
        return dataclasses.replace(self._run, curve=list(self._run.curve))

    @property
    def history(self) -> History:
        """What training came to, all calls of `fit` together."""
        run = self._run
        return History(
            self.config.name,
            run.seed,
            run.epoch,
            run.presentations,
            tuple(run.curve),
            self._rate,
        )

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
        checked = checked_weights(self.machine, list(weights))
        before = self.checkpoint()
        self._alive()
        with self._engine.whole():
            self._engine.engine.weights = checked
        self._keep(dataclasses.replace(before, weights=checked))

    def counters(self, kind: Kind = "train") -> dict[str, int]:
        """Return what the engine counted so far over samples trained, or inferred ("infer").

        `samples`, and of trained ones `spikes.L`, `positive.L` and `negative.L` (error spikes); an
        engine with clocks adds `cycles` and `writes.L`, and spikes of inferred samples.
        """
        return self._engine.counters(kind)

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
        self._alive()

        def keep() -> None:
            self._keep(self.checkpoint())
            if path is not None:
                checkpoints.save(path, self._kept)

        with progress.bar(self._show) as draw:
            trainer = Trainer(
                self._engine,
                self._run,
                train,
                held,
                epochs=epochs,
                progress=_all(draw, callback),
                keep=keep,
            )
            self._fitted = train
            try:
                trainer.fit()
            except BaseException:
                if path is not None:
                    with suppress(
                        SpikeloomError
                    ):  # an engine that has gone shows at the latest now
                        self.checkpoint()
                    self.save(path)
                raise
            finally:
                self._rate = trainer.images_per_second
        return self.history

    def _keep(self, state: Checkpoint) -> None:
        self._kept = dataclasses.replace(state, run=self.run)

    # What it has learned

    def counts(
        self,
        X: Images,
        *,
        steps: int | None = None,
        callback: Callback | Sequence[Callback] = (),
    ) -> np.ndarray:
        """Return counted output spikes of images: int32[n, classes].

        steps : stop every sample after so many of the configuration's. callback : see `fit`.
        """
        images = checked_images(self.machine, X.images if isinstance(X, Part) else X)
        self._alive()
        with self._cut(steps), progress.bar(self._show) as draw:
            return training.infer(self._engine, images, _all(draw, callback))

    def predict(self, X: Images, *, steps: int | None = None) -> np.ndarray:
        """Return the class of each image, that of most spikes, the lowest at a tie: int64[n]."""
        return self.counts(X, steps=steps).argmax(axis=1)

    def evaluate(
        self,
        X: Images,
        y: np.ndarray | None = None,
        *,
        steps: int | None = None,
        callback: Callback | Sequence[Callback] = (),
    ) -> Evaluation:
        """Return the counts of images beside their labels; see `counts`."""
        part = self._part(X, y, "X and y")
        return Evaluation(self.counts(part, steps=steps, callback=callback), part.labels)

    def score(self, X: Images, y: np.ndarray | None = None, *, steps: int | None = None) -> float:
        """Return the fraction of images whose class is their label, 0 to 1; nan of no images."""
        accuracy = self.evaluate(X, y, steps=steps).accuracy
        return float("nan") if accuracy is None else accuracy

    def trace(
        self, image: np.ndarray, label: int | None = None, *, steps: int | None = None
    ) -> Trace:
        """Record one sample in golden, with this network's weights; the network stays as it is.

        image : uint8[pixels] or [rows, columns]. label : train on it as this class, which shows the
        errors; without it the sample is inferred. steps : see `counts`.
        """
        state, built = self.checkpoint(), self.machine
        golden = Golden(built)
        golden.weights, golden.stream_states = state.weights, state.stream_states
        golden.set_updates(built.updates(state.run.epoch))
        golden.steps = built.config.steps if steps is None else steps
        image = checked_images(built, np.asarray(image)[np.newaxis])[0]
        spikes, errors = golden.raster(image, label or 0, int(label is not None))
        first = np.cumsum(built.config.sizes)[:-1]
        return Trace(
            image.reshape(built.config.image),
            label,
            *(tuple(np.split(found, first, axis=1)) for found in (spikes, errors)),
        )

    def _part(self, X: Images, y: np.ndarray | None, name: str) -> Part:
        """Return images and labels, checked: uint8[n, rows, cols] and uint8[n] or uint16[n]."""
        told = {"name": name}
        if isinstance(X, Part):
            told = {"name": X.name, "source": X.source}
            X, y = X
        if y is None:
            raise SampleError(f"{name}: images without labels, give both or a part of a data set")
        images = checked_images(self.machine, X)
        labels = checked_labels(self.machine, y, len(images))
        small = np.uint8 if self.config.sizes[-1] <= 256 else np.uint16
        return Part(images.reshape(-1, *self.config.image), labels.astype(small), **told)

    @contextmanager
    def _cut(self, steps: int | None) -> Iterator[None]:
        """Run no more than so many steps within the block."""
        engine = self._engine.engine
        if steps is None:
            yield
            return
        engine.steps = checked_steps(self.machine, steps)
        try:
            yield
        finally:
            if not self._engine.lost:
                engine.steps = self.config.steps

    def _alive(self) -> None:
        if self._engine.lost:
            raise TrainingError(
                f"the engine {self._engine.name!r} was lost within a sample: save this network, "
                "which has all that was done before, and load it again"
            )

    # Keeping it

    def checkpoint(self) -> Checkpoint:
        """Return all that the run needs to go on, in this engine or another."""
        stale = self._run.presentations != self._kept.run.presentations
        if stale and not self._engine.lost:
            with self._engine.whole():
                weights, states = self._engine.weights, self._engine.stream_states
            self._keep(dataclasses.replace(self._kept, weights=weights, stream_states=states))
        elif stale:
            self._keep(training.replay(self._kept, self.run, self._fitted))
        return dataclasses.replace(self._kept, run=self.run)

    def save(self, path: str | Path) -> None:
        """Write everything that the run needs to go on; `load` takes it in any engine."""
        checkpoints.save(path, self.checkpoint())

    def close(self) -> None:
        """Give back what the engine holds; the network is of no use afterwards."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        config, run = self.config, self._run
        plural = "s" * (run.epoch != 1)
        return (
            f"<Network {config.name} in {self._engine.name}: "
            f"{'-'.join(map(str, config.sizes))}, {config.weight_count:,} weights, "
            f"seed {run.seed}, {run.epoch} epoch{plural} done>"
        )


def _all(first: Callback, others: Callback | Sequence[Callback]) -> Callback:
    """Return a callback that calls all of them in turn."""
    callbacks = [first, others] if callable(others) else [first, *others]

    def tell(told: Progress) -> None:
        for each in callbacks:
            each(told)

    return tell


def _pair(validation: Part | tuple[np.ndarray, np.ndarray]) -> tuple[Images, np.ndarray | None]:
    return (validation, None) if isinstance(validation, Part) else validation
