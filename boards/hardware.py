"""Choices of one build that cost or save hardware and change no result."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass

from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.plan import DEFAULT, STYLES, Plan

_WORDS = {"yes": True, "no": False, "true": True, "false": False}


class HardwareError(SpikeloomError, ValueError):
    """A hardware choice that there is not."""


@dataclass(frozen=True)
class Hardware:
    """Lanes, ports, draws, and the core's other choices.

    Attributes
    ----------
    lanes, ports : per layer; the last one counts for every further layer.
    draws : random numbers per clock of the encoder.
    plan : the core's other choices.
    """

    lanes: tuple[int, ...] = (16,)
    ports: tuple[int, ...] = (2,)
    draws: int = 2
    plan: Plan = DEFAULT

    def of(self, config: NetworkConfig) -> NetworkConfig:
        """Return `config` with these lanes, ports and draws."""
        layers = tuple(
            dataclasses.replace(
                layer,
                lanes=self.lanes[min(index, len(self.lanes) - 1)],
                ports=self.ports[min(index, len(self.ports) - 1)],
            )
            for index, layer in enumerate(config.layers)
        )
        return dataclasses.replace(config, layers=layers).with_hardware(draws=self.draws)

    def with_settings(self, settings: tuple[str, ...]) -> Hardware:
        """Return these choices with some of the plan's changed.

        Parameters
        ----------
        settings : ``name=value`` each: a field of `hdl.plan.Plan` with a number or yes or no, or a
            memory and one of `hdl.plan.STYLES`.
        """
        plan = self.plan
        for setting in settings:
            name, _, value = setting.partition("=")
            plan = _set(plan, name.strip(), value.strip())
        return dataclasses.replace(self, plan=plan)


HARDWARE = Hardware()


def _set(plan: Plan, name: str, value: str) -> Plan:
    """Return a plan with one field, or the style of one memory, changed."""
    fields = {f.name: getattr(plan, f.name) for f in dataclasses.fields(plan) if f.name != "styles"}
    if "." in name and value in STYLES:
        return dataclasses.replace(plan, styles=tuple((dict(plan.styles) | {name: value}).items()))
    if name in fields and isinstance(fields[name], bool) and value in _WORDS:
        return dataclasses.replace(plan, **{name: _WORDS[value]})
    if name in fields and not isinstance(fields[name], bool) and value.isdecimal():
        return dataclasses.replace(plan, **{name: int(value)})
    near = difflib.get_close_matches(name, fields, 1)
    known = ", ".join(
        f"{key}={'yes|no' if isinstance(now, bool) else 'N'}" for key, now in fields.items()
    )
    raise HardwareError(
        f"no hardware choice {name}={value}{f' (is it {near[0]}?)' if near else ''}: there are "
        f"{known}, and MEMORY={'|'.join(STYLES)} with a memory's name such as layer1.weights"
    )
