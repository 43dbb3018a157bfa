"""The training loop: the same bits however often it is stopped, moved or looked at."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from spikeloom import checkpoint, datasets, interrupt, training
from spikeloom.checkpoint import CheckpointError
from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import Engine, GoldenEngine
from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset, Part
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.network import Network
from spikeloom.outputs import OutputError
from spikeloom.progress import Progress
from spikeloom.training import EVALUATIONS, Evaluation, TrainingError
from tests.support.golden_transport import GoldenTransport

TRAIN, HELD = 90, 20


@pytest.fixture(scope="module")
def config() -> NetworkConfig:
    return load("tiny")


@pytest.fixture(scope="module")
def digits(config: NetworkConfig) -> Dataset:
    return datasets.mnist(config, train=TRAIN, test=10, held_out=HELD)


def make(name: str, config: NetworkConfig) -> Engine:
    built = machine(config)
    if name == "golden":
        return GoldenEngine(built)
    return DeviceEngine("rtl", built, GoldenTransport(built))


def state(network: Network) -> list:
    return [*(w.tolist() for w in network.weights), network.checkpoint().stream_states]


@pytest.fixture
def whole(config: NetworkConfig, digits: Dataset, seed: int) -> Network:
    """Two epochs without a break."""
    network = Network(config, seed=seed)
    network.fit(digits.train, epochs=2, validation=digits.held)
    return network


class Interrupting:
    """Sends a signal when so many images have been presented."""

    def __init__(self, after: int, number: int = signal.SIGINT) -> None:
        self.after, self.number = after, number

    def __call__(self, progress: Progress) -> None:
        if progress.done >= self.after:
            os.kill(os.getpid(), self.number)
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
    Network(config, seed=seed, engine=spy).fit(digits.train, epochs=2)
    order = [k for epoch in (0, 1) for k in initial.order(seed, epoch, TRAIN)]
    flat = digits.train.images[order].reshape(2 * TRAIN, -1)
    np.testing.assert_array_equal(np.stack(spy.trained).reshape(2 * TRAIN, -1), flat)


def test_every_epoch_has_its_own_updates(config: NetworkConfig, digits: Dataset):
    spy = Spy(config)
    Network(config, engine=spy).fit(digits.train, epochs=6)
    seen = list(dict.fromkeys(spy.updates))
    assert seen == list(dict.fromkeys(machine(config).updates(epoch) for epoch in range(6)))
    assert len(seen) > 1


def test_accuracy_is_shown_of_held_out_images_alone(config: NetworkConfig, digits: Dataset):
    spy, shown = Spy(config), []
    network = Network(config, engine=spy)
    network.fit(digits.train, validation=digits.held, callback=shown.append)
    assert {image.tobytes() for image in spy.inferred} == {
        image.tobytes() for image in digits.held.images
    }
    assert {p.point.images for p in shown} == {HELD}
    trained = {image.tobytes() for image in spy.trained}
    assert trained.isdisjoint({image.tobytes() for image in digits.held.images})


def test_a_point_of_the_curve_is_the_accuracy_at_that_time(
    config: NetworkConfig, digits: Dataset, seed: int
):
    network = Network(config, seed=seed)
    history = network.fit(digits.train, validation=digits.held)
    assert [p.presentations for p in history.curve] == [
        min(TRAIN, k * -(-TRAIN // EVALUATIONS)) for k in range(EVALUATIONS + 1)
    ]
    found = network.evaluate(digits.held)
    assert history.curve[-1].right == found.right
    assert history.accuracy == found.accuracy == network.score(digits.held)


def test_looking_changes_no_bit(config: NetworkConfig, digits: Dataset, whole: Network):
    for nothing in (None, digits.held[:0]):
        blind = Network(config, seed=whole.seed)
        assert blind.fit(digits.train, epochs=2, validation=nothing).curve == []
        assert state(blind) == state(whole)


@pytest.mark.parametrize(("first", "second"), [("golden", "device"), ("device", "golden")])
@pytest.mark.parametrize("after", [1, 37, TRAIN, TRAIN + 50])
def test_a_run_stopped_and_gone_on_with_elsewhere_equals_one_without_a_break(
    config: NetworkConfig,
    digits: Dataset,
    whole: Network,
    tmp_path: Path,
    first: str,
    second: str,
    after: int,
):
    path = tmp_path / "run.npz"
    stopped = Network(config, seed=whole.seed, engine=make(first, config))
    signalled = Interrupting(after, signal.SIGINT if first == "golden" else signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(digits.train, epochs=2, validation=digits.held, callback=signalled, save=path)
    assert after <= stopped.run.presentations < 2 * TRAIN
    went_on = Network.load(path, engine=make(second, config))
    assert went_on.run == stopped.run
    went_on.fit(digits.train, epochs=2 - went_on.run.epoch, validation=digits.held)
    assert state(went_on) == state(whole)
    assert went_on.run == whole.run


def test_stopped_while_looking_the_point_is_made_up_for(
    config: NetworkConfig, digits: Dataset, whole: Network, monkeypatch: pytest.MonkeyPatch
):
    engine = make("golden", config)
    stopped = Network(config, seed=whole.seed, engine=engine)
    infer = engine.infer

    def infer_and_interrupt(images: np.ndarray) -> np.ndarray:
        if stopped.run.presentations == 36:
            os.kill(os.getpid(), signal.SIGINT)
        return infer(images)

    monkeypatch.setattr(engine, "infer", infer_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(digits.train, validation=digits.held)
    assert stopped.run.presentations == 36
    assert stopped.run.curve[-1].presentations < 36
    monkeypatch.undo()
    stopped.fit(digits.train, epochs=2, validation=digits.held)
    assert stopped.run == whole.run
    assert state(stopped) == state(whole)


def test_a_second_ctrl_c_later_within_a_chunk_costs_no_whole_sample(
    config: NetworkConfig,
    digits: Dataset,
    whole: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """What the engine holds then is unknown: golden trains the same samples again."""
    path, engine = tmp_path / "run.npz", make("device", config)
    network = Network(config, seed=whole.seed, engine=engine)
    train = engine.train

    def train_and_interrupt(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        counts = train(images, labels)
        if network.run.presentations >= TRAIN + 12:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return counts

    monkeypatch.setattr(interrupt, "AGAIN", -1.0)
    monkeypatch.setattr(engine, "train", train_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        network.fit(digits.train, epochs=2, validation=digits.held, save=path)
    with pytest.raises(TrainingError, match="the engine 'rtl' was lost within a sample: save"):
        network.fit(digits.train)
    kept = Network.load(path)
    assert kept.run.presentations >= TRAIN + 12
    assert kept.run == network.run
    kept.fit(digits.train, validation=digits.held)
    assert state(kept) == state(whole)


def test_a_run_is_kept_between_two_epochs_as_well(
    config: NetworkConfig, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is killed takes no more with it than the last minute."""
    monkeypatch.setattr(training, "KEEP_SECONDS", 0.0)
    path, kept = tmp_path / "run.npz", []

    def look(progress: Progress) -> None:
        if path.exists():
            kept.append(checkpoint.load(path).run.position)

    Network(config).fit(digits.train, callback=look, save=path)
    assert any(0 < position < TRAIN for position in kept)


