# amaranth: UnusedElaboratable=no
"""The verbs for boards: what they print, what they return, and what they say of bad input."""

from __future__ import annotations

import stat
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import perf
from spikeloom.boards import estimate, planner, tools
from spikeloom.boards import table as board_table
from spikeloom.boards.build import Bitstream
from spikeloom.boards.clock import MHZ
from spikeloom.boards.estimate import Speed, line_bytes
from spikeloom.boards.planner import MemoryPlan
from spikeloom.boards.result import Count, Resources, Timing
from spikeloom.boards.steps import StepError
from spikeloom.boards.table import BEGIN, END, TableError
from spikeloom.boards.targets import TARGETS, Target
from spikeloom.boards.tools import KNOWN, Known, Tool
from spikeloom.golden.spec import link, protocol
from spikeloom.golden.spec.network import NetworkConfig, shipped
from spikeloom.hdl.hardware import Hardware
from tests.support import command_line, idx

PROMISED = (
    "board config fits luts luts_available brams brams_available clock_mhz fmax_mhz "
    "cycles_per_train_image train_images_per_second infer_images_per_second bitstream"
)
SPEED = Speed(train_cycles=10_000.0, infer_cycles=4_000.0, images=50, line_bytes=200.0)


call = partial(command_line.call, columns=120)
call_json = partial(command_line.call_json, columns=120)


