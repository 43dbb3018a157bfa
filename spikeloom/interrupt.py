"""Ctrl-C, and being told to end, for what says or keeps what it has done so far."""

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

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """A context in which Ctrl-C or SIGTERM raises `KeyboardInterrupt`, again only `AGAIN` later.

    A second one would end what keeps the work: people press it twice, and ``timeout -s INT``
    sends two at once. What is raised within a callback of the garbage collector gets lost: a loop
    calls `check`. Outside the main thread, where no handler can be set, it does nothing.

    Parameters
    ----------
    patient : the first waits for `check`, where nothing is half done.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self._patient = patient
        self._asked: float | None = None
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        first = self._asked is None
        if self._asked is None or now - self._asked > AGAIN:
            self._asked = now
            if not (first and self._patient):
                raise KeyboardInterrupt

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if one was asked for."""
        if self._asked is not None:
            raise KeyboardInterrupt


def stoppable(main: Callable[[], int]) -> int:
    """Return the status of a command, which Ctrl-C or SIGTERM ends with a line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return main()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STATUS
