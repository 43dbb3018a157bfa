"""The command line: `spikeloom VERB`. Each verb is a thin function in a file of its name."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

import spikeloom
from spikeloom import interrupt
from spikeloom.cli.boards import boards
from spikeloom.cli.build import build
from spikeloom.cli.configs import configs
from spikeloom.cli.demo import demo
from spikeloom.cli.flash import flash
from spikeloom.cli.import_ import import_
from spikeloom.cli.infer import infer
from spikeloom.cli.output import Output
from spikeloom.cli.perf import perf
from spikeloom.cli.selftest import selftest
from spikeloom.cli.sim_board import sim_board
from spikeloom.cli.train import train
from spikeloom.cli.tune import tune
from spikeloom.cli.verify import verify
from spikeloom.errors import SpikeloomError, naming_extras

FAILED = 2


class Verbs(TyperGroup):
    """The verbs, which turn an expected error into its message and status 2."""

    def invoke(self, ctx: typer.Context) -> Any:
        """Run a verb."""
        output = Output(json="--json" in ctx.args)
        try:
            with naming_extras():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            output.say("stopped")
            output.result({"error": "stopped"})
            raise typer.Exit(interrupt.STATUS) from None
        except SpikeloomError as error:
            output.say(f"error: {error}")
            output.result({"error": str(error)})
            raise typer.Exit(FAILED) from None
        except TyperException as error:  # whose message Typer prints, with the verb's usage
            output.result({"error": error.format_message()})
            raise


HELP = """
A spiking network that learns by backpropagation in hardware.

The golden model and the hardware description (RTL) reach the same bits:
train in one, go on in the other, compare them, measure them.

[bold]Start with[/bold]

[cyan]spikeloom demo[/cyan]                          learn digits in RTL, in minutes
[cyan]spikeloom train mnist-784-128-10[/cyan]        learn all digits in seconds
[cyan]spikeloom train --help[/cyan]                  what else there is to say
"""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spikeloom {spikeloom.__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Verbs,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of no verb."""


for verb in (
    *(configs, train, tune, import_, infer, verify, perf, demo),
    *(boards, build, flash, selftest, sim_board),
):
    app.command(verb.__name__.strip("_").replace("_", "-"))(verb)


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="spikeloom")
