"""The training loop: the same bits however often it is stopped, moved or looked at."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from spikeloom import checkpoint, interrupt
from spikeloom import data as network_data
from spikeloom import training as trainer
from spikeloom.checkpoint import CheckpointError
from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import Engine, GoldenEngine
from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.outputs import OutputError
from spikeloom.training import EVALUATIONS, Evaluation, Progress, Trainer, evaluate
from tests.support.golden_transport import GoldenTransport

TRAIN, HELD = 90, 20


@pytest.fixture(scope="module")
def config() -> NetworkConfig:
    return load("tiny")


@pytest.fixture(scope="module")
def digits(config: NetworkConfig) -> Dataset:
    return network_data.load(config, train=TRAIN, test=10, held_out=HELD)


def make(name: str, config: NetworkConfig) -> Engine:
    built = machine(config)
    if name == "golden":
        return GoldenEngine(built)
    return DeviceEngine("rtl", built, GoldenTransport(built))


def state(engine: Engine) -> list:
    return [*(w.tolist() for w in engine.weights), engine.stream_states]


class Interrupting:
    """Presses Ctrl-C when so many images have been presented."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, progress: Progress) -> None:
        if progress.presentations >= self.after:
            os.kill(os.getpid(), signal.SIGINT)
            self.after = 1 << 60


class Spy(GoldenEngine):
    """Remembers what it is asked."""

    def __init__(self, config: NetworkConfig) -> None:
        self.trained: list[np.ndarray] = []
        self.inferred: list[np.ndarray] = []
        self.updates: list[tuple] = []
        super().__init__(machine(config))

    def set_updates(self, updates: tuple) -> None:
        self.updates.append(updates)
        super().set_updates(updates)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        self.trained.extend(images)
        return super().train(images, labels)

    def infer(self, images: np.ndarray) -> np.ndarray:
        self.inferred.extend(images)
        return super().infer(images)


def test_epochs_present_every_image_once_in_the_order_of_the_seed(
    config: NetworkConfig, digits: Dataset, seed: int
):
    spy = Spy(config)
    Trainer(spy, digits, epochs=2, seed=seed).run()
    order = [k for epoch in (0, 1) for k in initial.order(seed, epoch, TRAIN)]
    np.testing.assert_array_equal(np.stack(spy.trained), digits.train_images[order])


def test_every_epoch_has_its_own_updates(config: NetworkConfig, digits: Dataset):
    spy = Spy(config)
    Trainer(spy, digits, epochs=6).run()
    seen = list(dict.fromkeys(spy.updates))
    assert seen == list(dict.fromkeys(machine(config).updates(epoch) for epoch in range(6)))
    assert len(seen) > 1


def test_accuracy_is_shown_of_held_out_images_alone(config: NetworkConfig, digits: Dataset):
    spy, shown = Spy(config), []
    run = Trainer(spy, digits, epochs=1)
    run.run(shown.append)
    assert {image.tobytes() for image in spy.inferred} == {
        image.tobytes() for image in digits.held_images
    }
    assert {p.point.images for p in shown} == {HELD}
    trained = {image.tobytes() for image in spy.trained}
    assert trained.isdisjoint({image.tobytes() for image in digits.held_images})


