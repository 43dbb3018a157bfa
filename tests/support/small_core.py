"""A network of 16-8-4 neurons and programs of bytes for its core, which reach its odd corners."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.hdl.core import Core
from tests.support.byte_program import Program, check
from tests.support.configurations import LAYER, table
from tests.support.random_config import random_weights

CLASSES = 4
FULL = np.full(16, 255, np.uint8)


def small(ports: int = 2, **changes) -> Machine:
    """Return 16-8-4 neurons: powers of two, and error spikes in both layers within few steps."""
    layer = {**LAYER, "reach": 2.0, "update": 1.0, "error_threshold": 0.25, "ports": ports}
    return machine(
        from_dict(
            table(
                image=[4, 4],
                sizes=[16, 8, CLASSES],
                steps=6,
                input__rate=0.8,
                layer=[{**layer, "lanes": 3}, {**layer, "lanes": 4}],
                **changes,
            )
        )
    )


def program_of(machine: Machine, seed: int) -> Program:
    """Return a program that has loaded weights."""
    program = Program(machine)
    program.load_weights(random_weights(machine, np.random.default_rng(seed)))
    return program


def finish(program: Program, **stalls) -> None:
    """Compare all replies, and all state that the core has at the end."""
    program.read_registers()
    program.read_all_weights()
    program.digest()
    check(Core(program.machine.config), program, **stalls)
