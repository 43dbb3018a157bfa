"""`python -m spikeloom` is the command line."""

from __future__ import annotations

from spikeloom.cli.entry import main

if __name__ == "__main__":
    main()
