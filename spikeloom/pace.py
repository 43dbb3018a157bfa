"""How many samples one call takes, so that Ctrl-C is answered soon and at a whole sample."""

from __future__ import annotations

import time
from collections.abc import Iterator

SECONDS = 0.5
"""What one call should take."""

GROWTH = 8
"""How much more the next call may do than the last, which may have been unusually quick."""

MOST = 4096


class Pace:
    """Chunks of about `SECONDS` each, measured as they run; the first is one sample."""

    def __init__(self) -> None:
        self._chunk = 1

    def chunks(self, count: int) -> Iterator[slice]:
        """Yield slices that cover 0 .. count-1 in order; each takes until the next is asked for."""
        first = 0
        while first < count:
            size = min(self._chunk, count - first)
            started = time.perf_counter()
            yield slice(first, first + size)
            self.note(size, time.perf_counter() - started)
            first += size

    def note(self, samples: int, seconds: float) -> None:
        """Learn from a chunk of `samples` that took `seconds`."""
        fitting = int(samples * SECONDS / max(seconds, 1e-9))
        self._chunk = max(1, min(fitting, GROWTH * self._chunk, MOST))
