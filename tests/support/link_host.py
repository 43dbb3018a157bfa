"""The host of the link before a board written in Python, compared at both ends."""

from __future__ import annotations

import random

from spikeloom.boards.host.link import LinkTransport
from tests.support.link_board import PythonCore, ReferenceBoard, expected_replies
from tests.support.link_line import SimulatedLine


class Link:
    """A host, a line, a board and a core."""

    def __init__(self, *, commands=256, replies=256, latency=0, board=None, **options):
        self.core = PythonCore()
        self.board = board or ReferenceBoard(self.core, commands=commands, replies=replies)
        self.line = SimulatedLine(self.board, latency=latency)
        self.host = LinkTransport(self.line, **options)
        self.sent = bytearray()
        self.replied = 0

    def check(self, data: bytes) -> None:
        """Send commands; compare all that arrives at either end."""
        want = expected_replies(data, self.replied)
        assert self.host.transfer(data, len(want)) == want
        self.sent += data
        self.replied += len(want)
        assert bytes(self.core.commands) == self.sent


def randoms(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)
