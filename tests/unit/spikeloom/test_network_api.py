"""The library as a user meets it: one `Network` for all engines, in a script or a notebook."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import spikeloom as sl
from spikeloom.checkpoint import CheckpointError
from spikeloom.engines.device import DeviceEngine, RtlEngine
from spikeloom.engines.engine import GoldenEngine, start
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.samples import SampleError
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.protocol import Opcode
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.sim.compare.networks import ComparisonError
from spikeloom.training import TrainingError
from tests.support.golden_transport import Fault, GoldenTransport

TRAIN, HELD, TEST = 120, 20, 30


@pytest.fixture(scope="module")
def config() -> sl.NetworkConfig:
    return sl.load("tiny")


@pytest.fixture(scope="module")
def data(config: sl.NetworkConfig) -> Dataset:
    return sl.datasets.mnist(config, train=TRAIN, held_out=HELD, test=TEST)


@pytest.fixture
def net(config: sl.NetworkConfig) -> sl.Network:
    return sl.Network(config, seed=1)


def device(config: sl.NetworkConfig, fault: Fault | None = None) -> DeviceEngine:
    built = machine(config)
    return DeviceEngine("rtl", built, GoldenTransport(built, fault))


def test_the_example_of_the_front_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As it is written, but for the smaller network, fewer images, and the bitstream."""
    monkeypatch.chdir(tmp_path)
    config = sl.load("tiny").replace(steps=12, **{"neuron.reset": "zero"})
    data = sl.datasets.mnist(config, held_out=1000)
    net = sl.Network(config, seed=1)
    history = net.fit(data.train[:300], epochs=2, validation=data.held)
    assert 0.1 < net.score(data.test) < 1
    counts, labels = net.counts(data.test.images), net.predict(data.test.images)
    assert (labels == counts.argmax(axis=1)).all()
    trace = net.trace(data.test.images[0])
    assert [layer.shape for layer in trace.spikes] == [(12, 49), (12, 16), (12, 10)]
    assert [layer.shape for layer in trace.errors] == [(12, 49), (12, 16), (12, 10)]
    assert trace.plot()._repr_html_().startswith("<figure")
    assert (net.weights[0].dtype, net.weights[0].shape) == (np.int16, (49, 16))
    net.save("run.npz")
    rtl = sl.Network.load("run.npz", engine="rtl")
    assert sl.compare(net, rtl, data.train[:50]).equal
    assert rtl.score(data.test[:100]) == net.score(data.test[:100])
    rtl.fit(data.train[:300])
    net.fit(data.train[:300])
    assert sl.compare(net, rtl, data.train[:5]).equal
    assert "<iframe" in net.report("out")._repr_html_()
    assert history.plot()._repr_html_().startswith("<figure")
    rtl.close()


# Images and labels


def test_images_come_flat_or_in_rows_and_with_any_whole_numbers(net: sl.Network, data: Dataset):
    X, y = data.train
    expected = net.counts(data.test)
    for images in (data.test.images.reshape(TEST, -1), data.test.images.astype(np.int64)):
        np.testing.assert_array_equal(net.counts(images), expected)
    net.fit(
        X.reshape(TRAIN, -1), y.astype(np.int64), validation=(data.held.images, data.held.labels)
    )
    other = sl.Network("tiny", seed=1)
    other.fit(data.train, validation=data.held)
    assert other.run == net.run
    for mine, theirs in zip(other.weights, net.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_would_have_to_be_guessed_is_refused_and_loses_nothing(net: sl.Network, data: Dataset):
    X, y = data.train
    before = net.weights
    for call in (
        lambda: net.fit(X / 255.0, y),
        lambda: net.predict(X / 255.0),
        lambda: net.fit(X, y[:-1]),
        lambda: net.fit(X, np.full_like(y, 10)),
        lambda: net.fit(X),
        lambda: net.score(X[:, :3], y),
        lambda: net.counts(X, steps=17),
        lambda: net.trace(X[0], 11),
    ):
        with pytest.raises(SampleError):
            call()
    with pytest.raises(SampleError, match="multiply by 255, round"):
        net.predict(X / 255.0)
    with pytest.raises(SampleError, match="X and y: images without labels"):
        net.fit(X)
    assert net.run.presentations == 0
    for mine, theirs in zip(before, net.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    net.fit(data.train)


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        (
            {"validation": np.zeros((3, 7, 7), np.uint8)},
            SampleError,
            "validation is a ndarray: give",
        ),
        ({"callback": 3}, SampleError, "callback = 3: give a function of a Progress"),
        ({"epochs": 1.5}, TrainingError, "epochs = 1.5: give how many more"),
    ],
    ids=lambda told: next(iter(told)) if isinstance(told, dict) else "",
)
def test_what_fit_is_told_is_checked_before_it_trains(
    net: sl.Network, data: Dataset, told: dict[str, object], error: type[Exception], message: str
):
    with pytest.raises(error, match=re.escape(message)):
        net.fit(data.train[:5], **told)
    assert net.run.presentations == 0