class Builder:
    """Stands in for the tools: a bitstream without any of them, good or bad."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, []
        self.luts, self.reached = 5000, 1.1

    def __call__(
        self, target: Target, config: NetworkConfig, hardware: Hardware, **given: Any
    ) -> Bitstream:
        self.asked.append((target, config, hardware, given))
        hz = target.core_hz(given["clock_hz"] or target.clock_hz)
        file, log = self.folder / "top.bin", self.folder / "log"
        file.write_bytes(b"bits")
        log.write_text("what the tool said")
        device, none = target.device, Count(0, 0)
        cells = Resources(Count(self.luts, device.luts), none, Count(9, device.brams), none, none)
        return Bitstream(
            target=target,
            config=config,
            hardware=hardware,
            clock_hz=hz,
            memory=MemoryPlan(target, config, hardware, ()),
            resources=cells,
            timing=Timing(self.reached * hz, hz) if cells.fits else None,
            seed=1,
            seeds=1,
            file=file if cells.fits else None,
            dfu=None,
            logs={"nextpnr": log},
            seconds=1.0,
        )


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    builder = Builder(tmp_path)
    monkeypatch.setattr(estimate, "build", builder)
    monkeypatch.setattr(perf, "board_speed", lambda *_: SPEED)
    monkeypatch.chdir(tmp_path)
    return builder


# spikeloom boards


def test_every_board_is_listed():
    listed = call("boards").stdout
    assert [name for name in TARGETS if name not in listed] == []
    found = call_json("boards")["boards"]
    assert [board["name"] for board in found] == list(TARGETS)
    assert {board["measured_on_a_board"] for board in found} == {False}


@pytest.mark.parametrize("verb", ["boards", "configs"])
def test_a_narrow_terminal_cuts_no_name_that_one_must_type(verb: str):
    listed = command_line.call(verb, columns=60).stdout
    assert "mnist-784-256-10-w12" in listed
    assert "…" not in listed


def test_one_board_is_shown_with_its_wiring():
    assert "Feather" in call("boards", "orangecrab-25f").stdout
    assert call_json("boards", "icebreaker")["luts"] == 5280


@pytest.mark.parametrize("verb", ["boards", "build", "flash"])
def test_an_unknown_board_is_answered_with_the_nearest(verb: str):
    assert "did you mean icebreaker" in call(verb, "icebraker", status=2).stderr


# spikeloom build


def test_a_build_tells_everything_that_was_promised(builder: Builder):
    found = call_json("build", "icebreaker")
    assert [key for key in PROMISED.split() if key not in found] == []
    assert found["config"] == "mnist-784-128-10"
    assert found["fits"]
    assert found["luts_available"] == 5280
    assert found["clock_mhz"] == 24
    assert found["train_images_per_second"] == pytest.approx(24e6 / 10_000)
    assert found["infer_images_per_second"] == pytest.approx(24e6 / 4_000)
    assert found["link_images_per_second"] == pytest.approx(1e6 / 10 / 200)
    assert found["microseconds_per_train_image"] == pytest.approx(10_000 / 24)
    assert Path(found["bitstream"]).read_bytes() == b"bits"
    assert found["measured_on_a_board"] is False


def test_the_table_says_what_is_measured_and_what_is_not(builder: Builder):
    table = call("build", "hx8k").stdout
    assert "5,000 of 7,680 (65 %)" in table
    assert "54.00 MHz asked for, 59.40 MHz reached" in table
    assert "10,000 cycles" in table
    assert "not measured" in table


def test_options_reach_the_build(builder: Builder):
    options = ("--lanes", "12,5", "--ports", "1", "--draws", "3", "--clock", "25", "--seeds", "9")
    call("build", "hx8k", "tiny", *options, "--plan", "neurons=4", "--plan", "counters=no")
    _, config, hardware, given = builder.asked[0]
    assert config.name == "tiny"
    assert (hardware.lanes, hardware.ports, hardware.draws) == ((12, 5), (1,), 3)
    assert (hardware.neurons, hardware.counters) == (4, False)
    assert (given["clock_hz"], given["seeds"]) == (25 * MHZ, 9)


def test_without_measuring_rates_are_unknown(builder: Builder):
    found = call_json("build", "hx8k", "--no-measure")
    assert found["cycles_per_train_image"] is None
    assert found["train_images_per_second"] is None
    assert found["fmax_mhz"] == pytest.approx(59.4)


@pytest.fixture
def sixteen(tmp_path: Path) -> Path:
    """Return a network of 16 x 16 pixels and three classes, which MNIST's cannot be made to."""
    text = shipped()["tiny"].read_text().replace('"tiny"', '"mine"')
    text = text.replace("[7, 7]", "[16, 16]").replace("[49, 16, 10]", "[256, 16, 3]")
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_a_build_whose_cores_speed_is_unknown_says_why_and_keeps_its_bitstream(
    builder: Builder, sixteen: Path
):
    told = call("build", "hx8k", sixteen, columns=300).stdout
    assert "not measured: images of 28 x 28 cannot be down-sampled to 16 x 16" in told
    assert "name other images with --data, or leave it out with --no-measure" in told
    found = call_json("build", "hx8k", sixteen)
    assert found["unmeasured"].startswith("images of 28 x 28")
    assert found["cycles_per_train_image"] is None
    assert Path(found["bitstream"]).read_bytes() == b"bits"


def test_a_core_is_measured_on_images_of_ones_own(builder: Builder, sixteen: Path):
    folder = sixteen.parent / "data"
    some = {part: np.full((n, 16, 16), 9, np.uint8) for part, n in (("train", 30), ("t10k", 5))}
    idx.write(folder, some, classes=3)
    found = call_json("build", "hx8k", sixteen, "--data", folder)
    assert found["cycles_per_train_image"] == 10_000
    assert found["unmeasured"] is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--data", "nowhere"), "nowhere"),
        (("--data", "mnist"), "images of 28 x 28 cannot be down-sampled to 16 x 16"),
        (("--out", "mine.toml/out"), "cannot write in mine.toml/out: Not a directory"),
    ],
)
def test_what_is_in_the_way_is_told_before_any_tool_runs(
    builder: Builder, sixteen: Path, options: tuple[str, ...], told: str
):
    assert told in " ".join(call("build", "hx8k", sixteen, *options, status=2).stderr.split())
    assert builder.asked == []


