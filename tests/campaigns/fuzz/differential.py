"""Golden against RTL on random cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.campaigns.fuzz import simulate
from tests.campaigns.fuzz.case import Case
from tests.campaigns.fuzz.commands import cases
from tests.campaigns.fuzz.hunt import SHRINK_SECONDS, Hunt, hunt


def fuzz(
    *,
    seed: int,
    seconds: float,
    shrink_seconds: float = SHRINK_SECONDS,
    progress: Callable[[Hunt[Case]], None] = lambda so_far: None,
) -> Hunt[Case]:
    """Try random cases; see `hunt`."""
    seen: set[str] = set()

    def run(case: Case) -> Counter[str]:
        body = repr((case.config, case.hardware))
        counted = replay(case)
        counted["configurations"] = int(body not in seen)
        seen.add(body)
        return counted

    return hunt(
        cases(),
        run,
        size=lambda case: len(case.to_json()),
        seed=seed,
        seconds=seconds,
        shrink_seconds=shrink_seconds,
        progress=progress,
    )


def replay(case: Case) -> Counter[str]:
    """Run a case and count what it compared; `DifferenceError` where golden and RTL differ."""
    found = simulate.run(case)
    counted = Counter(
        {
            "commands": found.commands,
            "images": found.events["trained"] + found.events["inferred"],
            "weights_compared": found.weights,
            "counts_compared": found.counts,
            "reply_bytes": found.reply_bytes,
            "clock_cycles": found.cycles,
        }
    )
    return counted + found.events