def test_a_fraction_is_scored_of_images_there_are(net: sl.Network, data: Dataset):
    net.fit(data.train, epochs=3)
    found = net.evaluate(data.test)
    assert net.score(*data.test) == found.right / TEST
    with pytest.raises(SampleError, match="X and y: 0 images have no score, give 1 or more"):
        net.score(data.test[:0])


def test_a_closed_network_can_be_saved_and_says_that_it_is_closed(
    net: sl.Network, data: Dataset, tmp_path: Path
):
    with net:
        net.fit(data.train)
    with pytest.raises(TrainingError, match=r"the engine 'golden' was closed: save .* 'tiny'"):
        net.predict(data.test)
    net.save(tmp_path / "run.npz")
    assert sl.Network.load(tmp_path / "run.npz").run == net.run


def test_steps_cut_a_sample_short_for_one_call(config: sl.NetworkConfig, data: Dataset):
    for network in (sl.Network(config), sl.Network(config, engine=device(config))):
        whole, cut = network.counts(data.test), network.counts(data.test, steps=4)
        assert cut.sum() < whole.sum()
        np.testing.assert_array_equal(network.counts(data.test), whole)
        assert network.trace(data.test.images[0], steps=4).spikes[0].shape == (4, 49)
        assert (network.ran == 16).all()


@pytest.fixture(scope="module")
def stopping(config: sl.NetworkConfig) -> sl.NetworkConfig:
    return config.replace(**{"stop.train": 1, "stop.infer": 2})


def test_a_margin_ends_images_for_one_call(stopping: sl.NetworkConfig, data: Dataset):
    for network in (sl.Network(stopping), sl.Network(stopping, engine=device(stopping))):
        network.fit(data.train)
        kept, ran = network.counts(data.test), network.ran
        assert (ran < 16).any()
        whole = network.counts(data.test, margin=0)
        assert (network.ran == 16).all()
        for margin in (1, 5):
            counts = network.counts(data.test, margin=margin)
            most = np.sort(counts, axis=1)
            assert ((most[:, -1] - most[:, -2] >= margin) | (network.ran == 16)).all()
            assert ((counts <= whole).all(axis=1) & (counts.sum(axis=1) <= whole.sum(axis=1))).all()
        network.predict(data.test, margin=5, steps=3)
        assert (network.ran <= 3).all()
        assert network.score(data.test, margin=0) == (whole.argmax(1) == data.test.labels).mean()
        np.testing.assert_array_equal(network.counts(data.test), kept)
        np.testing.assert_array_equal(network.ran, ran)


def test_an_evaluation_has_the_steps_of_its_images(stopping: sl.NetworkConfig, data: Dataset):
    network = sl.Network(stopping)
    assert network.ran.shape == (0,)
    found = network.evaluate(data.test, margin=1)
    np.testing.assert_array_equal(found.ran, network.ran)
    assert found.mean_steps == network.ran.sum() / TEST
    assert network.evaluate(data.test[:0]).mean_steps is None


def test_training_tells_its_steps(stopping: sl.NetworkConfig, data: Dataset):
    network, told = sl.Network(stopping, engine=device(stopping)), []
    history = network.fit(data.train, validation=data.held, callback=told.append)
    counted = network.counters()
    assert history.mean_steps == told[-1].mean_steps == counted["ran"] / counted["samples"] < 16
    assert told[0].mean_steps == 0
    assert f"{history.mean_steps:.1f} of 16 steps on average" in history.summary()
    assert network.fit(data.train, epochs=0).mean_steps == 0


def test_a_trace_ends_where_the_sample_does(stopping: sl.NetworkConfig, data: Dataset):
    network = sl.Network(stopping)
    network.fit(data.train)
    classes = network.predict(data.test)
    first = network.ran.argmin()
    image, label = data.test.images[first], int(classes[first])
    assert len(network.trace(image).all_spikes) == network.ran[first] < 16
    assert len(network.trace(image, margin=0).all_spikes) == 16
    trained = network.trace(image, label, margin=1).spikes[-1].sum(axis=0)
    assert trained[label] - np.delete(trained, label).max() == 1


def test_a_margin_that_cannot_be_is_refused(
    net: sl.Network, stopping: sl.NetworkConfig, data: Dataset
):
    assert (net.counts(data.test, margin=0) == net.counts(data.test)).all()
    with pytest.raises(SampleError, match=r"'tiny' is built without stopping, .* take a config"):
        net.counts(data.test, margin=3)
    for margin in (-1, 4096, "3", 2.0, True):
        for network in (net, sl.Network(stopping)):
            with pytest.raises(SampleError, match=rf"stop.infer = {margin!r} is outside 0 to 4095"):
                network.predict(data.test, margin=margin)


