"""`spikeloom import`: a network from elsewhere, as a configuration and a checkpoint of ours."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from spikeloom import nir, outputs
from spikeloom.cli import options
from spikeloom.cli.output import Output, percent
from spikeloom.golden import datasets
from spikeloom.golden.spec.document import short
from spikeloom.network import Network
from spikeloom.nir import checking
from spikeloom.nir.lowering import image_shape

IMAGES = 1000
"""Images that the two are compared on, where no file has any."""
BALANCED_ON = 2000


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A .nir file, or an .npz with weight1 [out, in], bias1, ...",
            show_default=False,
        ),
    ],
    save: Annotated[
        Path, typer.Option(metavar="NAME", help="Write NAME.toml and NAME.npz.", show_default=False)
    ],
    framework: Annotated[
        Literal["snntorch", "spikingjelly", "norse", "sinabs", "nir", "relu"] | None,
        typer.Option(
            "--from",
            help="Who made it, which decides how it runs; nir: to the letter. relu: an ANN in an "
            ".npz, whose thresholds are balanced on training images.",
            show_default=False,
        ),
    ] = None,
    reset: Annotated[
        Literal["subtract", "zero"] | None,
        options.optional("What a spike does to its membrane.  \\[default: the framework's]", ""),
    ] = None,
    dt: Annotated[
        float | None,
        options.optional("Seconds per step.  \\[default: the framework's]", "S"),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, max=4096, metavar="T", help="Steps per image.")] = 25,
    bits: Annotated[
        Any,
        typer.Option(
            metavar="N[,N...]", help="Bits of the weights of each layer.", parser=options.numbers
        ),
    ] = "8",
    input_: Annotated[
        Literal["spikes", "constant"],
        typer.Option("--input", help="How pixels enter it: as spikes, or as constant currents."),
    ] = "spikes",
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Leave out what cannot be built, and say so.")
    ] = False,
    check: Annotated[
        Path | None,
        options.optional(
            "Compare on what the framework did: spikes (packed) or pixels, labels, counts.  "
            "\\[default: test images, spikes drawn]",
            "SPIKES.npz",
        ),
    ] = None,
    data: options.Data = "mnist",
    json: options.Json = False,
) -> None:
    """Import a network that was trained elsewhere.

    It becomes a configuration and a checkpoint that infer and train take as
    any other; build and verify take the configuration. Printed are accuracy
    in float and in integers, and how many spike counts agree: accuracy alone
    hides a wrong reset.

    [bold]Examples[/bold]

    [cyan]spikeloom import leaky.nir --from snntorch --reset subtract --save leaky[/cyan]
    [cyan]spikeloom infer leaky.toml --weights leaky.npz[/cyan]

    An ANN with ReLU:
    [cyan]spikeloom import ann.npz --from relu --steps 64 --save ann[/cyan]
    """
    output = Output(json=json)
    if framework is None:
        raise typer.BadParameter(
            "a file does not say how it runs: name what made it", param_hint="--from"
        )
    toml, kept = (outputs.file(save.with_name(save.name + end)) for end in (".toml", ".npz"))
    for path in (toml, kept):
        if path.exists():
            raise outputs.OutputError(f"{path} exists already: name another with --save")
    constant = input_ == "constant"
    digits: datasets.Dataset | None = None
    if framework == "relu":
        layers = nir.read_relu(file)
        digits = datasets.load(data, shape=image_shape(layers[0][0].shape[1]))
        network = nir.balanced(layers, digits.train.images[:BALANCED_ON])
    else:
        network = nir.staged(nir.read(file), nir.profile(framework, reset=reset, dt=dt))
    widths = bits if len(bits) > 1 else bits[0]
    lowered = nir.lower(
        network, name=save.name, steps=steps, bits=widths, constant=constant,
        approximate=approximate,
    )  # fmt: skip
    if check:
        given = nir.load_spikes(check, network.sizes[0])
    else:
        test = (digits or datasets.load(data, shape=lowered.config.image)).test[:IMAGES]
        given = checking.drawn(test.images, test.labels, steps)
    found = nir.agreement(network, lowered, given, constant=constant)
    own = Network(lowered.config)
    own.weights = lowered.weights
    own.save(kept)
    toml.write_text(short(lowered.config), encoding="utf-8")
    _tell(output, lowered, found)
    output.table({"network": str(toml), "checkpoint": str(kept)})
    output.result(
        {
            "file": str(file),
            "from": framework,
            "sizes": network.sizes,
            "approximated": lowered.approximated,
            "notes": lowered.notes,
            **dataclasses.asdict(found),
            "network": str(toml),
            "checkpoint": str(kept),
            "digest": lowered.config.digest(),
        }
    )


def _tell(output: Output, lowered: nir.Lowered, found: nir.Agreement) -> None:
    sizes = "-".join(map(str, lowered.config.sizes))
    for line in lowered.approximated:
        output.tell(f"left out: {line}", "yellow")
    for line in lowered.notes:
        output.tell(line)
    rows: dict[str, object] = {
        "sizes": sizes,
        "accuracy, float": percent(found.float_accuracy),
        "accuracy, integers": percent(found.integer_accuracy),
        "same class": percent(found.same_class),
        "same spike counts": percent(found.same_counts),
    }
    if found.reference is not None:
        rows["float against the framework's counts"] = percent(found.reference)
    output.table(rows, f"on {found.images:,} images")
