"""Where the console script begins: before anything that takes a second to import."""

from __future__ import annotations

import sys

from spikeloom.interrupt import stoppable


def main() -> None:
    """Run the command line; Ctrl-C while it is still loading ends it as later on."""

    def run() -> int:
        from spikeloom.cli.main import main as verbs

        verbs()  # exits by itself
        return 0

    sys.exit(stoppable(run))
