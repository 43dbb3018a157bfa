"""The helpers for Amaranth's own simulator: they deliver, they check, they end."""

from __future__ import annotations

import gc

import pytest
from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tests.bench.pysim import SimulationTimeoutError, StreamRuleError, collect, get, put, run


class Register(wiring.Component):
    """A byte later by a cycle; faults: ``withdraw`` or ``change`` what is not taken, ``drop``."""

    def __init__(self, fault: str = "", shape=8) -> None:
        signature = stream.Signature(shape)
        super().__init__({"i": In(signature), "o": Out(signature)})
        self.fault = fault

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.comb += self.i.ready.eq(self.o.ready | ~self.o.valid)
        if self.fault == "drop":
            m.d.comb += self.i.ready.eq(1)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [self.o.payload.eq(self.i.payload), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.Elif(self.o.valid):
            if self.fault == "withdraw":
                m.d.sync += self.o.valid.eq(0)
            if self.fault == "change":
                m.d.sync += self.o.payload.eq(self.o.payload + 1)
        return m


class Inverter(wiring.Component):
    """Logic without a clock."""

    def __init__(self) -> None:
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.comb += self.o.eq(~self.i)
        return m


def through(dut, values, *, put_stall=0.0, get_stall=0.0, seed=0, **options) -> list:
    """Send values through a component and return what comes out."""
    result = []

    async def send(ctx):
        await put(ctx, dut.i, values, stall=put_stall, seed=seed)

    async def receive(ctx):
        result.extend(await collect(ctx, dut.o, len(values), stall=get_stall, seed=seed + 1))

    run(dut, send, receive, **options)
    return result


@pytest.mark.parametrize("stalls", [(0, 0), (0.8, 0), (0, 0.8), (0.5, 0.5)])
def test_streams_deliver_every_value_in_order_under_stalls(stalls, rng, seed):
    values = rng.integers(0, 256, 200).tolist()
    put_stall, get_stall = stalls
    assert (
        through(Register(), values, put_stall=put_stall, get_stall=get_stall, seed=seed) == values
    )


def test_streams_without_stalls_move_a_value_every_cycle():
    assert len(through(Register(), range(100), max_cycles=102)) == 100
    with pytest.raises(SimulationTimeoutError):
        through(Register(), range(100), max_cycles=100)


def test_stalls_cost_cycles():
    with pytest.raises(SimulationTimeoutError):
        through(Register(), range(100), put_stall=0.5, max_cycles=140)
    with pytest.raises(SimulationTimeoutError):
        through(Register(), range(100), get_stall=0.5, max_cycles=140)


def test_structured_payloads_pass():
    shape = data.StructLayout({"row": 4, "last": 1})
    (value,) = through(Register(shape=shape), [{"row": 9, "last": 1}])
    assert (value.row, value.last) == (9, 1)


def test_get_takes_one_value():
    dut = Register()
    taken = []

    async def bench(ctx):
        await put(ctx, dut.i, [7])
        taken.append(await get(ctx, dut.o))
        assert not ctx.get(dut.o.valid)

    run(dut, bench)
    assert taken == [7]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("withdraw", r"value \d+ was offered as \d+ and withdrawn before it was taken"),
        ("change", r"value \d+ was offered as \d+ and changed to \d+ before it was taken"),
        ("drop", r"value \d+ was offered as \d+ and changed to \d+ before it was taken"),
    ],
)
def test_component_that_breaks_the_streams_rule_is_found(fault, message):
    with pytest.raises(StreamRuleError, match=message):
        through(Register(fault), range(100), get_stall=0.5)


def test_bench_that_does_not_end_is_named():
    dut = Register()

    async def ends(ctx):
        await ctx.tick()

    async def waits_for_a_value_that_never_comes(ctx):
        await get(ctx, dut.o)

    with pytest.raises(
        SimulationTimeoutError,
        match=r"^not finished after 50 cycles: waits_for_a_value_that_never_comes$",
    ):
        run(dut, ends, waits_for_a_value_that_never_comes, max_cycles=50)


def test_monitors_watch_but_do_not_keep_a_run_from_ending():
    dut = Register()
    cycles = 0

    async def count(ctx):
        nonlocal cycles
        async for _ in ctx.tick():
            cycles += 1

    async def bench(ctx):
        await ctx.tick().repeat(5)

    async def never_content(ctx):
        await ctx.tick()
        raise AssertionError("monitored")

    run(dut, bench, monitors=[count])
    assert cycles == 5
    with pytest.raises(AssertionError, match="monitored"):
        run(Register(), bench, monitors=[never_content])


def test_unfinished_benches_are_put_away_without_a_warning(recwarn):
    dut = Register()

    async def waits(ctx):
        await ctx.tick().until(dut.o.valid)

    async def repeats(ctx):
        await ctx.tick().repeat(1000)

    async def iterates(ctx):
        async for _ in ctx.tick():
            pass

    async def fails(ctx):
        raise AssertionError("seen")

    async def not_begun(ctx):
        await ctx.tick()

    with pytest.raises(SimulationTimeoutError, match=r": waits, repeats, iterates$"):
        run(dut, waits, repeats, iterates, max_cycles=5)
    with pytest.raises(AssertionError, match="seen"):
        run(Register(), fails, not_begun)
    gc.collect()
    assert not recwarn.list


def test_failure_of_a_bench_fails_the_run():
    async def fails(ctx):
        await ctx.tick()
        raise AssertionError("seen")

    with pytest.raises(AssertionError, match="seen"):
        run(Register(), fails)


def test_logic_without_a_clock_runs_and_may_wait_for_ticks():
    dut = Inverter()
    seen = []

    async def bench(ctx):
        for value in (0, 5):
            ctx.set(dut.i, value)
            await ctx.tick()
            seen.append(ctx.get(dut.o))

    run(dut, bench)
    assert seen == [255, 250]


def test_waveform_is_written_where_asked(tmp_path):
    path = tmp_path / "waves.vcd"
    through(Register(), [1, 2], vcd=path)
    assert "o__payload" in path.read_text()


@pytest.mark.parametrize("stall", [-0.1, 1.0])
def test_stall_that_is_no_probability_is_refused(stall):
    with pytest.raises(ValueError, match=rf"stall = {stall} is not a probability below 1"):
        through(Register(), [1], put_stall=stall)
