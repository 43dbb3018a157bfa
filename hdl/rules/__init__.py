"""The learning rules that can be built, by the name that a configuration gives them."""

from __future__ import annotations

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.hardware import BuiltLayer
from spikeloom.hdl.learning import Rule
from spikeloom.hdl.rules.random_feedback import Signs
from spikeloom.hdl.rules.ssnn_bp import Coincidence

RULES: dict[str, type[Rule]] = {"ssnn-bp": Coincidence, "random-feedback": Coincidence}
"""Who changes weights, by the rule's name."""


def check_rule(config: NetworkConfig) -> None:
    """Refuse a rule that cannot be built; `ConfigError` names those that can."""
    if (name := config.learning.rule) not in RULES:
        names = " or ".join(f'"{rule}"' for rule in RULES)
        raise ConfigError(
            f"learning.rule = {name!r} exists in the golden model only: "
            f"the RTL needs learning.rule = {names}"
        )


def backward(layer: BuiltLayer) -> Signs | None:
    """Return what error spikes come back through, where it is not the layer's crossbar."""
    return Signs(layer) if layer.feedback and layer.index > 1 else None


def rule(machine: Machine, layer: BuiltLayer) -> Rule:
    """Return the rule of a network for one of its layers."""
    return RULES[machine.config.learning.rule](machine, layer)