def test_what_a_callback_raises_ends_training_and_loses_nothing(
    config: NetworkConfig, digits: Dataset, whole: Network, tmp_path: Path
):
    path, network = tmp_path / "run.npz", Network(config, seed=whole.seed)

    def stop_early(progress: Progress) -> None:
        if progress.done >= 40:
            raise StopIteration("good enough")

    with pytest.raises(StopIteration, match="good enough"):
        network.fit(digits.train, validation=digits.held, callback=stop_early, save=path)
    for broken in (network, Network.load(path)):
        assert 40 <= broken.run.presentations < TRAIN
        broken.fit(digits.train, epochs=2, validation=digits.held)
        assert state(broken) == state(whole)


def test_epochs_in_pieces_are_those_in_one_piece(
    config: NetworkConfig, digits: Dataset, whole: Network, tmp_path: Path
):
    path, network = tmp_path / "run.npz", Network(config, seed=whole.seed)
    network.fit(digits.train, validation=digits.held, save=path)
    run = checkpoint.load(path).run
    assert (run.epoch, run.position, run.presentations) == (1, 0, TRAIN)
    assert network.fit(digits.train, epochs=0).run.presentations == TRAIN
    network.fit(digits.train, validation=digits.held)
    assert state(network) == state(whole)


def test_no_hour_is_spent_on_a_run_that_cannot_be_saved(
    config: NetworkConfig, digits: Dataset, tmp_path: Path
):
    spy = Spy(config)
    with pytest.raises(OutputError, match="name a file in it"):
        Network(config, engine=spy).fit(digits.train, save=tmp_path)
    assert spy.trained == []