# State


def test_weights_are_copies_and_all_or_none_are_set(net: sl.Network):
    with pytest.raises(ValueError, match="read-only"):
        net.weights[0][0, 0] = 5
    first, second = net.weights
    with pytest.raises(SampleError, match="do not fit crossbar 2"):
        net.weights = [np.zeros_like(first), second[:, :3]]
    np.testing.assert_array_equal(net.weights[0], first)
    net.weights = [np.zeros_like(first), second]
    assert not net.weights[0].any()
    assert not net.engine.weights[0].any()


def test_weights_travel_once_to_an_engine(
    config: sl.NetworkConfig, data: Dataset, net: sl.Network, tmp_path: Path
):
    """And back no oftener than they change."""
    net.save(tmp_path / "run.npz")

    class Counting(GoldenTransport):
        def __init__(self) -> None:
            super().__init__(machine(config))
            self.written, self.read = Counter(), 0

        def transfer(self, data: bytes, reply: int) -> bytes:
            if data and data[0] == Opcode.WRITE_WEIGHTS:
                self.written[data[1]] += len(data)
            self.read += reply if data and data[0] == Opcode.READ_WEIGHTS else 0
            return super().transfer(data, reply)

    for begin in (
        lambda engine: sl.Network(config, seed=1, engine=engine),
        lambda engine: sl.Network.load(tmp_path / "run.npz", engine=engine),
    ):
        transport = Counting()
        network = begin(DeviceEngine("rtl", machine(config), transport))
        assert len(transport.written) == 2
        assert 2 * 944 < sum(transport.written.values()) < 2 * 944 + 20
        assert transport.read == 0
        network.save(tmp_path / "again.npz")
        assert network.weights[0].any()
        assert transport.read == 0
        network.fit(data.train)
        network.save(tmp_path / "again.npz")
        assert network.weights[0].any()
        assert transport.read == 2 * 944
        assert sum(transport.written.values()) < 2 * 944 + 20


