"""Every field is checked by name, and every field is in the digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math

import pytest

from spikeloom.golden.paper import PaperConfig
from spikeloom.golden.paper.config import ConfigError

CONFIG = PaperConfig()

OTHER = {
    "sizes": (784, 1281, 10),
    "tau": 3.0,
    "error_floor": None,
    "dropout": (0.2, 0.3),
    "layer_rates": (2.0, 0.5),
    "label_rate": 0.4,
    "rate": 0.3,
}


def change(name: str) -> object:
    """Return another value of a field."""
    field = {f.name: f for f in dataclasses.fields(CONFIG)}[name]
    if name in OTHER:
        return OTHER[name]
    if words := field.metadata.get("choices"):
        return words[1]
    return getattr(CONFIG, name) + (1 if field.metadata["kind"] is int else 0.0625)


FIELDS = [field.name for field in dataclasses.fields(PaperConfig)]


@pytest.mark.parametrize("name", FIELDS)
def test_the_digest_changes_with_every_field(name: str):
    if name == "momentum":
        other = dataclasses.replace(CONFIG, momentum=0.5)
    elif name in ("decay", "start"):
        other = dataclasses.replace(CONFIG, **{name: 0.75})
    else:
        other = dataclasses.replace(CONFIG, **{name: change(name)})
    assert other.digest() != CONFIG.digest()


def test_the_digest_is_sha256_of_sorted_json():
    table = {name: getattr(CONFIG, name) for name in FIELDS if name != "cost"}
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    assert CONFIG.digest() == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_does_not_depend_on_how_a_number_is_written():
    written = PaperConfig(theta=5, tau=5, sizes=[784, 1280, 10], dropout=[0, 0])
    assert written.digest() == PaperConfig(theta=5.0, tau=5.0).digest()


@pytest.mark.parametrize("config", [CONFIG, PaperConfig(tau=2.5, dropout=(0.2, 0.3))])
def test_a_configuration_survives_json(config: PaperConfig):
    assert PaperConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_part_takes_the_rest_from_the_defaults():
    assert PaperConfig.from_dict({"steps": 20}) == PaperConfig(steps=20)


def test_an_unknown_key_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"unknown key step; did you mean 'steps'\?"):
        PaperConfig.from_dict({"step": 20})
    with pytest.raises(ConfigError, match="unknown key colour; known: sizes, steps, rate"):
        PaperConfig.from_dict({"colour": 1})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": 0}, "steps = 0 is out of range: allowed is 1 to 10000"),
        ({"steps": 2.5}, "steps = 2.5: expected a whole number from 1 to 10000"),
        ({"rate": 0.6}, "rate = 0.6 is out of range: allowed is 0 to 0.5"),
        ({"theta": "5"}, "theta = '5': expected a number from 0.001 to 1000"),
        ({"theta": None}, "theta = None: expected a number from 0.001 to 1000"),
        ({"reset": "half"}, "reset = 'half': allowed are subtract, zero"),
        ({"sizes": (784,)}, "sizes = (784,): expected two or more layer sizes"),
        ({"sizes": (784, 0)}, "sizes[1] = 0 is out of range: allowed is 1 to 65535"),
        (
            {"dropout": (0.2,)},
            (
                "dropout = (0.2,): expected a number for each layer but the output, "
                "2 numbers, or none"
            ),
        ),
        (
            {"layer_rates": (1, 2, 3)},
            "layer_rates = (1, 2, 3): expected a number for each crossbar, 2 numbers, or none",
        ),
        ({"layer_rates": (1, -1)}, "layer_rates[1] = -1 is out of range: allowed is 0 to 1000"),
        ({"dropout": (0.2, 1.0)}, "dropout[1] = 1.0 is out of range: allowed is 0 to 0.9"),
        (
            {"label_rate": 0.6, "label": "front"},
            (
                "label_rate = 0.6 with label = 'front': its first steps have twice that rate, take "
                "0.5 or less, or label = 'constant'"
            ),
        ),
        (
            {"noise": 0.1, "update": "coincidence"},
            (
                "noise = 0.1 with update = 'coincidence': noise stands in for the coincidences of "
                "the rate form; take update = 'rate', or noise = 0"
            ),
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named(fields: dict, message: str):
    with pytest.raises(ConfigError) as error:
        PaperConfig(**fields)
    assert str(error.value) == message


def test_the_time_constant_is_a_tenth_of_the_steps_unless_given():
    assert PaperConfig(steps=50).tau_steps == 5
    assert PaperConfig(steps=50, tau=2.0).tau_steps == 2
    assert PaperConfig(steps=50, tau=0.0).tau_steps == 0


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [8, 8, 8, 8]),
        ("linear", [8, 6, 4, 2]),
        ("cosine", [8, 4 + 4 * math.sqrt(0.5), 4, 4 - 4 * math.sqrt(0.5)]),
        ("exponential", [8, 4, 2, 1]),
    ],
)
def test_schedules(schedule: str, rates: list[float]):
    config = PaperConfig(learning_rate=8, schedule=schedule, decay=0.5, epochs=4)
    assert [config.learning_rate_of(epoch) for epoch in range(4)] == pytest.approx(rates)
