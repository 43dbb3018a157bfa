"""The board's byte stream and the host's side under hostile bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import strategies as st

from tests.campaigns.fuzz import board, host
from tests.campaigns.fuzz.draw import Draw
from tests.campaigns.fuzz.host import Script
from tests.campaigns.fuzz.hunt import SHRINK_SECONDS, Hunt, hunt
from tests.campaigns.fuzz.scripts import scripts
from tests.campaigns.fuzz.session import Session
from tests.campaigns.fuzz.sessions import sessions

SCRIPTS = 20
"""Sessions of a host for each of a board, which is simulated."""


def fuzz(
    *,
    seed: int,
    seconds: float,
    shrink_seconds: float = SHRINK_SECONDS,
    progress: Callable[[Hunt[Session | Script]], None] = lambda so_far: None,
) -> Hunt[Session | Script]:
    """Try random sessions of boards and of hosts; see `hunt`."""
    return hunt(
        examples(),
        replay,
        size=lambda example: len(example.to_json()),
        seed=seed,
        seconds=seconds,
        shrink_seconds=shrink_seconds,
        progress=progress,
    )


@st.composite
def examples(draw: Draw) -> Session | Script:
    """Draw a session of a board or, as these take no time, one of `SCRIPTS` as many of a host."""
    return draw(scripts() if draw(st.integers(0, SCRIPTS)) else sessions())


def replay(example: Session | Script) -> Counter[str]:
    """Run a session and count what passed; `AssertionError` where board or host fails."""
    return host.replay(example) if isinstance(example, Script) else board.replay(example)
