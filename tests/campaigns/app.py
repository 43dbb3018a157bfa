"""The campaigns that fill the evidence page, as verbs of one command."""

from __future__ import annotations

import typer

from spikeloom.cli.main import Verbs
from tests.campaigns.evidence.command import evidence
from tests.campaigns.fuzz.command import fuzz
from tests.campaigns.upsets.command import upsets
from tests.paper.command import paper

app = typer.Typer(
    cls=Verbs,
    help="Campaigns that check the whole, and the paper's experiments.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for verb in (fuzz, upsets, paper, evidence):
    app.command()(verb)
