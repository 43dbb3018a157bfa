"""`spikeloom perf`: clock cycles per image against the floor, and the speed of both engines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from statistics import mean
from typing import Annotated

import numpy as np
import typer

from spikeloom import datasets
from spikeloom import perf as performance
from spikeloom.cli import cores, options
from spikeloom.cli.output import Output, steps_of
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.hdl.hardware import DEFAULT

BARS = " ▁▂▃▄▅▆▇█"
BINS = 16
"""A histogram's columns at most, and their heights: what is not 0 has one."""


def perf(
    config: options.Config,
    data: options.Data = "mnist",
    train: Annotated[
        int, typer.Option(min=1, metavar="N", help="Measure N images.")
    ] = performance.IMAGES,
    warm_up: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Train golden on N others first: an untrained network spikes more.",
            show_default=f"{performance.WARM_UP:,}, or all others",
        ),
    ] = None,
    seed: options.Seed = None,
    lanes: options.Lanes = None,
    ports: options.Ports = None,
    draws: options.Draws = None,
    plan: options.Plan = None,
    json: options.Json = False,
) -> None:
    """Measure the RTL's clock cycles per image against the floor.

    The floor is the number of weight words that the very same samples must
    touch: a core that spent one clock on each and none on anything else would
    be the fastest with these lanes and memories.

    [bold]Example[/bold]

    [cyan]spikeloom perf mnist-784-128-10[/cyan]
    """
    output = Output(json=json)
    network = load(config)
    digits = datasets.load(data, network, held_out=0, any_classes=True)
    seed = network.random.seed if seed is None else seed
    hardware = DEFAULT.changed(lanes=lanes, ports=ports, draws=draws, plan=plan or ())
    layers = hardware.of(machine(network))
    device = cores.simulated(output, network, hardware)
    with closing(device), output.working(f"Measuring {train} images"):
        found = performance.measure(seed, digits, device, hardware, warm_up=warm_up, images=train)
    output.table(
        {
            "lanes": " ".join(str(layer.lanes) for layer in layers),
            "memory ports": " ".join(str(layer.ports) for layer in layers),
            "train": f"{found.cycles_per_train_image:,.0f} cycles/image, floor "
            f"{found.floor_per_train_image:,.0f}, ratio {found.ratio:.3f}",
            "infer": f"{found.cycles_per_infer_image:,.0f} cycles/image, floor "
            f"{found.floor_per_infer_image:,.0f}, ratio {found.infer_ratio:.3f}",
            **_steps(network, "train", found.train_steps, found.cycles_per_train_image),
            **_steps(network, "infer", found.infer_steps, found.cycles_per_infer_image),
            "rtl, simulated": f"{found.images_per_second:,.1f} images/s trained, "
            f"{found.infer_images_per_second:,.1f} inferred",
            "golden": f"{found.golden_images_per_second:,.0f} images/s trained",
            "measured on": f"{found.train_images} images after {found.warm_up} others, seed {seed}",
        },
        network.name,
    )
    output.result(
        {
            "config": network.name,
            "seed": seed,
            "lanes": [layer.lanes for layer in layers],
            "ports": [layer.ports for layer in layers],
            **dataclasses.asdict(found),
            "ratio": found.ratio,
            "infer_ratio": found.infer_ratio,
            "steps_per_train_image": mean(found.train_steps),
            "steps_per_infer_image": mean(found.infer_steps),
        }
    )


def _steps(
    config: NetworkConfig, kind: str, steps: tuple[int, ...], cycles: float
) -> dict[str, str]:
    """Return a row about steps that images ran, of a network that can stop."""
    if not config.stop.used:
        return {}
    ran = mean(steps)
    told = f"{steps_of(ran, config.steps)}, {cycles / ran:,.0f} cycles each"
    return {f"steps, {kind}": f"{told}; {histogram(steps)}"}


def histogram(steps: Sequence[int]) -> str:
    """Draw how often each number of steps, or as many side by side as there is room for, ran."""
    least, most = min(steps), max(steps)
    width = -(-(most - least + 1) // BINS)
    counts = np.bincount((np.array(steps) - least) // width)
    bars = "".join(BARS[-(-count * (len(BARS) - 1) // counts.max())] for count in counts)
    return f"{least} {bars} {most}"