def test_a_missed_clock_is_a_failure_that_says_by_how_much(builder: Builder):
    builder.reached = 0.9
    result = call("build", "hx8k", status=1)
    assert "48.60 MHz reached of 54.00 MHz, 10.0 % are missing" in result.stdout
    found = call_json("build", "hx8k", status=1)
    assert found["fits"]
    assert not found["clock_met"]
    assert found["complaint"]


def test_what_does_not_fit_is_a_failure_that_says_by_how_much(builder: Builder):
    builder.luts = 9000
    found = call_json("build", "hx8k", status=1)
    assert not found["fits"]
    assert found["bitstream"] is None
    assert found["train_images_per_second"] is None
    assert "1,320 LUTs too many (9,000 of 7,680)" in found["complaint"]


def test_a_network_beyond_the_boards_memory_is_refused_before_any_tool_runs(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(planner, "LANES", (1,))
    told = call("build", "icestick", "mnist-196-64-10", "--lanes", "1", "--draws", "1", status=2)
    assert "is too big for iCEstick" in told.stderr
    assert "bits. The largest memory is layer1.weights" in told.stderr
    assert "hidden neurons in place of 64 would" in told.stderr


def test_where_memories_go_is_explained(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(planner, "LANES", (1, 2))
    found = call_json("build", "hx8k", "tiny", "--explain", "--lanes", "1")
    assert found["fits"]
    assert any(line.startswith("layer1.weights: 784 x 8") for line in found["lines"])
    assert [other["lanes"] for other in found["alternatives"]] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name one board, or give --all"),
        (("hx8k", "--all"), "name one board, or give --all"),
        (("hx8k", "--lanes", "0"), "give numbers from 1 on, such as 16,8"),
        (("hx8k", "--ports", "a"), "give numbers from 1 on, such as 16,8"),
        (("hx8k", "mnist-196"), "no configuration named 'mnist-196'"),
        (("hx8k", "tiny", "--plan", "lane=3"), "no hardware choice lane=3"),
        (("hx8k", "tiny", "--lanes", "1", "--clock", "300"), "no setting of the SB_PLL40"),
    ],
)
def test_bad_arguments_are_answered(arguments: tuple[str, ...], told: str):
    assert told in " ".join(call("build", *arguments, status=2).stderr.replace("│", "").split())


def test_a_missing_tool_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SPIKELOOM_CACHE", str(tmp_path))
    monkeypatch.setitem(KNOWN, "yosys", Known("no-such-package", "no-such-script"))
    monkeypatch.setenv("PATH", "")
    tools.find.cache_clear()
    told = call("build", "hx8k", "tiny", "--lanes", "1", status=2).stderr
    tools.find.cache_clear()
    assert "yosys is not on PATH" in told
    assert "pip install 'spikeloom[boards]'" in told


def test_a_tool_that_crashes_is_told_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, builder: Builder
):
    def crash(*_: Any, **__: Any) -> None:
        raise StepError("nextpnr-ecp5", 255, "ERROR: Assertion failed", tmp_path / "log")

    monkeypatch.setattr(estimate, "build", crash)
    told = call("build", "ulx3s-25f", status=2).stderr
    assert "nextpnr-ecp5 failed with status 255:\n  ERROR: Assertion failed" in told
    assert str(tmp_path / "log") in told


# spikeloom build --all


