# amaranth: UnusedElaboratable=no
"""Open synthesis takes all hardware: no latch, no asynchronous reset, memories in block RAM."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth import signed
from amaranth.back import rtlil
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Elaboratable,
    Fragment,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

import spikeloom.hdl
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.link import VERSION, Hello
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import from_dict, load
from spikeloom.hdl.buffers import Buffers
from spikeloom.hdl.columns import Columns
from spikeloom.hdl.commands import Commands
from spikeloom.hdl.competition import Competition
from spikeloom.hdl.core import Core
from spikeloom.hdl.crossbar import LATENCY, Crossbar
from spikeloom.hdl.dropout import Dropout
from spikeloom.hdl.encoder import Encoder
from spikeloom.hdl.error import ErrorNeurons
from spikeloom.hdl.feedback import Feedback
from spikeloom.hdl.fold import Fold
from spikeloom.hdl.forward import Forward
from spikeloom.hdl.frames import FrameReceiver, FrameSender
from spikeloom.hdl.hardware import BuiltLayer, Hardware
from spikeloom.hdl.jitter import Jitter
from spikeloom.hdl.layer import Layer
from spikeloom.hdl.lfsr import Generator
from spikeloom.hdl.link import Link
from spikeloom.hdl.network import Network
from spikeloom.hdl.neuron import ForwardNeurons
from spikeloom.hdl.rules.random_feedback import Signs
from spikeloom.hdl.rules.ssnn_bp import Coincidence
from spikeloom.hdl.sample import Sample
from spikeloom.hdl.spikes import Scanner, SpikeList
from spikeloom.hdl.stopping import Stopping
from spikeloom.hdl.uart import Receiver, Transmitter
from spikeloom.hdl.vectors import MemoryVector, RegisterVector
from spikeloom.hdl.weights import Cursor, WeightPort
from spikeloom.hdl.wta import Wta
from tests.support.configurations import LAYER, table

SECONDS = 540
BLOCK_RAM = {"ice40": "SB_RAM40_4K", "ecp5": "DP16KD", "gowin": r"(DP|SDP|SP|DPX9|SDPX9|SPX9)B?"}
BLOCK_BITS = {"ice40": 4096, "ecp5": 18432, "gowin": 18432}
FLIP_FLOP = {"ice40": r"SB_DFF\w*", "ecp5": "TRELLIS_FF", "gowin": r"DFF\w*"}
FAMILIES = sorted(BLOCK_RAM)

# What no design may hold: latches, and registers that anything but the clock sets.
FORBIDDEN = re.compile(r"\$(dlatch|adlatch|dlatchsr|sr|adff|adffe|dffsr|dffsre|aldff|aldffe)\b")
FORBIDDEN_CELL = re.compile(r"SB_DFFN?E?[RS]|DFFN?[CP]E?|DL\w*|LATCH\w*")

# An error in Yosys ends the process, so it has one of its own. Purged are the names of an array
# port's elements: ABC gives the same ones to the port's bits.
SCRIPT = """
import sys
from pyosys import libyosys as ys
source, family, early, late = sys.argv[1:]
design = ys.Design()
for command in (
    f"read_rtlil {source}",
    "hierarchy -check -top top",
    "proc; flatten; opt_clean -purge",
    "check -assert",
    f"tee -q -o {early} stat -json",
    f"synth_{family} -top top",
    f"tee -q -o {late} stat -json",
):
    ys.run_pass(command, design)
