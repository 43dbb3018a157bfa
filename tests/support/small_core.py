"""A network of 16-8-4 neurons and programs of bytes for its core, which reach its odd corners."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import Hardware
from tests.support.byte_program import Program, check
from tests.support.configurations import LAYER, table
from tests.support.random_config import random_weights

CLASSES = 4
FULL = np.full(16, 255, np.uint8)


def small(**changes) -> Machine:
    """Return 16-8-4 neurons: powers of two, and error spikes in both layers within few steps."""
    layer = {**LAYER, "reach": 2.0, "update": 1.0, "error_threshold": 0.25}
    return machine(
        from_dict(
            table(
                image=[4, 4],
                sizes=[16, 8, CLASSES],
                steps=6,
                input__rate=0.8,
                layer=[layer, layer],
                **changes,
            )
        )
    )


def program_of(machine: Machine, seed: int) -> Program:
    """Return a program that has loaded weights."""
    program = Program(machine)
    program.load_weights(random_weights(machine, np.random.default_rng(seed)))
    return program


def core(program: Program, ports: int = 2) -> Core:
    """Return the network's core: lanes that divide the columns, and that do not."""
    return Core(program.machine.config, Hardware(lanes=(3, 4), ports=(ports,)))


def finish(program: Program, ports: int = 2, **stalls) -> None:
    """Compare all replies, and all state that the core has at the end."""
    program.read_registers()
    program.read_all_weights()
    program.digest()
    check(core(program, ports), program, **stalls)
