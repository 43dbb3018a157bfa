"""The learning rules that can be built, by the name that a configuration gives them."""

from __future__ import annotations

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.hardware import BuiltLayer
from spikeloom.hdl.learning import Rule
from spikeloom.hdl.rules.coincidence import Coincidence

RULES: dict[str, type[Rule]] = {"coincidence": Coincidence}


def check_rule(config: NetworkConfig) -> None:
    """Refuse a rule that cannot be built; `ConfigError` names those that can."""
    if (form := config.learning.form) not in RULES:
        names = " or ".join(f'"{name}"' for name in RULES)
        raise ConfigError(
            f"learning.form = {form!r} exists in the golden model only: "
            f"the RTL needs learning.form = {names}"
        )


def rule(machine: Machine, layer: BuiltLayer) -> Rule:
    """Return the rule of a network for one of its layers."""
    return RULES[machine.config.learning.form](machine, layer)