def test_a_point_of_the_curve_is_the_accuracy_at_that_time(
    config: NetworkConfig, digits: Dataset, seed: int
):
    run = Trainer(make("golden", config), digits, epochs=1, seed=seed)
    run.run()
    assert [p.presentations for p in run.curve] == [
        min(TRAIN, k * -(-TRAIN // EVALUATIONS)) for k in range(EVALUATIONS + 1)
    ]
    found = evaluate(run.engine, digits.held_images, digits.held_labels)
    assert run.curve[-1].right == found.right
    assert run.curve[-1].accuracy == found.accuracy


def test_looking_changes_no_bit(config: NetworkConfig, digits: Dataset, seed: int):
    blind = dataclasses.replace(
        digits, held_images=digits.held_images[:0], held_labels=digits.held_labels[:0]
    )
    states = []
    for data in (digits, blind):
        run = Trainer(make("golden", config), data, epochs=1, seed=seed)
        run.run()
        states.append(state(run.engine))
    assert run.curve == []
    assert states[0] == states[1]


@pytest.mark.parametrize(("first", "second"), [("golden", "device"), ("device", "golden")])
@pytest.mark.parametrize("after", [1, 37, TRAIN, TRAIN + 50])
def test_a_run_stopped_and_gone_on_with_elsewhere_equals_one_without_a_break(
    config: NetworkConfig,
    digits: Dataset,
    seed: int,
    tmp_path: Path,
    first: str,
    second: str,
    after: int,
):
    whole = Trainer(make("golden", config), digits, epochs=2, seed=seed)
    whole.run()
    path = tmp_path / "run.npz"
    stopped = Trainer(make(first, config), digits, epochs=2, seed=seed)
    with pytest.raises(KeyboardInterrupt):
        stopped.run(Interrupting(after), path)
    assert after <= stopped.presentations < 2 * TRAIN
    engine = make(second, config)
    went_on = Trainer(engine, digits, epochs=2, resume=checkpoint.load(path, engine.machine))
    assert went_on.presentations == stopped.presentations
    went_on.run()
    assert state(engine) == state(whole.engine)
    assert went_on.curve == whole.curve
    assert went_on.seed == seed


def test_stopped_while_looking_the_point_is_made_up_for(
    config: NetworkConfig, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = Trainer(make("golden", config), digits, epochs=1)
    whole.run()
    path, engine = tmp_path / "run.npz", make("golden", config)
    stopped = Trainer(engine, digits, epochs=1)
    infer, calls = engine.infer, []

    def infer_and_interrupt(images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        if stopped.presentations == 36:
            os.kill(os.getpid(), signal.SIGINT)
        return infer(images)

    monkeypatch.setattr(engine, "infer", infer_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        stopped.run(save=path)
    assert stopped.presentations == 36
    assert stopped.curve[-1].presentations < 36
    engine = make("golden", config)
    went_on = Trainer(engine, digits, epochs=1, resume=checkpoint.load(path, engine.machine))
    went_on.run()
    assert went_on.curve == whole.curve


def test_a_second_ctrl_c_later_within_a_chunk_saves_nothing_half_done(
    config: NetworkConfig, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, engine = tmp_path / "run.npz", make("golden", config)
    run = Trainer(engine, digits, epochs=1)
    train = engine.train

    def train_and_interrupt(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        counts = train(images, labels)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return counts

    monkeypatch.setattr(interrupt, "AGAIN", -1.0)
    monkeypatch.setattr(engine, "train", train_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.run(save=path)
    assert not run.whole
    assert checkpoint.load(path, engine.machine).position == 0


def test_a_run_is_saved_between_two_epochs_as_well(
    config: NetworkConfig, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A board that is lost later takes no more with it than the last minute."""
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 0.0)
    path, engine = tmp_path / "run.npz", make("golden", config)

    def lose(progress: Progress) -> None:
        if progress.presentations >= 40:
            raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        Trainer(engine, digits, epochs=1).run(lose, path)
    assert 0 < checkpoint.load(path, engine.machine).position <= 40


def test_a_finished_run_is_saved_and_can_be_extended(
    config: NetworkConfig, digits: Dataset, seed: int, tmp_path: Path
):
    path, engine = tmp_path / "run.npz", make("golden", config)
    Trainer(engine, digits, epochs=1, seed=seed).run(save=path)
    past = checkpoint.load(path, engine.machine)
    assert (past.epoch, past.position) == (1, 0)
    finished = Trainer(engine, digits, epochs=1, resume=past)
    assert finished.done
    finished.run()
    assert finished.presentations == TRAIN
    longer = Trainer(engine, digits, epochs=2, resume=past)
    longer.run()
    whole = Trainer(make("golden", config), digits, epochs=2, seed=seed)
    whole.run()
    assert state(longer.engine) == state(whole.engine)


def test_no_hour_is_spent_on_a_run_that_cannot_be_saved(
    config: NetworkConfig, digits: Dataset, tmp_path: Path
):
    spy = Spy(config)
    with pytest.raises(OutputError, match="name a file in it"):
        Trainer(spy, digits, epochs=1).run(save=tmp_path)
    assert spy.trained == []


def test_a_checkpoint_goes_on_with_its_own_data_and_seed_only(
    config: NetworkConfig, digits: Dataset
):
    engine = make("golden", config)
    past = Trainer(engine, digits, epochs=1, seed=5).checkpoint()
    with pytest.raises(CheckpointError, match="run has seed 5, asked for is 6"):
        Trainer(engine, digits, epochs=1, seed=6, resume=past)
    other = network_data.load(config, train=TRAIN + 1, test=0, held_out=0)
    with pytest.raises(CheckpointError, match=r"trained on 90 images .* these are 91"):
        Trainer(engine, other, epochs=1, resume=past)
    relabelled = dataclasses.replace(digits, train_labels=(digits.train_labels + 1) % 10)
    with pytest.raises(CheckpointError, match=r"fingerprint [0-9a-f]{16}.*these are 90"):
        Trainer(engine, relabelled, epochs=1, resume=past)


def test_the_rate_is_of_training_alone(
    config: NetworkConfig, digits: Dataset, monkeypatch: pytest.MonkeyPatch
):
    now = [0.0]
    monkeypatch.setattr(trainer.time, "perf_counter", lambda: now[0])

    class Slow(Spy):
        def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
            now[0] += 0.25 * len(images)
            return super().train(images, labels)

        def infer(self, images: np.ndarray) -> np.ndarray:
            now[0] += 100 * len(images)
            return super().infer(images)

    run = Trainer(Slow(config), digits, epochs=1)
    run.run()
    assert run.images_per_second == 4


def test_a_simulation_glances_at_some_held_out_images_only(
    config: NetworkConfig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trainer, "GLANCE", 7)
    data = network_data.load(config, train=20, test=0, held_out=30)
    for name, expected in (("device", 7), ("golden", 30)):
        run = Trainer(make(name, config), data, epochs=1)
        run.run()
        assert {p.images for p in run.curve} == {expected}


def test_an_evaluation_counts_what_is_right_the_lowest_class_at_a_tie():
    found = Evaluation(np.array([[2, 2, 0], [0, 1, 3], [0, 0, 0]]), np.array([0, 1, 0], np.uint8))
    assert found.predicted.tolist() == [0, 2, 0]
    assert found.accuracy == 2 / 3
    assert Evaluation(np.zeros((0, 3)), np.zeros(0, np.uint8)).accuracy is None
