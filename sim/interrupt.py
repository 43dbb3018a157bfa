"""Ctrl-C for commands that say, or keep, what they have done so far."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STATUS = 130
"""Exit status of what was stopped, as shells have it."""


@contextmanager
def once() -> Iterator[None]:
    """Let the first Ctrl-C raise `KeyboardInterrupt` in the context, and no further one.

    A second one would end what keeps the work: people press it twice, and ``timeout -s INT``
    sends two at once. Outside the main thread, where no handler can be set, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stoppable(main: Callable[[], int]) -> int:
    """Return the status of a command, which Ctrl-C ends with a line."""
    try:
        return main()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STATUS
