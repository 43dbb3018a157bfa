"""A virtual board through its serial pins: the host trains, infers and verifies on it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from spikeloom import checkpoint as checkpoints
from spikeloom import datasets
from spikeloom.boards.host import port
from spikeloom.boards.host.device import DeviceError
from spikeloom.boards.host.link import LinkError
from spikeloom.boards.host.port import PortError
from spikeloom.cli import main
from spikeloom.engines.board import BoardEngine
from spikeloom.engines.engine import Engine, GoldenEngine, make_engine, start
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.network import Network
from spikeloom.progress import Progress
from spikeloom.sim.compare.lockstep import Verification, verify
from spikeloom.sim.rtl.virtual_board import Faults, VirtualBoard
from spikeloom.sim.selftest.selftest import selftest
from spikeloom.training import TrainingError
from tests.support.virtual_board import DrivenBoard

SEED = 3
NOISE = {"flips": 1e-4, "drops": 5e-4, "doubles": 5e-4, "stalls": 5e-4, "bursts": 2e-4}


@pytest.fixture(scope="module")
def tiny() -> NetworkConfig:
    return load("tiny")


@pytest.fixture(scope="module")
def digits(tiny: NetworkConfig) -> Dataset:
    return datasets.mnist(tiny, train=60, test=10, held_out=0)


def drive(board: DrivenBoard, monkeypatch: pytest.MonkeyPatch) -> DrivenBoard:
    """Let hosts drive a board by asking for the time, so that it is never late."""
    monkeypatch.setattr(port, "time", SimpleNamespace(monotonic=board.turn))
    monkeypatch.setattr(port, "TICK", 0)
    return board


@pytest.fixture
def board(tiny: NetworkConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[DrivenBoard]:
    with DrivenBoard.running(tiny) as made:
        yield drive(made, monkeypatch)


@pytest.fixture
def engine(board: DrivenBoard, tiny: NetworkConfig) -> Iterator[BoardEngine]:
    made = BoardEngine(machine(tiny), board.port)
    yield made
    made.close()


def assert_equal(engine: Engine, other: Engine) -> None:
    for mine, theirs in zip(engine.weights, other.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert engine.stream_states == other.stream_states


def train_both(engine: BoardEngine, data: Dataset) -> None:
    """Train a board and golden, infer with both; all must be equal."""
    golden = GoldenEngine(engine.machine)
    for body in (engine, golden):
        start(body, SEED)
    np.testing.assert_array_equal(
        engine.train(data.train.images, data.train.labels),
        golden.train(data.train.images, data.train.labels),
    )
    np.testing.assert_array_equal(engine.infer(data.test.images), golden.infer(data.test.images))
    assert_equal(engine, golden)


def test_a_board_learns_what_golden_does(engine: BoardEngine, digits: Dataset):
    train_both(engine, digits)


def test_link_and_core_are_told_apart(engine: BoardEngine, digits: Dataset):
    assert engine.speed() is None
    train_both(engine, digits)
    speed = engine.speed()
    assert speed.images == 60
    assert speed.baud == 1_000_000
    assert speed.cycles_per_image * 60 == engine.counters()["cycles"]
    assert speed.core_images_per_second == speed.clock_hz / speed.cycles_per_image
    assert 20 < speed.bytes_per_image < 60
    assert speed.link_images_per_second == pytest.approx(1e5 / speed.bytes_per_image)
    assert speed.images_per_second < speed.link_images_per_second
    assert engine.speed("infer").images == 10
    engine.clear()
    assert engine.speed() is None


def test_a_bad_line_changes_no_bit(board: DrivenBoard, engine: BoardEngine, digits: Dataset):
    board.faults(to_board=Faults(1, **NOISE), to_host=Faults(2, **NOISE))
    train_both(engine, digits)
    there, back = board.traffic()
    assert there.faults > 3
    assert back.faults > 3
    assert engine.link.statistics.resent > 0


@pytest.mark.parametrize("baud", [500_000, 115_200])
def test_another_rate_is_agreed_upon(
    board: DrivenBoard, tiny: NetworkConfig, digits: Dataset, baud: int
):
    engine = BoardEngine(machine(tiny), board.port, baud=baud)
    assert engine.link.baud == board.baud == baud
    golden = GoldenEngine(engine.machine)
    for body in (engine, golden):
        start(body, SEED)
        body.train(digits.train.images[:5], digits.train.labels[:5])
    assert_equal(engine, golden)
    engine.close()
    # the next host looks for it at the usual rate first, and must find it
    engine = BoardEngine(machine(tiny), board.port)
    np.testing.assert_array_equal(engine.weights[0], golden.weights[0])
    engine.close()


def test_another_network_is_refused_with_both_digests(board: DrivenBoard, tiny: NetworkConfig):
    other = load("mnist-196-32-10")
    with pytest.raises(DeviceError) as caught:
        BoardEngine(machine(other), board.port)
    message = str(caught.value)
    assert f"{board.port}: the core holds configuration {tiny.digest()}" in message
    assert f"'mnist-196-32-10' is {other.digest()}" in message
    assert "spikeloom build BOARD mnist-196-32-10" in message
    # the port was given back
    BoardEngine(machine(tiny), board.port).close()


def test_a_board_needs_a_port(tiny: NetworkConfig):
    with pytest.raises(ConfigError, match="engine 'board' needs the serial port"):
        make_engine("board", tiny)


def test_a_network_begins_a_run_on_a_board(board: DrivenBoard, tiny: NetworkConfig):
    with Network(tiny, seed=SEED, engine="board", port=board.port) as network:
        assert network.engine.name == "board"
        assert_equal(network.engine, Network(tiny, seed=SEED).engine)


def test_a_pulled_cable_costs_no_whole_sample(
    board: DrivenBoard,
    tiny: NetworkConfig,
    digits: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    path = tmp_path / "run.npz"
    golden = Network(tiny, seed=SEED)
    golden.fit(digits.train, epochs=3)
    seen = []

    def progress(now: Progress) -> None:
        seen.append(now.done)
        if now.epoch == 1 and now.done > 70:
            board.pull()

    lost = Network(tiny, seed=SEED, engine="board", port=board.port)
    with pytest.raises(PortError, match="has gone"):
        lost.fit(digits.train, epochs=3, callback=progress, save=path)
    with pytest.raises(TrainingError, match="the engine 'board' was lost within a sample: save"):
        lost.predict(digits.test)
    lost.close()
    kept = checkpoints.load(path).run
    assert (kept.epoch, kept.position) == (1, seen[-1] - 60)
    with DrivenBoard.running(tiny) as another:
        drive(another, monkeypatch)
        with Network.load(path, engine="board", port=another.port) as resumed:
            resumed.fit(digits.train, epochs=2, save=path)
            assert_equal(resumed.engine, golden.engine)


def test_a_silent_port_is_told_after_a_bounded_wait(monkeypatch: pytest.MonkeyPatch):
    asked = itertools.count()  # tenths of a second pass with every look at the clock
    monkeypatch.setattr(port, "time", SimpleNamespace(monotonic=lambda: next(asked) / 10))
    monkeypatch.setattr(port, "TICK", 0)
    master, slave = os.openpty()
    tty.setraw(slave)
    with pytest.raises(LinkError, match="nothing answers on"):
        make_engine("board", load("tiny"), port=os.ttyname(slave))
    assert next(asked) < 300
    os.close(slave)
    os.close(master)


def test_golden_and_a_board_go_in_lockstep(engine: BoardEngine, digits: Dataset):
    assert verify(engine.machine.config, SEED, digits, engine) == Verification(944, 70, None)


# The command line


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main.app, [str(argument) for argument in arguments])
    return result.exit_code, " ".join(result.output.split())


def test_train_and_infer_on_a_board(board: DrivenBoard, tmp_path: Path):
    path = tmp_path / "run.npz"
    where = ("--engine", "board", "--port", board.port)
    status, text = run("train", "tiny", *where, "--train", 40, "--test", 10, "--save", path)
    assert status == 0, text
    assert "link allows" in text
    assert "core allows" in text
    status, text = run("infer", "tiny", *where, "--weights", path, "--test", 10)
    assert status == 0, text
    assert "of 10 test images" in text
    assert "core allows" in text


def test_the_checkpoint_that_is_left_is_named(
    board: DrivenBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "run.npz"
    train = BoardEngine.train

    def pulled(self: BoardEngine, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        board.pull()
        return train(self, images, labels)

    monkeypatch.setattr(BoardEngine, "train", pulled)
    status, text = run(
        "train", "tiny", "--engine", "board", "--port", board.port, "--train", 40, "--save", path
    )
    assert status == 2
    assert f"failed after 0 of 40 images: saved to {path}" in text
    assert f"go on with --resume {path}" in text.replace("\n", " ")
    assert "has gone" in text
    assert path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "tiny", "--engine", "board"), "a board needs its serial port: give --port PORT"),
        (("train", "tiny", "--port", "/dev/x"), "engine golden has no port: give --engine board"),
        (("verify", "tiny", "--baud", 115200), "engine rtl has no port: give --engine board"),
    ],
)
def test_a_board_and_a_port_belong_together(arguments: tuple[object, ...], message: str):
    status, text = run(*arguments)
    assert status == 2
    assert message in text.replace("│ ", "").replace(" │", "")


def test_an_unknown_board_is_answered_with_the_nearest():
    status, text = run("sim-board", "icebraker")
    assert status == 2
    assert "no board named 'icebraker': did you mean icebreaker" in text


def test_selftest_finds_out_which_network_a_board_holds(
    board: DrivenBoard, monkeypatch: pytest.MonkeyPatch
):
    checks = selftest.__kwdefaults__["checks"]
    monkeypatch.setitem(selftest.__kwdefaults__, "checks", [checks[1], checks[3]])
    status, text = run("selftest", "--port", board.port)
    assert status == 0, text
    assert f"tiny on {board.port} at 1,000,000 baud" in text
    assert "all 2 checks passed" in text


@pytest.mark.slow
def test_a_virtual_board_on_the_command_line(tmp_path: Path):
    link = tmp_path / "board"
    program = Path(sys.executable).with_name("spikeloom")
    board = subprocess.Popen(
        [program, "sim-board", "icebreaker", "tiny", "--link", link, "--flips", "1e-5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not link.is_symlink():
        assert board.poll() is None, board.communicate()
        time.sleep(0.2)
    status, text = run("verify", "tiny", "--engine", "board", "--port", link, "--train", 30)
    assert status == 0, text
    assert "equal, bit for bit: 50 images, 944 weights" in text
    board.send_signal(signal.SIGINT)
    told, _ = board.communicate()
    assert board.returncode == 0, told
    assert f"iCEBreaker with tiny on port {link}, until Ctrl-C" in told
    assert "bytes came" in told
    assert not link.is_symlink()


@pytest.mark.slow
def test_selftest_passes_through_the_pins_and_a_bad_line(board: DrivenBoard, engine: BoardEngine):
    board.faults(to_board=Faults(1, **NOISE), to_host=Faults(2, **NOISE))
    assert {found.state for found in selftest(engine.link, engine.machine)} == {"passed"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "train", "part"), [("mnist-196-32-10", 300, 1.0), ("mnist-784-128-10", 40, 0.1)]
)
def test_real_digits_through_the_pins_and_a_bad_line(name: str, train: int, part: float):
    config = load(name)
    data = datasets.mnist(config, train=train, test=20, held_out=0)
    faults = {kind: part * chance for kind, chance in NOISE.items()}
    noise = Faults(1, **faults), Faults(2, **faults)
    with VirtualBoard.running(config, to_board=noise[0], to_host=noise[1]) as board:
        engine = BoardEngine(machine(config), board.port)
        train_both(engine, data)
        engine.close()
        assert min(traffic.faults for traffic in board.traffic()) > 50
