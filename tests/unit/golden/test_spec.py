from __future__ import annotations

import dataclasses
import re
import tomllib
from typing import Any

import pytest

from spikeloom.golden.spec.document import document, short
from spikeloom.golden.spec.machine import clog2, machine
from spikeloom.golden.spec.network import from_dict, load, shipped
from spikeloom.golden.spec.neuron import NeuronConfig
from spikeloom.golden.spec.schema import ConfigError, number, stated
from tests.support.configurations import LAYER, table


def refused(message: str, **changes: Any) -> None:
    """The configuration must be refused, by a message that holds `message` word for word."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        machine(from_dict(table(**changes)))


def layers(**changes: Any) -> list[dict[str, Any]]:
    return [{**LAYER, **changes}, {**LAYER}]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_configuration_loads_under_its_own_name(name):
    config = load(name)
    assert config.name == name
    assert machine(config).config == config
    assert config.sizes[-1] == (47 if name.startswith("emnist-") else 10)


def test_the_plain_table_is_sound():
    config = from_dict(table())
    assert machine(config).layers[0].train.theta == 256
    assert config.weight_count == 6 * 5 + 5 * 3


def test_an_unknown_key_is_named_with_its_likely_meaning():
    refused("unknown key input.ratee; did you mean 'rate'?", input__ratee=0.4)


def test_an_unknown_key_like_no_other_lists_those_that_exist():
    refused("unknown key zzz; known keys: name, description, image, sizes, steps", zzz=1)


NEUTRAL = {
    "description": "", "steps": 64,
    "random": {
        "seed": 1, "input": "lfsr64", "thinning": "lfsr64", "dropout": "lfsr32", "label": "lfsr32",
        "jitter": "lfsr32", "noise": "lfsr32",
    },
    "input": {"rate": 0.4, "ramp": "linear", "dropout": 0.0, "jitter": 0},
    "neuron": {"reset": "subtract", "kernel_shift": 0, "floor": 16.0, "ceiling": 1.0, "start": 0.5},
    "error": {"membranes": "shared", "gate": "hold", "kernel_shift": 0, "bits": 22, "cost": 0.0},
    "label": {"train": "front", "rate": 0.6},
    "wta": {"kind": "none", "strength": 0.0},
    "stop": {"train": 0, "infer": 0, "least": 1},
    "learning": {"rule": "ssnn-bp", "decay": 0.6, "decay_from": 3},
    "layer": [{
        "weight_bits": 16, "reach": 0.5, "init_gain": 1.0, "dropout": 0.0, "update": 0.0003,
        "error_threshold": 0.25,
    }],
}  # fmt: skip
"""What files leave out: add to it, and change nothing."""
LEAST = {"name": "least", "image": [2, 3], "sizes": [6, 3]}


def test_neutral_values_are_written_down():
    table = from_dict(LEAST).as_table()
    assert table.keys() == (LEAST | NEUTRAL).keys()
    for key, value in (LEAST | NEUTRAL).items():
        told, known = (table[key], value) if key != "layer" else (table[key][0], value[0])
        assert known.items() <= told.items() if isinstance(known, dict) else told == known, key


@pytest.mark.parametrize("key", LEAST)
def test_what_no_network_can_leave_out_is_named(key):
    with pytest.raises(ConfigError, match=f"missing key {key}: a network must say it"):
        from_dict({k: value for k, value in LEAST.items() if k != key})


def test_stating_a_neutral_value_changes_nothing():
    config = from_dict(LEAST)
    for section, values in NEUTRAL.items():
        for key, value in values.items() if isinstance(values, dict) else [(None, values)]:
            told = LEAST | {section: {key: value} if key else value}
            assert from_dict(told) == config
            assert from_dict(told).digest() == config.digest()


def test_a_new_key_at_its_neutral_value_is_in_no_digest():
    @dataclasses.dataclass(frozen=True)
    class Wider(NeuronConfig):
        more: int = number(0, 9, 4, "what is yet to come")

    assert stated(Wider(floor=2.0)) == stated(NeuronConfig(floor=2.0)) == {"floor": 2.0}
    assert stated(Wider(more=5)) == {"more": 5}


@pytest.mark.parametrize("name", shipped())
def test_shipped_files_state_what_is_not_neutral(name):
    table = tomllib.loads(shipped()[name].read_text())
    for key, told in table.items():
        neutral = NEUTRAL.get(key)
        for part in told if key == "layer" else [told]:
            if isinstance(part, dict):
                known = neutral[0] if key == "layer" else neutral
                assert not part.items() & known.items(), key
            else:
                assert part != neutral, key


@pytest.mark.parametrize("name", shipped())
def test_a_configuration_written_out_is_read_as_it_was(name, tmp_path):
    config = load(name).replace(**{"random.seed": 2**63 - 1, "layer.1.update": 1e-05})
    path = tmp_path / "written.toml"
    path.write_text(document(config))
    assert load(path) == config
    for line in document(config).splitlines()[2:]:
        assert not line or "  # " in line or " # " in line


@pytest.mark.parametrize("name", shipped())
def test_shipped_files_are_written_as_a_search_writes_them(name):
    assert short(load(name)) == shipped()[name].read_text()


def test_keys_are_replaced_by_their_names_in_a_file():
    config = from_dict(table())
    other = config.replace(
        steps=32, sizes=(6, 4, 3),
        **{"neuron.reset": "zero", "layer.1.update": 0.5, "layer.*.reach": 1},
    )  # fmt: skip
    assert (other.steps, other.sizes, other.neuron.reset) == (32, (6, 4, 3), "zero")
    assert [layer.update for layer in other.layers] == [0.5, config.layers[1].update]
    assert [layer.reach for layer in other.layers] == [1.0, 1.0]
    assert config.replace() == config


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("steps", 0, "steps = 0 is out of range: allowed is 1 to 4096"),
        ("neuron.reset", "one", "neuron.reset = 'one': allowed are subtract, zero"),
        ("neuron.rest", 1, "unknown key neuron.rest; did you mean 'reset'?"),
        ("nerve.reset", 1, "no key 'nerve.reset': it begins with one of random, input, neuron"),
        ("layer.0.update", 1, "no key 'layer.0.update': it begins with one of"),
        ("layer.3.update", 1, "or with layer.N where N is 1 to 2, or * for all"),
        ("layer.2.update", 2, "layer[2].update = 2 is out of range: allowed is 0 to 1"),
        ("sizes", [6, 3], "2 [[layer]] tables for 2 sizes: expected 1, or none where"),
    ],
)
def test_a_replaced_key_is_checked_as_in_a_file(key, value, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        from_dict(table()).replace(**{key: value})


@pytest.mark.parametrize(
    ("where", "value", "allowed"),
    [
        ("random__seed", -1, "0 to 9.22337e+18"),
        ("input__rate", 1.5, "0 to 1"),
        ("input__dropout", 0.95, "0 to 0.9"),
        ("neuron__kernel_shift", 9, "0 to 8"),
        ("neuron__floor", -1, "0 to 64"),
        ("neuron__ceiling", 65, "0 to 64"),
        ("neuron__start", 2, "0 to 1"),
        ("error__kernel_shift", -1, "0 to 8"),
        ("error__bits", 31, "10 to 30"),
        ("label__rate", -0.1, "0 to 1"),
        ("wta__strength", 17, "0 to 16"),
        ("learning__decay", 1.1, "0 to 1"),
        ("learning__decay_from", 1, "2 to 10000"),
    ],
)
def test_a_number_out_of_range_is_named_with_its_range(where, value, allowed):
    key = where.replace("__", ".")
    refused(f"{key} = {value!r} is out of range: allowed is {allowed}", **{where: value})


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("weight_bits", 1, "2 to 16"),
        ("weight_bits", 17, "2 to 16"),
        ("reach", 0.0, "0.000976562 to 16"),
        ("init_gain", 17.0, "0 to 16"),
        ("update", 1.5, "0 to 1"),
        ("error_threshold", 0.0, "0.000976562 to 1024"),
        ("dropout", 0.91, "0 to 0.9"),
    ],
)
def test_a_layers_number_out_of_range_is_named_with_its_range(key, value, allowed):
    message = f"layer[1].{key} = {value!r} is out of range: allowed is {allowed}"
    refused(message, layer=layers(**{key: value}))


@pytest.mark.parametrize("key", ["lanes", "ports"])
def test_hardware_in_a_layer_is_refused_with_the_option_for_it(key: str):
    message = f"layer[1].{key} is hardware, which is told apart from the network: leave it out"
    refused(message, layer=layers(**{key: 2}))
    refused(f"give --{key} to the command", layer=layers(**{key: 2}))


def test_draws_are_refused_with_the_option_for_them():
    refused("input.draws is hardware, which is told apart", input__draws=2)


@pytest.mark.parametrize(
    ("where", "allowed"),
    [
        ("random__input", "lfsr16, lfsr24, lfsr31, lfsr32, lfsr48, lfsr64"),
        ("input__ramp", "linear, constant"),
        ("neuron__reset", "subtract, zero"),
        ("error__membranes", "shared, separate"),
        ("error__gate", "hold, discard, open"),
        ("label__train", "front, constant, random-front, random"),
        ("wta__kind", "none, lateral, feedforward, recurrent"),
        ("learning__rule", "ssnn-bp, rate, random-feedback"),
    ],
)
def test_a_wrong_choice_is_named_with_those_allowed(where, allowed):
    key = where.replace("__", ".")
    refused(f"{key} = 'soft': allowed are {allowed}", **{where: "soft"})


@pytest.mark.parametrize("value", ["8", 8.0, True, None])
def test_a_whole_number_must_be_one(value):
    refused(f"steps = {value!r}: expected a whole number from 1 to 4096", steps=value)


@pytest.mark.parametrize("value", ["0.4", False, [0.4]])
def test_a_number_must_be_one(value):
    refused(f"input.rate = {value!r}: expected a number from 0 to 1", input__rate=value)


def test_a_whole_number_will_do_for_any_number():
    assert from_dict(table(input__rate=1)).input.rate == 1.0


def test_a_section_must_be_a_table():
    refused("wta = 'none': expected a table", wta="none")
    refused("layer[1] = 5: expected a table", layer=[5, LAYER])


@pytest.mark.parametrize("key", ["name", "description"])
def test_name_and_description_must_be_text(key):
    refused(f"{key} = 5: expected some text", **{key: 5})


@pytest.mark.parametrize("name", ["../../x", "[red]", "a b", ".hidden", "..", "né", "a/b", "a\n"])
def test_a_name_that_is_no_name_of_a_file_is_refused(name):
    refused(f"name = {name!r}: it names files, so take letters, digits", name=name)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    path = tmp_path / "marked.toml"
    path.write_bytes(b"\xef\xbb\xbf" + shipped()["tiny"].read_bytes())
    assert load(path) == load("tiny")


def test_image_and_sizes_must_be_lists_of_numbers():
    refused("image = [6]: expected a list of 2 or more numbers", image=[6])
    refused("sizes = 6: expected a list of 2 or more numbers", sizes=6)
    refused("sizes[1] = 0 is out of range: allowed is 1 to 65535", sizes=[6, 0, 3])
    refused("image = [1, 2, 3]: expected [rows, columns]", image=[1, 2, 3])


def test_image_and_first_size_must_agree():
    refused("sizes[0] = 7: image = [2, 3] has 6 pixels", sizes=[7, 5, 3])


def test_there_must_be_two_classes():
    refused("sizes[2] = 1: at least 2 classes are needed", sizes=[6, 5, 1])


def test_there_must_be_a_layer_for_every_crossbar():
    refused("1 [[layer]] tables for 3 sizes: expected 2", layer=[LAYER])
    refused("0 [[layer]] tables for 3 sizes: expected 2", layer=LAYER)


def test_an_error_threshold_must_be_a_unit_at_least():
    coarse = layers(error_threshold=2**-10)
    message = "layer[1].error_threshold = 0.0009765625 is 0 units: it must lie in 1..131071"
    refused(message, layer=coarse)


def test_an_error_threshold_must_fit_the_membrane():
    refused(
        "layer[1].error_threshold = 600.0 is 153600 units: it must lie in 1..131071, "
        "what error.bits = 18 can hold",
        layer=layers(error_threshold=600.0),
    )


def test_an_update_must_fit_the_step():
    refused(
        "layer[1].update = 1.0 is 131072 weight units: at most 32768 are allowed",
        layer=layers(update=1.0, weight_bits=16, reach=0.25),
    )


def test_numbers_that_golden_cannot_hold_are_refused():
    refused(
        "layer[1].reach with neuron.floor and neuron.ceiling: layer 1 could reach ",
        layer=layers(weight_bits=16, reach=2**-10, update=0.0),
        neuron={**table()["neuron"], "floor": 64.0},
    )
    refused(
        "neuron.kernel_shift: layer 1 could reach ",
        layer=layers(weight_bits=16, reach=0.5, update=0.0),
        sizes=[20000, 5, 3],
        image=[200, 100],
        neuron={**table()["neuron"], "kernel_shift": 8},
    )


def test_output_neurons_are_never_dropped():
    refused(
        "layer[2].dropout = 0.1: output neurons are never dropped, set it to 0.0",
        layer=[LAYER, {**LAYER, "dropout": 0.1}],
    )


@pytest.mark.parametrize("source", [None, 3])
def test_what_is_no_name_and_no_path_is_refused(source):
    with pytest.raises(ConfigError, match=f"{source} is no network: give the name"):
        load(source)


def test_a_near_name_is_told():
    with pytest.raises(ConfigError, match="named 'tinny': did you mean tiny"):
        load("tinny")


def test_an_unknown_name_lists_those_that_ship():
    with pytest.raises(ConfigError, match=r"no configuration named 'mnits': shipped are .*tiny"):
        load("mnits")


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*absent\.toml: No such file"):
        load(tmp_path / "absent.toml")


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_says_so(tmp_path, content):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml is not TOML"):
        load(path)


def test_a_bad_value_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(shipped()["tiny"].read_text().replace("rate = 1.0", "rate = 4"))
    with pytest.raises(ConfigError, match=r"mine\.toml: label\.rate = 4 is out of range"):
        load(path)


def test_a_file_of_ones_own_is_loaded(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(shipped()["tiny"].read_text())
    assert load(path) == load("tiny") == load(str(path))


def test_a_wrong_seed_is_refused():
    with pytest.raises(ConfigError, match="seed = -1 is out of range"):
        load("tiny").with_seed(-1)


def leaves(config: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every single value of a configuration."""
    if dataclasses.is_dataclass(config):
        found = [
            leaves(getattr(config, f.name), (*path, f.name)) for f in dataclasses.fields(config)
        ]
    elif isinstance(config, tuple) and dataclasses.is_dataclass(config[0]):
        found = [leaves(value, (*path, k)) for k, value in enumerate(config)]
    else:
        return [path]
    return [leaf for some in found for leaf in some]


