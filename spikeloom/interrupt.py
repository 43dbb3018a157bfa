"""Ctrl-C for commands that say, or keep, what they have done so far."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

STATUS = 130
"""Exit status of what was stopped, as shells have it."""

AGAIN = 3.0
"""Seconds in which a further Ctrl-C is the same one."""


class Stop:
    """A context in which Ctrl-C raises `KeyboardInterrupt`, and again only `AGAIN` later.

    A second one would end what keeps the work: people press it twice, and ``timeout -s INT``
    sends two at once. What is raised within a callback of the garbage collector gets lost: a loop
    calls `check`. Outside the main thread, where no handler can be set, it does nothing.
    """

    def __init__(self) -> None:
        self._asked: float | None = None
        self._before: Callable[[int, FrameType | None], Any] | int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked is None or now - self._asked > AGAIN:
            self._asked = now
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if there was a Ctrl-C."""
        if self._asked is not None:
            raise KeyboardInterrupt


def stoppable(main: Callable[[], int]) -> int:
    """Return the status of a command, which Ctrl-C ends with a line."""
    try:
        return main()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STATUS
