"""All random streams of a network, and the host's access to their states."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.streams import INFERENCE, INPUT, drawn, streams
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.lfsr import Generator, random_words
from spikeloom.hdl.registers import RegisterBank


class Streams(wiring.Component):
    """One generator per drawn stream; `random(number)` as `golden.spec.streams` numbers them.

    Parameters
    ----------
    machine : whose streams. bank : shows their states.
    hardware : how they are built; see `hdl.hardware`.

    Members
    -------
    value : In; what the host writes. begin : In; a sample begins, see `hdl.lfsr`. infer : In; it is
    one to infer. A port, see `hdl.lfsr.random_words`, by the name of each stream.
    """

    def __init__(self, machine: Machine, bank: RegisterBank, hardware: Hardware = DEFAULT) -> None:
        self._bank = bank
        config = machine.config
        self._streams = streams(config)
        seeds = [stream.seed(config.random.seed) for stream in self._streams]
        self._generators: dict[int, Generator] = {}
        for number in drawn(machine):
            lfsr = self._streams[number].lfsr
            if number == INFERENCE:
                self._generators[number] = self._generators[INPUT]
            elif number == INPUT:
                self._generators[number] = Generator(
                    lfsr,
                    seed=seeds[number],
                    draws=hardware.draws,
                    second=seeds[INFERENCE],
                    revives=hardware.revives,
                )
            else:
                self._generators[number] = Generator(
                    lfsr, seed=seeds[number], revives=hardware.revives
                )
        for number, target in self._generators.items():
            name_of = self._streams[number].name
            state = target.seed if number == INFERENCE else target.state
            for half, name in enumerate(("low", "high")):
                bits = state[32 * half : 32 * half + 32]
                bank.expose(f"stream.{name_of}.{name}", bits)
        super().__init__(
            {
                "value": In(32),
                "begin": In(1),
                "infer": In(1),
                **{
                    self._streams[number].name: Out(random_words(target.draws))
                    for number, target in self._generators.items()
                    if number != INFERENCE
                },
            }
        )

    def random(self, number: int) -> wiring.PureInterface:
        """Return the port of a stream that is drawn from; inference has that of the input."""
        return getattr(self, self._streams[number].name)

    def elaborate(self, platform: object) -> Module:
        """Add the generators and connect them to the register bank."""
        m = Module()
        for number, target in self._generators.items():
            stream = self._streams[number]
            write = target.write_seed if number == INFERENCE else target.write
            for half, name in enumerate(("low", "high")):
                m.d.comb += write[half].eq(self._bank.strobe(f"stream.{stream.name}.{name}"))
            if number != INFERENCE:
                m.submodules[stream.name] = target
                wiring.connect(m, target.random, wiring.flipped(self.random(number)))
                m.d.comb += [target.value.eq(self.value), target.begin.eq(self.begin)]
        source = self._generators[INPUT]
        m.d.comb += [source.infer.eq(self.infer), source.restart.eq(self.begin & self.infer)]
        return m
