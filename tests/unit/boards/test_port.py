"""A serial port carries bytes, and says in words what is wrong with it."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import threading
import time
import tty
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from spikeloom.boards.host import port as port_module
from spikeloom.boards.host.link import LinkTransport
from spikeloom.boards.host.port import Port, PortError
from tests.support.link_board import PythonCore, ReferenceBoard, expected_replies

PORTS = [
    SimpleNamespace(device="/dev/ttyUSB0", description="Dual RS232-HS"),
    SimpleNamespace(device="/dev/ttyACM3", description="Keyboard"),
]


class Terminal:
    """A pseudo-terminal: `name` is what a host opens, `far` the other end."""

    def __init__(self) -> None:
        self.far, self._near = os.openpty()
        tty.setraw(self._near)
        self.name = os.ttyname(self._near)

    def close(self) -> None:
        for end in (self.far, self._near):
            with contextlib.suppress(OSError):
                os.close(end)


@pytest.fixture
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture
def port(terminal):
    port = Port(terminal.name)
    yield port
    port.close()


@pytest.fixture
def ports(monkeypatch):
    """Let the system have the two ports of `PORTS`; the list may be changed."""
    found = list(PORTS)
    monkeypatch.setattr(port_module.list_ports, "comports", lambda: found)
    return found


def test_bytes_pass_both_ways(terminal, port):
    data = bytes(range(256))
    port.write(data)
    assert os.read(terminal.far, 1000) == data
    os.write(terminal.far, data)
    came = b""
    while len(came) < len(data):
        came += port.read(1.0)
    assert came == data


def test_reading_waits_no_longer_than_it_must(terminal, port, monkeypatch):
    looks = itertools.count()  # a second passes with every look at the clock
    monkeypatch.setattr(port_module, "time", SimpleNamespace(monotonic=lambda: next(looks)))
    os.write(terminal.far, b"now")
    assert port.read(1e9) == b"now"
    for seconds in (5.0, 0.0):
        began = next(looks)
        assert port.read(seconds) == b""
        assert seconds < next(looks) - began <= seconds + 3


def test_the_rate_is_changed_once_all_is_sent(terminal, port):
    port.write(b"before")
    port.set_baud(3_000_000)
    port.set_baud(3_000_000)
    assert os.read(terminal.far, 10) == b"before"


def test_a_rate_that_a_port_does_not_have_is_an_error(port, monkeypatch):
    def refuse(self, baud):
        raise ValueError("Failed to set custom baud rate")

    monkeypatch.setattr(serial.Serial, "baudrate", property(lambda self: 1, refuse))
    with pytest.raises(PortError, match=r"cannot run at 2000000 baud: Failed to set custom baud"):
        port.set_baud(2_000_000)


def test_a_port_is_for_one_process(terminal, port):
    with pytest.raises(PortError, match=f"{terminal.name} is in use by another program: end it"):
        Port(terminal.name)


def test_a_port_that_was_given_back_may_be_opened_again(terminal):
    first = Port(terminal.name)
    first.close()
    first.close()
    Port(terminal.name).close()


def test_a_name_that_is_no_port_is_told_the_nearest(ports):
    message = (
        r"there is no port /dev/ttyUSB1; did you mean /dev/ttyUSB0\? ports found: "
        r"/dev/ttyACM3 \(Keyboard\), /dev/ttyUSB0 \(Dual RS232-HS\)"
    )
    with pytest.raises(PortError, match=message):
        Port("/dev/ttyUSB1")


def test_where_there_is_no_port_at_all_that_is_said(ports):
    ports.clear()
    message = "there is no port /dev/ttyUSB1; no serial port was found: is the board plugged in?"
    with pytest.raises(PortError, match=message):
        Port("/dev/ttyUSB1")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_serial_port_is_refused(kind, tmp_path: Path, ports):
    path = tmp_path / kind
    path.touch() if kind == "file" else path.mkdir()
    with pytest.raises(PortError, match=rf"{path} is no serial port \(.+\); ports found: /dev/tty"):
        Port(str(path))


def fail(monkeypatch, error: Exception) -> None:
    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr(port_module.serial, "Serial", refuse)


def test_a_port_that_may_not_be_opened_names_the_group(tmp_path: Path, monkeypatch):
    path = tmp_path / "ttyUSB0"
    path.touch()
    fail(monkeypatch, serial.SerialException(errno.EACCES, "could not open port"))
    group = path.group()
    message = (
        rf"{path} may not be opened by this user: it belongs to group '{group}'. Join it with "
        rf"'sudo usermod -a -G {group} \$USER', then log in again"
    )
    with pytest.raises(PortError, match=message):
        Port(str(path))


def test_where_a_port_has_no_group_the_user_is_told_what_is_known(monkeypatch):
    fail(monkeypatch, serial.SerialException(errno.EACCES, "Access is denied"))
    with pytest.raises(PortError, match="COM9 may not be opened by this user, or another program"):
        Port("COM9")


@pytest.mark.parametrize("what", ["read", "write"])
def test_a_pulled_cable_is_an_error(what, terminal, port):
    terminal.close()
    with pytest.raises(PortError, match=r"has gone \(.+\): is the cable pulled, or did another"):
        port.read(1.0) if what == "read" else port.write(b"x")


def test_a_port_that_takes_nothing_is_an_error(port, monkeypatch):
    def wait(self, data):
        raise serial.SerialTimeoutException("Write timeout")

    monkeypatch.setattr(serial.Serial, "write", wait)
    with pytest.raises(PortError, match="took nothing for 5 s: is its adapter stuck"):
        port.write(b"x")


def serve(terminal: Terminal, board: ReferenceBoard, end: threading.Event) -> None:
    """Let a board of the tests hang on a pseudo-terminal."""
    os.set_blocking(terminal.far, False)
    while not end.is_set():
        try:
            data = os.read(terminal.far, 4096)
        except BlockingIOError:
            data = b""
            time.sleep(0.0005)
        steps = [*data, *[None] * 40]
        out = bytes(byte for step in steps for byte in board.step(step))
        if out:
            os.write(terminal.far, out)


def test_a_link_over_a_real_port_loses_nothing(terminal):
    end, data = threading.Event(), bytes(range(256)) * 20
    thread = threading.Thread(target=serve, args=(terminal, ReferenceBoard(PythonCore()), end))
    thread.start()
    try:
        with LinkTransport.open(terminal.name) as host:
            want = expected_replies(data)
            assert host.transfer(data, len(want)) == want
    finally:
        end.set()
        thread.join()


def test_a_port_is_given_back_where_no_board_is_found(terminal, monkeypatch):
    for name in ("FIRST_SECONDS", "OTHER_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(f"spikeloom.boards.host.frames.{name}", 0.01)
    with pytest.raises(RuntimeError, match="nothing answers on"):
        LinkTransport.open(terminal.name)
    Port(terminal.name).close()
