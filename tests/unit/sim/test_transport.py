"""The Verilated engine's transport: bytes under stalls, what hangs, waveforms."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spikeloom.sim.rtl.transport import TransportError, VerilatedTransport
from tests.support.byte_cores import HANG, Echo, Wire, own_cache
from tests.support.verilated import verilated


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    own_cache(tmp_path_factory, monkeypatch)


@pytest.fixture
def echo():
    with verilated(Echo()) as transport:
        yield transport


# --- transfers


def test_echo_takes_one_cycle_per_byte(echo, rng):
    data = rng.integers(0, HANG, 2000, np.uint8)
    assert echo.transfer(data, 2000) == data.tobytes()
    assert echo.cycles == 2001


@pytest.mark.parametrize(("in_", "out"), [(200, 0), (0, 200), (128, 128), (255, 255)])
@pytest.mark.parametrize("component", [Echo, Wire])
def test_random_stalls_lose_no_byte_and_keep_the_streams_rule(component, in_, out, rng, seed):
    data = rng.integers(0, HANG, 1000, np.uint8)
    with verilated(component()) as transport:
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
        with verilated(Echo()) as transport:
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


def test_after_a_transfer_that_stopped_short_no_other_is_taken_for_in_step(echo):
    echo.idle_limit = 10
    with pytest.raises(TransportError, match="1 of 2 reply"):
        echo.transfer(b"a", 2)
    for _ in range(2):
        with pytest.raises(TransportError, match=r"earlier .* stopped short.*: make another"):
            echo.transfer(b"b", 1)
    echo.run(1)
    assert not echo.busy


def test_missing_reply_of_a_core_at_rest_is_reported(echo):
    echo.idle_limit = 10
    with pytest.raises(TransportError, match=r"2 of 3 reply .* 2 of 2 bytes .*core not busy"):
        echo.transfer(b"ab", 3)


def test_two_instances_do_not_see_each_other(rng):
    data = [rng.integers(0, HANG, 20_000, np.uint8) for _ in range(2)]
    with (
        verilated(Echo()) as first,
        verilated(Echo()) as second,
        verilated(Wire()) as third,
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
    with verilated(Echo(), trace=True) as transport:
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
    with verilated(Echo(), trace=True) as transport:
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
        verilated(Echo(), trace=True) as transport,
        pytest.raises(TransportError, match=r"cannot write the waveform .*nowhere"),
        transport.vcd(tmp_path / "nowhere" / "x.vcd"),
    ):
        pass
