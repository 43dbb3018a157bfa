"""The command line: `spikeloom VERB`. Each verb is a thin function in a file of its name."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.exceptions import TyperException

from spikeloom.cli.boards import boards
from spikeloom.cli.build import build
from spikeloom.cli.configs import configs
from spikeloom.cli.demo import demo
from spikeloom.cli.evidence import evidence
from spikeloom.cli.flash import flash
from spikeloom.cli.fuzz import fuzz
from spikeloom.cli.infer import infer
from spikeloom.cli.paper import paper
from spikeloom.cli.perf import perf
from spikeloom.cli.selftest import selftest
from spikeloom.cli.sim_board import sim_board
from spikeloom.cli.train import train
from spikeloom.cli.upsets import upsets
from spikeloom.cli.verify import verify
from spikeloom.sim import interrupt

FAILED = 2


def expected_errors() -> tuple[type[Exception], ...]:
    """Return the errors whose message is all that a user needs."""
    # Only where something went wrong: Amaranth and matplotlib cost a second to import.
    from spikeloom.boards.clock import ClockError
    from spikeloom.boards.hardware import HardwareError
    from spikeloom.boards.host.device import DeviceError
    from spikeloom.boards.host.link import LinkError
    from spikeloom.boards.host.port import PortError
    from spikeloom.boards.loader import FlashError
    from spikeloom.boards.planner import PlanError
    from spikeloom.boards.steps import StepError
    from spikeloom.boards.targets import TargetError
    from spikeloom.boards.tools import ToolError
    from spikeloom.golden.datasets import DataError
    from spikeloom.golden.spec.schema import ConfigError
    from spikeloom.sim.board_table import TableError
    from spikeloom.sim.checkpoint import CheckpointError
    from spikeloom.sim.evidence.errors import EvidenceError
    from spikeloom.sim.paper.errors import PaperError
    from spikeloom.sim.report import ReportError
    from spikeloom.sim.toolchain import ToolchainError
    from spikeloom.sim.transport import TransportError
    from spikeloom.sim.upsets import UpsetError
    from spikeloom.sim.verilate import BuildError

    return (
        ConfigError,
        DataError,
        CheckpointError,
        ReportError,
        ToolchainError,
        BuildError,
        DeviceError,
        LinkError,
        PortError,
        TransportError,
        UpsetError,
        TargetError,
        HardwareError,
        PlanError,
        ClockError,
        ToolError,
        StepError,
        FlashError,
        TableError,
        PaperError,
        EvidenceError,
    )


class Verbs(TyperGroup):
    """The verbs, which turn an expected error into its message and status 2."""

    def invoke(self, ctx: typer.Context) -> Any:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _tell("stopped")
            raise typer.Exit(interrupt.STATUS) from None
        except (typer.Exit, TyperException):
            raise
        except Exception as error:
            if not isinstance(error, expected_errors()):
                raise
            _tell(f"error: {error}")
            raise typer.Exit(FAILED) from None


def _tell(message: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)


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
        typer.echo(f"spikeloom {metadata.version('spikeloom')}")
        raise typer.Exit


app = typer.Typer(
    cls=Verbs,
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
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


VERBS = (
    *(configs, train, infer, verify, fuzz, upsets, perf, demo, paper, evidence),
    *(boards, build, flash, selftest, sim_board),
)

for verb in VERBS:
    app.command()(verb)


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="spikeloom")