"""


class SynthesisError(AssertionError):
    """Yosys refused a design; its last lines say why."""


def cells(component: Elaboratable, family: str, folder: Path, ports: list | None = None) -> dict:
    """Synthesise a component; return how many cells of each type there are, before and after."""
    source, early, late = (folder / name for name in ("top.il", "early.json", "late.json"))
    source.write_text(rtlil.convert(component, name="top", emit_src=False, ports=ports))
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, (source, family, early, late))],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if run.returncode:
        raise SynthesisError("\n".join([*run.stdout.splitlines()[-5:], run.stderr]))

    def count(path: Path) -> dict[str, int]:
        return json.loads(path.read_text())["design"]["num_cells_by_type"]

    return {"early": count(early), "late": count(late)}


def check(found: dict[str, dict[str, int]]) -> None:
    """Refuse latches, asynchronous resets, and cells that the family does not have."""
    bad = [name for name in found["early"] if FORBIDDEN.match(name)]
    bad += [name for name in found["late"] if FORBIDDEN_CELL.fullmatch(name)]
    bad += [name for name in found["late"] if name.startswith("$") and name != "$scopeinfo"]
    assert not bad, f"not for open synthesis: {', '.join(bad)}"


def small() -> Machine:
    """Return a network with everything that adds hardware."""
    layer = {**LAYER, "dropout": 0.2}
    return machine(
        from_dict(
            table(
                image=[3, 4],
                sizes=[12, 6, 4],
                neuron__kernel_shift=2,
                error__kernel_shift=1,
                error__membranes="separate",
                error__gate="discard",
                error__cost=0.1,
                input__dropout=0.1,
                input__jitter=1,
                label__train="random-front",
                wta={"kind": "feedforward", "strength": 0.25},
                stop={"train": 4, "infer": 2},
                layer=[layer, LAYER],
            )
        )
    )


BUILT = Hardware(lanes=(3,), ports=(2, 1))


def layer(index: int) -> BuiltLayer:
    return BUILT.of(small())[index - 1]


def wta(kind: str) -> Wta:
    other = machine(from_dict(table(wta={"kind": kind, "strength": 0.25})))
    return Wta(other, other.layers[-1], signed(12), lanes=2)


def competing() -> Machine:
    return machine(from_dict(table(wta={"kind": "softmax", "strength": 3.0})))


def error_neurons(output: bool) -> ErrorNeurons:
    network = small()
    return ErrorNeurons(network, layer(1 + output), lanes=4, current=signed(14), output=output)


ENTRY = data.StructLayout({"row": range(12), "keep": 1})
SMALLEST = dataclasses.replace(
    BUILT, neurons=1, counters=False, registered=False, buffered=False, drums=True
)

COMPONENTS: dict[str, Callable[[], wiring.Component]] = {
    "generator": lambda: Generator(CATALOG["lfsr64"], seed=1, draws=3, second=2),
    "short generator": lambda: Generator(CATALOG["lfsr16"], seed=1),
    "encoder": lambda: Encoder(small()),
    "dropout": lambda: Dropout(neurons=11, chance=1000),
    "jitter": lambda: Jitter((3, 4), 2),
    "spike list": lambda: SpikeList(12, ENTRY),
    "scanner": lambda: Scanner(lanes=5, words=3, neurons=13),
    "coincidence": lambda: Coincidence(small(), BUILT.of(small())[0]),
    "crossbar": lambda: Crossbar(layer(1), transposed=False),
    "one-port crossbar": lambda: Crossbar(layer(2), transposed=False),
    "transposed crossbar": lambda: Crossbar(layer(1), transposed=True),
    "transposed one-port crossbar": lambda: Crossbar(layer(2), transposed=True),
    "forward neurons": lambda: ForwardNeurons(small(), layer(1), lanes=3, current=signed(12)),
    "fold": lambda: Fold(layer(1), 1, signed(12)),
    "vector in registers": lambda: RegisterVector(13, (4, 3), planes=2),
    "vector in a memory": lambda: MemoryVector(40, (8, 2), planes=2),
    "columns": lambda: Columns(layer(2)),
    "signs": lambda: Signs(layer(2)),
    "crossbar with a gap": lambda: Crossbar(layer(1), transposed=True, gap=True),
    "error neurons": lambda: error_neurons(False),
    "output error neurons": lambda: error_neurons(True),
    "no wta": lambda: wta("none"),
    "lateral wta": lambda: wta("lateral"),
    "feedforward wta": lambda: wta("feedforward"),
    "recurrent wta": lambda: wta("recurrent"),
    "competition": lambda: Competition(competing(), competing().layers[-1], current=signed(12)),
    "stopping": lambda: Stopping(small()),
    "sample": lambda: Sample(small()),
    "forward half": lambda: Forward(small(), 1, BUILT),
    "forward half of the output": lambda: Forward(small(), 2, BUILT),
    "forward half of a competing output": lambda: Forward(competing(), 2, BUILT),
    "feedback": lambda: Feedback(small(), 1, BUILT),
    "feedback of the output": lambda: Feedback(small(), 2, BUILT),
    "layer": lambda: Layer(small(), 1, BUILT),
    "output layer": lambda: Layer(small(), 2, BUILT),
    "cursor": lambda: Cursor(BUILT.of(small())),
    "commands": lambda: Commands(small(), BUILT),
    "weight port": lambda: WeightPort(BUILT.of(small())),
    "network": lambda: Network(small(), BUILT),
    "core": lambda: Core(small().config, BUILT),
    "smallest core": lambda: Core(small().config, SMALLEST),
    "receiver": Receiver,
    "transmitter": Transmitter,
    "frame receiver": FrameReceiver,
    "frame sender": lambda: FrameSender(Hello(VERSION, 256, 256, 12_000_000)),
    "buffers": lambda: Buffers(256, 256),
    "link": lambda: Link(clock_hz=12_000_000, slots=2, ring=256),
}

PARTS = {"Integrators", "Neurons", "RegisterBank", "Rule", "Streams", "Vector"}
"""Components that are nothing without the network around them, and bases of others."""


def test_no_component_is_forgotten():
    found = set()
    for module in pkgutil.walk_packages(spikeloom.hdl.__path__, "spikeloom.hdl."):
        for name, thing in vars(importlib.import_module(module.name)).items():
            ours = inspect.isclass(thing) and thing.__module__ == module.name
            if ours and issubclass(thing, wiring.Component):
                found.add(name)
    made = set()
    for make in COMPONENTS.values():
        component = make()
        Fragment.get(component, None)  # Amaranth warns of a component that nothing elaborates
        made.add(type(component).__name__)
    assert found == made | PARTS


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_synthesised(name: str, family: str, tmp_path: Path):
    check(cells(COMPONENTS[name](), family, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_tiny_is_synthesised(family: str, tmp_path: Path):
    check(cells(Core(load("tiny")), family, tmp_path))


@pytest.mark.slow
def test_every_part_of_a_weight_memory_keeps_its_address_registers(tmp_path: Path):
    """Registers that hold the same become one, and its wires the longest of all."""
    first = Hardware(lanes=(4,)).of(small())[0]

    def registers(parts: int) -> int:
        crossbar = Crossbar(first, transposed=False, hardware=Hardware(parts=parts))
        found = cells(crossbar, "ecp5", tmp_path)["late"]
        return sum(n for name, n in found.items() if re.fullmatch(FLIP_FLOP["ecp5"], name))

    bits = (first.n_pre * first.words - 1).bit_length()
    assert registers(4) >= registers(1) + 3 * LATENCY * bits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "ports"), [("ice40", 1), ("ice40", 2), ("ecp5", 2), ("gowin", 2)]
)
def test_the_weights_of_a_larger_core_lie_in_block_ram(family: str, ports: int, tmp_path: Path):
    config, hardware = load("mnist-196-32-10"), Hardware(lanes=(8,), ports=(ports,))
    found = cells(Core(config, hardware), family, tmp_path)
    check(found)

    def count(pattern: str) -> int:
        return sum(n for name, n in found["late"].items() if re.fullmatch(pattern, name))

    first = hardware.of(machine(config))[0]
    bits = first.n_pre * first.words * first.lanes * first.weight_bits
    assert count(BLOCK_RAM[family]) >= bits // BLOCK_BITS[family]
    assert count(FLIP_FLOP[family]) < bits // 8, "a memory has become flip-flops"


class Latch(wiring.Component):
    """What must not pass: a register that another signal than the clock resets."""

    def __init__(self) -> None:
        super().__init__({"clear": In(1), "value": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.other = ClockDomain(async_reset=True)
        m.d.comb += [ClockSignal("other").eq(ClockSignal()), ResetSignal("other").eq(self.clear)]
        value = Signal(init=1)
        m.d.other += value.eq(~value)
        m.d.sync += self.value.eq(value)
        return m


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_an_asynchronous_reset_is_refused(family: str, tmp_path: Path):
    with pytest.raises(AssertionError, match=r"not for open synthesis: \$adff"):
        check(cells(Latch(), family, tmp_path))