def test_a_checkpoint_goes_on_with_its_own_data_and_seed_only(
    config: NetworkConfig, digits: Dataset
):
    network = Network(config, seed=5)
    network.fit(digits.train)
    past = network.checkpoint()
    past.check_run(digits.train, 5)
    with pytest.raises(CheckpointError, match="run has seed 5, asked for is 6"):
        past.check_run(digits.train, 6)
    with pytest.raises(CheckpointError, match=r"trained on 90 images .* these are 89"):
        past.check_run(digits.train[:89])
    relabelled = Part(digits.train.images, (digits.train.labels + 1) % 10)
    with pytest.raises(CheckpointError, match=r"fingerprint [0-9a-f]{16}.*these are 90"):
        past.check_run(relabelled)


def test_other_data_begin_an_epoch_of_their_own_only(config: NetworkConfig, digits: Dataset):
    network = Network(config)
    with pytest.raises(KeyboardInterrupt):
        network.fit(digits.train, callback=Interrupting(10))
    done = network.run.position
    with pytest.raises(TrainingError, match=rf"epoch 1 was broken off after {done} of 90 images"):
        network.fit(digits.train[:50])
    network.fit(digits.train)
    assert network.fit(digits.train[:50]).run.presentations == TRAIN + 50


def test_nothing_to_train_on_is_refused(config: NetworkConfig, digits: Dataset):
    with pytest.raises(TrainingError, match="no image to train on"):
        Network(config).fit(digits.train[:0])
    with pytest.raises(TrainingError, match="epochs = -1"):
        Network(config).fit(digits.train, epochs=-1)


def test_the_rate_is_of_training_alone(
    config: NetworkConfig, digits: Dataset, monkeypatch: pytest.MonkeyPatch
):
    now = [0.0]
    monkeypatch.setattr(training.time, "perf_counter", lambda: now[0])

    class Slow(Spy):
        def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
            now[0] += 0.25 * len(images)
            return super().train(images, labels)

        def infer(self, images: np.ndarray) -> np.ndarray:
            now[0] += 100 * len(images)
            return super().infer(images)

    network = Network(config, engine=Slow(config))
    assert network.fit(digits.train, validation=digits.held).images_per_second == 4


def test_a_simulation_glances_at_some_held_out_images_only(
    config: NetworkConfig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(training, "GLANCE", 7)
    data = datasets.mnist(config, train=20, test=0, held_out=30)
    for name, expected in (("device", 7), ("golden", 30)):
        network = Network(config, engine=make(name, config))
        curve = network.fit(data.train, validation=data.held).curve
        assert {p.images for p in curve} == {expected}


def test_an_evaluation_counts_what_is_right_the_lowest_class_at_a_tie():
    labels, ran = np.array([0, 1, 0], np.uint8), np.array([3, 1, 4], np.int32)
    found = Evaluation(np.array([[2, 2, 0], [0, 1, 3], [0, 0, 0]]), labels, ran)
    assert found.predicted.tolist() == [0, 2, 0]
    assert found.accuracy == 2 / 3
    assert Evaluation(np.zeros((0, 3)), labels[:0], ran[:0]).accuracy is None