def test_a_trace_changes_nothing_and_shows_what_training_would_do(net: sl.Network, data: Dataset):
    net.fit(data.train)
    before = net.checkpoint()
    image, label = data.train.images[0], int(data.train.labels[0])
    inferred, trained = net.trace(image), net.trace(image.ravel(), label)
    after = net.checkpoint()
    assert before.stream_states == after.stream_states
    for mine, theirs in zip(before.weights, after.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not any(layer.any() for layer in inferred.errors)
    assert trained.errors[2].any()
    assert inferred.spikes[2].sum() == net.counts(image[np.newaxis]).sum()
    assert "inferred, 16 steps" in repr(inferred)
    assert f"trained as {label}" in repr(trained)


def test_counters_are_those_of_the_engine(config: sl.NetworkConfig, data: Dataset):
    with sl.Network(config, engine=device(config)) as network:
        network.fit(data.train)
        network.predict(data.test)
        assert network.counters()["samples"] == TRAIN
        assert network.counters("infer")["samples"] == TEST
        assert network.counters()["cycles"] > 0


def test_a_file_of_the_format_before_is_refused(net: sl.Network, tmp_path: Path):
    path = tmp_path / "old.npz"
    net.save(path)
    with np.load(path) as archive:
        np.savez(path, **dict(archive) | {"version": np.int64(1)})
    with pytest.raises(CheckpointError, match="format version 1, this program reads 2"):
        sl.Network.load(path)


def test_options_that_an_engine_has_not_are_refused(config: sl.NetworkConfig):
    with pytest.raises(ConfigError, match="engine 'golden' has no port, 'COM3' was given"):
        sl.Network(config, port="COM3")
    with pytest.raises(ConfigError, match=r"engine 'golden' has no hardware, .* take engine 'rtl'"):
        sl.Network(config, hardware=sl.Hardware())
    with pytest.raises(ConfigError, match="engine 'board' needs the serial port"):
        sl.Network(config, engine="board")


# Two networks


def test_networks_are_compared_from_the_state_that_they_have(
    config: sl.NetworkConfig, data: Dataset, net: sl.Network
):
    net.fit(data.train)
    other = sl.Network.load(net.checkpoint(), engine=device(config))
    before = net.checkpoint()
    found = sl.compare(other, net, data.train[:50])
    assert found.equal
    assert (found.compared_images, found.compared_weights) == (100, 944)
    assert repr(found) == "<equal, bit for bit: 100 images, 944 weights>"
    assert net.checkpoint().stream_states == before.stream_states == other.engine.stream_states
    for network in (net, other):
        np.testing.assert_array_equal(network.engine.weights[0], before.weights[0])


def test_a_difference_is_told_where_it_is(config: sl.NetworkConfig, data: Dataset):
    fault = Fault(data.train.images[2], 4, weight=(1, 20, 5))
    found = sl.compare(
        sl.Network(config), sl.Network(config, engine=device(config, fault)), data.train[:10]
    )
    assert not found.equal
    assert (found.difference.sample, found.difference.row, found.difference.column) == (2, 20, 5)
    assert repr(found).startswith("<DIFFERENT: sample 2 trained, step 4: weight of layer 1, row 20")
    assert "weight of layer 1" in found._repr_html_()


def test_states_that_differ_are_told_before_any_sample(config: sl.NetworkConfig, data: Dataset):
    other = sl.Network(config, seed=2, engine=device(config))
    found = sl.compare(sl.Network(config, seed=1), other, data.train[:1])
    assert not found.equal
    assert re.match(r"before any sample: weight of layer 1, row 0, col", str(found.difference))


def test_what_cannot_be_compared_is_refused(config: sl.NetworkConfig, data: Dataset):
    with pytest.raises(ComparisonError, match="golden and golden: one of both is to be golden"):
        sl.compare(sl.Network(config), sl.Network(config), data.train)
    other = sl.Network(config.replace(steps=8))
    with pytest.raises(ComparisonError, match="compare networks of one description"):
        sl.compare(sl.Network(config), other, data.train)


# What is shown


def test_what_is_shown_fits_a_hundred_columns(net: sl.Network, data: Dataset):
    history = net.fit(data.train, epochs=2, validation=data.held)
    shown = (net, history, data.train, net.trace(data.test.images[0]))
    for each in shown:
        assert repr(each).startswith("<")
        assert max(map(len, repr(each).splitlines())) <= 100
    assert repr(net) == ("<Network tiny in golden: 49-16-10, 944 weights, seed 1, 2 epochs done>")
    assert "(best)" in repr(history)
    assert history._repr_html_().count("<tr>") == 1 + len(history.curve)
    assert history.best.accuracy == max(point.accuracy for point in history.curve)
    longer = net.fit(data.train, epochs=6, validation=data.held)
    assert len(longer.curve) == 1 + 8 * 8
    assert 17 <= len(longer.rows()) <= 21
    assert longer.rows()[-1][0] == f"{8 * TRAIN:,}"


def test_a_notebook_shows_a_configuration_by_the_keys_that_replace_takes():
    shown = sl.load("tiny").replace(description="<b>", **{"layer.2.update": 0.01})._repr_html_()
    assert "<td>neuron.reset</td><td>subtract</td>" in shown
    assert "<td>layer.*.update</td><td>0.004, 0.01</td>" in shown
    assert "&lt;b&gt;" in shown


def test_a_report_needs_data_that_were_trained_on(net: sl.Network, data: Dataset, tmp_path: Path):
    with pytest.raises(SampleError, match=r"trained on nothing here: give report\(train="):
        net.report(tmp_path)
    net.fit(data.train, validation=data.held)
    net.save(tmp_path / "run.npz")
    page = sl.Network.load(tmp_path / "run.npz").report(
        tmp_path / "out", train=data.train, test=data.test
    )
    assert page.path == tmp_path / "out" / "report.html"
    assert "test accuracy" in page.html


def test_a_report_counts_its_floor_with_the_hardware_of_the_rtl(
    config: sl.NetworkConfig, data: Dataset, tmp_path: Path
):
    class Unbuilt(RtlEngine):
        def __init__(self) -> None:
            built = machine(config)
            DeviceEngine.__init__(self, "rtl", built, GoldenTransport(built))
            self.hardware = sl.Hardware(lanes=(3, 7))

    with sl.Network(config, engine=Unbuilt(), show=False) as net:
        net.fit(data.train[:20])
        page = net.report(tmp_path, test=data.test)
    assert "3 (crossbar 1) and 7 (crossbar 2)" in page.html


def test_a_picture_is_saved_on_its_own(net: sl.Network, data: Dataset, tmp_path: Path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "trace.svg"
    net.trace(data.train.images[0], 5).plot().save(path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "var(--" not in text


def test_a_checkpoint_is_a_copy(net: sl.Network, data: Dataset):
    kept = net.checkpoint()
    other = sl.Network.load(kept)
    other.fit(data.train)
    assert (kept.run.presentations, net.run.presentations) == (0, 0)
    assert other.run.presentations == TRAIN


def test_networks_made_already_take_an_engine(config: sl.NetworkConfig):
    engine = GoldenEngine(machine(config))
    start(engine, 9)
    network = sl.Network(config, seed=4, engine=engine)
    assert network.engine is engine
    assert network.seed == 4
    np.testing.assert_array_equal(network.weights[0], sl.Network(config, seed=4).weights[0])