def test_the_table_of_all_boards_is_written_between_its_marks(builder: Builder, tmp_path: Path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    found = call_json("build", "--all")["boards"]
    assert [board["board"] for board in found] == list(TARGETS)
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n| board | FPGA |")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(TARGETS)
    assert "| icestick | iCE40 HX1K |" in text
    assert "does not fit" in text, "5,000 LUTs are too many for one of them"


@pytest.fixture
def recorded(builder: Builder, tmp_path: Path) -> Path:
    """Return a file whose table has hx8k with 1.3 times the clock that is asked for."""
    path = tmp_path / "README.md"
    path.write_text(f"{BEGIN}\n{END}\n")
    builder.reached = 1.3
    call("build", "hx8k", "--table", path)
    assert "(to 70.2)" in path.read_text()
    return path


@pytest.mark.parametrize("reached", [1.18, 2.0])
def test_a_clock_much_like_the_one_in_the_table_changes_nothing(
    reached: float, builder: Builder, recorded: Path
):
    before = recorded.read_text()
    builder.reached = reached
    call("build", "hx8k", "--table", recorded)
    assert recorded.read_text() == before
    call("build", "hx8k", "tiny", "--table", recorded)
    assert recorded.read_text().count("| hx8k |") == 2


@pytest.mark.parametrize("what", [("hx8k", "--table", "README.md"), ("--all",)])
def test_a_clock_that_fell_is_a_failure_that_says_from_where_and_what_to_do(
    what: tuple[str, ...], builder: Builder, recorded: Path
):
    builder.reached = 1.15
    told = " ".join(call("build", *what, status=1).stdout.split())
    assert "mnist-196-64-10-w7 on hx8k reaches 62.1 MHz, the table in README.md has 70.2" in told
    assert "12 % are lost. The critical path in build/hx8k-mnist-196-64-10-w7.nextpnr.log" in told
    assert "mend that, or take the row out of the table and build again" in told
    assert "(to 70.2)" in recorded.read_text()


def test_a_lower_clock_is_taken_once_its_row_is_out_of_the_table(builder: Builder, recorded: Path):
    recorded.write_text(f"{BEGIN}\n{END}\n")
    builder.reached = 1.0
    call("build", "hx8k", "--table", recorded)
    assert "(to 54.0)" in recorded.read_text()


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}"])
def test_a_file_without_a_place_for_the_table_is_refused_before_anything_is_built(
    text: str, builder: Builder, tmp_path: Path
):
    (tmp_path / "README.md").write_text(text)
    assert "has no place for the table" in call("build", "--all", status=2).stderr
    assert builder.asked == []


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(TableError, match=r"cannot read .*none\.md: No such file"):
        board_table.check(tmp_path / "none.md")


# Bytes on the line


def test_an_image_costs_its_bytes_its_command_and_its_share_of_frames():
    images = np.zeros((2, 4, 4), np.uint8)
    images[1, 0, 0] = 9
    overhead = len(link.HostFrame(link.Kind.DATA, 0).pack())
    sent = np.mean([len(protocol.encode_image(i.tobytes())) + 3 for i in images])
    assert line_bytes(images) == pytest.approx(sent * (128 + overhead) / 128)


# spikeloom flash


def loader(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put a program in the place of openFPGALoader."""
    program = folder / "loader"
    program.write_text(f"#!{sys.executable}\nimport sys\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(tools, "find", lambda name: Tool(name, str(program), "1"))


def test_a_board_is_programmed_with_what_was_built(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    loader(tmp_path, monkeypatch, "open('called', 'w').write(' '.join(sys.argv[1:]))")
    found = call_json("flash", "tang-nano-9k", "--keep")
    assert Path(found["bitstream"]).read_bytes() == b"bits"
    called = (tmp_path / "called").read_text()
    assert called == f"--board tangnano9k --write-flash {found['bitstream']}"


def test_a_bad_build_is_not_programmed(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    loader(tmp_path, monkeypatch, "open('called', 'w')")
    builder.reached = 0.5
    assert "the clock is missed" in call("flash", "hx8k", status=1).stdout
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error while loading shared libraries: libusb-1.0.so.0", "apt-get install libusb-1.0-0"),
        ("unable to open ftdi device: -3", "is the iCEBreaker connected and powered?"),
        ("usb_open() failed: permission denied", "install openFPGALoader's udev rules"),
        ("CRC mismatch", "run it by hand to see more"),
    ],
)
def test_a_failure_of_the_loader_says_what_to_do(
    said: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    loader(tmp_path, monkeypatch, f"print({said!r}); raise SystemExit(1)")
    bitstream = tmp_path / "x.bin"
    bitstream.write_bytes(b"")
    found = call("flash", "icebreaker", "--bitstream", bitstream, status=2).stderr
    assert said in found
    assert told in found
