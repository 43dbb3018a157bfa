"""How many samples one call takes, so that Ctrl-C is answered soon and at a whole sample."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

SECONDS = 0.5
"""What one call should take."""

GROWTH = 8
"""How much more the next call may do than the last, which may have been unusually quick."""

MOST = 4096


class Pace:
    """Chunks of about `SECONDS` each, measured as they run; the first is one sample."""

    def __init__(self) -> None:
        self._chunk = 1

    def chunks(self, count: int) -> Iterator[range]:
        """Yield ranges that cover 0 .. count-1 in order; each takes until the next is asked for."""
        first = 0
        while first < count:
            size = min(self._chunk, count - first)
            started = time.perf_counter()
            yield range(first, first + size)
            self.note(size, time.perf_counter() - started)
            first += size

    def note(self, samples: int, seconds: float) -> None:
        """Learn from a chunk of `samples` that took `seconds`."""
        fitting = int(samples * SECONDS / max(seconds, 1e-9))
        self._chunk = max(1, min(fitting, GROWTH * self._chunk, MOST))


class Patience:
    """A context in which Ctrl-C waits for `check` or the end; a second one waits for nothing.

    Outside the main thread, where no handler can be set, it does nothing.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before: Callable[[int, FrameType | None], Any] | int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if kind is None:
            self.check()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def check(self) -> None:
        """Raise the `KeyboardInterrupt` that waits, if one does."""
        if self._asked:
            self._asked = False
            raise KeyboardInterrupt
