"""``python -m tests.campaigns VERB``: fuzz, upsets, paper, evidence."""

from __future__ import annotations

from tests.campaigns.app import app

app(prog_name="python -m tests.campaigns")
