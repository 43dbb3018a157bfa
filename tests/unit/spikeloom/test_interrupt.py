"""Ctrl-C and SIGTERM: when they are heard, and what they leave."""

from __future__ import annotations

import signal
import threading

import pytest

from spikeloom import interrupt
from spikeloom.interrupt import Stop, stoppable

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_ctrl_c_ends_a_tool_with_a_line(number: int, capsys: pytest.CaptureFixture[str]):
    def main() -> int:
        signal.raise_signal(number)
        return 0

    before = {each: signal.getsignal(each) for each in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    try:
        assert stoppable(main) == 130
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_ctrl_c_interrupts_only_after_a_while(
    number: int, monkeypatch: pytest.MonkeyPatch
):
    before = signal.getsignal(number)
    with Stop() as stop:
        stop.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)
        monkeypatch.setattr(interrupt, "AGAIN", -1.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_patient_one_waits_for_the_check(number: int, monkeypatch: pytest.MonkeyPatch):
    with Stop(patient=True) as stop:
        stop.check()
        signal.raise_signal(number)
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            stop.check()
        monkeypatch.setattr(interrupt, "AGAIN", -1.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_got_lost_is_noticed_by_the_next_check():
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with Stop() as stop:
        Dying()  # Python prints what is raised here and goes on
        with pytest.raises(KeyboardInterrupt):
            stop.check()


def test_a_thread_leaves_ctrl_c_alone():
    done = []

    def work() -> None:
        with Stop():
            done.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [before]