def changed(config: Any, path: tuple[str | int, ...]) -> Any:
    """Return the configuration with another value at `path`."""
    if not path:
        if isinstance(config, str):
            return config + "x"
        return (*config, 1) if isinstance(config, tuple) else config + 1
    first, *rest = path
    if isinstance(config, tuple):
        inner = changed(config[first], tuple(rest))
        return (*config[:first], inner, *config[first + 1 :])
    return dataclasses.replace(config, **{first: changed(getattr(config, first), tuple(rest))})


def test_the_digest_changes_with_every_key_that_changes_a_result():
    config = from_dict(table())
    free = {"name", "description", "seed"}
    paths = leaves(config)
    assert len(paths) > 40
    for path in paths:
        assert (changed(config, path).digest() == config.digest()) == (path[-1] in free), path


def test_the_digest_is_written_down():
    """Checkpoints carry it: it must not change with the version of Python or of this code."""
    assert re.fullmatch("[0-9a-f]{16}", load("tiny").digest())
    assert from_dict(table()).digest() == DIGEST


DIGEST = "fb14b04365bddf46"


def test_the_integers_of_a_machine_by_hand():
    """8 bits, reach 0.5: a threshold of 128 / 0.5; the next layer 12 bits: 2048 / 0.5."""
    numbers = machine(
        from_dict(table(layer=[{**LAYER, "dropout": 0.5}, {**LAYER, "weight_bits": 12}]))
    )
    first, last = numbers.layers
    assert (first.train.theta, first.train.start) == (256, 128)
    assert (first.train.floor, first.train.ceiling) == (-1024, 256)
    assert first.infer == first.train
    assert last.train.theta == 4096
    assert last.infer.theta == 8192  # half of its inputs are silent in training
    assert first.weight_max == 127
    assert first.error_threshold == 2048  # half a threshold of the layer above
    assert last.error_threshold == 128  # half a spike of 256
    assert first.error_max == 131071
    assert first.dropout == 32768
    assert first.current_bits == 11  # 6 * 127 = 762 and a sign
    assert last.error_current_bits == 14  # 3 * 2047 = 6141 and a sign


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("lateral", 64), ("feedforward", 64), ("recurrent", 64), ("none", 64)],
)
def test_inhibition_is_in_the_unit_of_its_kind(kind, expected):
    """A quarter: of a threshold of 256 weight units, or of a spike of 256."""
    numbers = machine(from_dict(table(wta__kind=kind, wta__strength=0.25, layer=layers())))
    assert [layer.inhibition for layer in numbers.layers] == [0, expected]


def test_label_trains_by_hand():
    """Rate 0.5 over 8 steps: every other step; or 15, 13, 11 .. 1 sixteenths summed up."""
    assert machine(from_dict(table(label__train="constant"))).label == (0, 1) * 4
    assert machine(from_dict(table())).label == (0, 1, 1, 1, 0, 0, 0, 1)
    chances = machine(from_dict(table(label__train="random-front"))).label
    assert chances == (61440, 53248, 45056, 36864, 28672, 20480, 12288, 4096)
    assert machine(from_dict(table(label__train="random"))).label == (32768,) * 8


def test_clog2_counts_the_bits_of_an_index():
    assert [clog2(n) for n in (1, 2, 3, 4, 5, 1024, 1025)] == [0, 1, 2, 2, 3, 10, 11]


def test_a_cost_that_rounds_to_nothing_is_refused():
    config = from_dict(table(error__cost=0.0002))
    with pytest.raises(
        ConfigError, match=r"error.cost = 0.0002 is less than half a unit of layer 1"
    ):
        machine(config)
    assert [layer.cost for layer in machine(from_dict(table(error__cost=0.5))).layers] == [1024, 0]
