"""Benches of `hdl.registers` and `hdl.streams`: what the host reads and writes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from amaranth import Module, ResetInserter
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.lfsr import advance, parameters, to_signed
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.registers import Access, registers
from spikeloom.golden.spec.streams import INFERENCE, drawn, streams
from spikeloom.hdl import registers as hdl
from spikeloom.hdl import streams as hdl_streams
from tests.bench.bench import Bench, Case, Driver, Pins, lanes
from tests.support import stimulus

CLOCKS = 250


class Bank(wiring.Component):
    """A register bank that shows `values` and tells which register is being written."""

    def __init__(self, machine: Machine, module) -> None:
        self._machine, self._module = machine, module
        count = len(registers(machine))
        super().__init__(
            {
                "host": In(hdl.REGISTER_ACCESS),
                "values": In(data.ArrayLayout(32, count)),
                "strobes": Out(count),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.bank = bank = self._module.RegisterBank(self._machine)
        wiring.connect(m, wiring.flipped(self.host), bank.host)
        for place, (name, register) in enumerate(registers(self._machine).items()):
            if register.access is not Access.CLEAR:
                bank.expose(name, self.values[place])
            if register.access is not Access.READ:
                m.d.comb += self.strobes[place].eq(bank.strobe(name))
        return m


class BankBench(Bench):
    """Any address, any value: data a clock later, a strobe in the clock of the write."""

    def __init__(self, component: Bank, seed: int, *, machine: Machine) -> None:
        super().__init__(component, seed)
        every = registers(machine).values()
        self.map = {register.address: (n, register) for n, register in enumerate(every)}
        self.data: int | None = None

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        for _ in range(CLOCKS):
            known = self.rng.random() < 0.9
            yield {
                "host__address": self.rng.choice(list(self.map))
                if known
                else self.rng.getrandbits(8),
                "host__write": self.rng.randint(0, 1),
                "values": self.rng.getrandbits(32 * len(self.map)),
            }

    def check(self, seen: Pins) -> None:
        if self.data is not None:
            self.expect("data", seen["host__data"], self.data)
        address, write = seen["host__address"], seen["host__write"]
        place, register = self.map.get(address, (0, None))
        self.data = 0
        if register is not None and register.access is not Access.CLEAR:
            self.data = lanes(seen["values"], 32, len(self.map))[place]
        written = register is not None and register.access is not Access.READ and write
        self.expect("strobes", seen["strobes"], 1 << place if written else 0)


class HostStreams(wiring.Component):
    """The drawn streams of a network behind a register bank, each a word a clock; a reset."""

    def __init__(self, machine: Machine, module) -> None:
        self._machine, self._module = machine, module
        count = len(streams(machine.config))
        super().__init__(
            {
                "host": In(hdl.REGISTER_ACCESS),
                "reset": In(1),
                "take": In(count),
                "words": Out(data.ArrayLayout(16, count)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.bank = bank = hdl.RegisterBank(self._machine)
        every = self._module.Streams(self._machine, bank)
        m.submodules.streams = ResetInserter(self.reset)(every)
        wiring.connect(m, wiring.flipped(self.host), bank.host)
        m.d.comb += every.value.eq(self.host.value)
        for number in drawn(self._machine):
            if number != INFERENCE:
                random = every.random(number)
                m.d.comb += random.take.eq(self.take[number])
                m.d.comb += self.words[number].eq(random.words[0])
        return m


class StreamsBench(Bench):
    """The host reads and writes states while words are drawn; resets on the way."""

    def __init__(self, component: HostStreams, seed: int, *, machine: Machine) -> None:
        super().__init__(component, seed)
        self.streams, self.drawn = streams(machine.config), drawn(machine)
        self.seeds = [stream.seed(machine.config.random.seed) for stream in self.streams]
        self.states = list(self.seeds)
        self.places = {}
        for name, register in registers(machine).items():
            if name.startswith("stream."):
                _, stream, half = name.split(".")
                number = [s.name for s in self.streams].index(stream)
                self.places[register.address] = (number, half == "high")
        self.data: int | None = None

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        rng = self.rng
        for _ in range(CLOCKS):
            address, kind = rng.choice(list(self.places)), rng.random()
            if kind < 0.2:
                yield {
                    "host__address": address,
                    "host__write": 1,
                    "host__value": rng.getrandbits(32) | 1,
                }
            elif kind < 0.22:
                yield {"host__address": address, "reset": 1}
            else:
                yield {"host__address": address, "take": rng.getrandbits(len(self.streams))}

    def check(self, seen: Pins) -> None:
        if self.data is not None:
            self.expect("data", seen["host__data"], self.data)
        number, high = self.places.get(seen["host__address"], (0, False))
        self.data = self.states[number] >> 32 * high & 0xFFFFFFFF
        if seen["host__address"] not in self.places:
            self.data = 0
        words = lanes(seen["words"], 16, len(self.streams))
        for place in set(self.drawn) - {INFERENCE}:
            stream = self.streams[place]
            p, state = parameters(stream.lfsr), to_signed(self.states[place])
            after = advance(state, p)
            self.expect(f"word of {stream.name}", words[place], after & 0xFFFF)
            if seen["take"] >> place & 1:
                self.states[place] = after & stream.lfsr.mask
        if seen["host__write"]:
            kept = self.states[number] & ~(0xFFFFFFFF << 32 * high)
            self.states[number] = kept | seen["host__value"] << 32 * high
            self.states[number] &= self.streams[number].lfsr.mask
        if seen["reset"]:
            self.states = list(self.seeds)


def described(**changes) -> Machine:
    """Return a machine whose streams have generators of many widths; it draws from all of them."""
    kinds = {"input": "lfsr48", "thinning": "lfsr16", "dropout": "lfsr31", "label": "lfsr64"}
    names = {f"random__{kind}": name for kind, name in kinds.items()} | changes
    layers = stimulus.machine().layers
    layers = (*(dataclasses.replace(layer, dropout=1) for layer in layers[:-1]), layers[-1])
    random_label = {"label_is_random": True, "input_dropout": 1}
    return stimulus.machine(layers, random__seed=2**63 - 1, **random_label | names)


def cases(module=hdl) -> list[Case]:
    """Return the register bank of a network."""
    machine = described()
    return [
        Case(
            "registers",
            lambda: Bank(machine, module),
            lambda component, seed: BankBench(component, seed, machine=machine),
        )
    ]


def streams_case(lfsr: str, module=hdl_streams, **changes) -> Case:
    """Return the streams of a network whose input comes from the generator `lfsr`."""
    machine = described(random__input=lfsr, **changes)
    return Case(
        f"streams_{lfsr}_{len(drawn(machine))}",
        lambda: HostStreams(machine, module),
        lambda component, seed: StreamsBench(component, seed, machine=machine),
    )


def streams_cases(module=hdl_streams) -> list[Case]:
    """Return streams with several generators as the input's, some of them never drawn from."""
    return [
        *(streams_case(lfsr, module) for lfsr in ("lfsr48", "lfsr24", "lfsr64")),
        streams_case("lfsr31", module, label_is_random=False, input_dropout=0),
    ]
