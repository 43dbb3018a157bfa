"""Files in, the neurons that are meant out: the frameworks' own counts, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import spikeloom as sl
from spikeloom import nir
from spikeloom.golden.spec.neuron import leak_for
from spikeloom.nir import emulate
from spikeloom.nir.errors import NirError
from tests.support import nir_files

COUNTS = {
    "norse_lif-196-64-10": None,
    "old_scalar-196-64-10": "subtract",
    "sinabs_ann-196-64-10": None,
    "sinabs_ann-784-128-10": None,
    "sj_lif-196-64-10": None,
    "snn_const_bias-196-64-10": "subtract",
    "snn_deep-196-64-32-10": "subtract",
    "snn_if-196-64-10": "subtract",
    "snn_leaky_sub-196-64-10": "subtract",
}
"""Files of frameworks, with the reset that they lost."""


def of(folder: Path, name: str, reset: str | None) -> tuple[nir.Staged, Path]:
    told = json.loads((folder / f"{name}.json").read_text())
    how = nir.profile(told["framework"], reset=reset)
    return nir.staged(nir.read(folder / f"{name}.nir"), how), folder / f"{name}.npz"


@pytest.mark.parametrize("name", COUNTS)
def test_the_frameworks_own_spikes_are_counted(name: str, shared_data: Path):
    """Every count of 64 images, in nine files of four frameworks."""
    network, path = of(shared_data / "nir", name, COUNTS[name])
    given = nir.load_spikes(path, network.sizes[0])
    inputs = given.pixels / 255 if given.spikes is None else given.spikes
    np.testing.assert_array_equal(emulate.counts(network, inputs, 25), given.counts)


@pytest.mark.parametrize(
    ("name", "bits", "least"),
    [
        ("snn_if-196-64-10", 16, 1.0),
        ("snn_leaky_sub-196-64-10", 16, 0.9),
        ("snn_leaky_sub-196-64-10", 8, 0.88),
        ("sinabs_ann-784-128-10", 8, 0.96),
        ("sinabs_ann-784-128-10", 4, 0.88),
    ],
)
def test_integers_keep_most_counts(name: str, bits: int, least: float, shared_data: Path):
    network, path = of(shared_data / "nir", name, COUNTS[name])
    lowered = nir.lower(network, bits=bits)
    given = nir.load_spikes(path, network.sizes[0])
    found = nir.agreement(network, lowered, given, constant=False)
    assert found.reference == 1.0
    assert found.same_counts >= least
    assert found.same_class >= 0.96


@pytest.mark.parametrize("name", ["snn_leaky_sub-196-64-10", "old_scalar-196-64-10"])
def test_counts_that_differ_come_from_the_leaks_share_and_not_from_rounding(
    name: str, shared_data: Path
):
    """Float neurons that lose what two shifts make of the file's 0.1 spike as the integers do."""
    network, path = of(shared_data / "nir", name, COUNTS[name])
    given = nir.load_spikes(path, network.sizes[0])
    assert leak_for(0.1).share == 3 / 32
    stages = [dataclasses.replace(s, keep=np.full_like(s.keep, 29 / 32)) for s in network.stages]
    built = dataclasses.replace(network, stages=tuple(stages))
    counts = emulate.counts(built, given.spikes, 25)
    assert 0.9 < (counts == given.counts).mean() < 0.93
    expected = dataclasses.replace(given, counts=counts)
    found = nir.agreement(built, nir.lower(network, bits=16), expected, constant=False)
    assert found.same_counts > 0.99
    assert found.same_class == 1.0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("snn_conv-196-864-10", r"node '0' \(Conv2d\) is not supported: convolutions are not"),
        ("snn_synaptic-196-64-10", r"node '1' \(CubaLIF\) is not supported: a synapse of its own"),
        ("snn_rleaky-196-64-10", "recurrent networks and branches are not supported"),
    ],
)
def test_what_is_not_supported_is_named(name: str, words: str, shared_data: Path):
    with pytest.raises(NirError, match=words):
        of(shared_data / "nir", name, "subtract")


def staged(path: Path, how: str = "snntorch", **told) -> nir.Staged:
    told = {"reset": "subtract"} | told if how == "snntorch" else told
    return nir.staged(nir.read(path), nir.profile(how, **told))


def test_stages_by_hand(tmp_path: Path):
    """keep = 1 - dt / tau, gain = r * dt / tau, and a reset one step late takes 1 / keep."""
    path = nir_files.chain(tmp_path / "a.nir", 6, 4, 3, v_threshold=np.full(1, 2, "f4"), bias=0.5)
    network = staged(path)
    assert network.sizes == [6, 4, 3]
    first = network.stages[0]
    np.testing.assert_allclose(first.keep, 0.9)
    np.testing.assert_allclose(first.drop, 2 / 0.9)
    np.testing.assert_allclose(first.weight, nir_files.weights(6, 4)[0], rtol=1e-6)
    np.testing.assert_allclose(first.bias, 0.5)
    assert (first.zero, first.at_threshold) == (False, False)
    norse = staged(nir_files.chain(tmp_path / "b.nir", 2, 2, tau=np.full(2, 1e-5, "f4")), "norse")
    np.testing.assert_allclose(norse.stages[0].keep, 0.9)
    assert norse.stages[0].zero
    letter = staged(nir_files.chain(tmp_path / "c.nir", 2, 2), "nir", dt=5e-4)
    np.testing.assert_allclose(letter.stages[0].keep, 0.5)
    np.testing.assert_allclose(letter.stages[0].weight, 5 * nir_files.weights(2, 2)[0], rtol=1e-6)
    assert letter.stages[0].zero  # it says v_reset


def test_one_neuron_by_hand():
    """0.6; 0.54 + 0.6 fires: 1.14 - 1 / 0.9; 0.026 + 0.6; 0.563 + 0.6 fires."""
    one = np.ones(1)
    stage = nir.Stage("n", 0.6 * np.ones((1, 1)), 0 * one, 0.9 * one, one, one / 0.9, False, False)
    network = nir.Staged((stage,), ())
    found = [emulate.counts(network, np.ones((t, 1, 1)))[0, 0] for t in range(1, 5)]
    assert found == [0, 1, 1, 2]


def test_lowering_by_hand():
    """S = 127 / 2 = 63.5: weights of 64 and -127, fires above 63.5 with 64, takes 70.6 or so."""
    keep, threshold = np.full(2, 0.875), np.array([1.0, 2.0])
    weight = np.array([[1.0, -2.0], [1.0, 4.0]])
    stage = nir.Stage("n", weight, np.zeros(2), keep, threshold, threshold / keep, False, False)
    lowered = nir.lower(nir.Staged((stage,), ()), steps=4, image=(1, 2))
    assert lowered.weights[0].tolist() == [[64, 32], [-127, 127]]
    (layer,) = sl.nir.lowering.machine(lowered.config).layers
    assert (layer.infer.theta, layer.infer.drop, layer.infer.start) == (64, 73, 0)
    assert (layer.leak.first, layer.leak.second) == (3, 0)
    assert lowered.config.neuron.reset == "subtract"
    assert (lowered.approximated, lowered.notes) == ([], [])
    at = nir.Stage("n", weight, np.zeros(2), keep, threshold, threshold, True, True)
    (layer,) = sl.nir.lowering.machine(nir.lower(nir.Staged((at,), ())).config).layers
    assert layer.infer.theta == 64  # ceil(63.5)
    with pytest.raises(NirError, match=r"17 bits of weights: 2 to 16"):
        nir.lower(nir.Staged((at,), ()), bits=17)
    with pytest.raises(NirError, match=r"2 numbers of bits for 1 layers"):
        nir.lower(nir.Staged((at,), ()), bits=(8, 8))


def test_few_bits_clip_where_that_errs_less():
    weight = np.array([[1.0] + [0.12] * 30] * 2)
    two = np.ones(2)
    stage = nir.Stage("n", weight, 0 * two, two, two, two, False, True)
    coarse = nir.lower(nir.Staged((stage,), ()), bits=3).weights[0][:, 0].tolist()
    assert coarse[0] == 3
    assert set(coarse[1:]) == {1}  # 0.12 of 1 would be 0 at 3 units


@pytest.mark.parametrize(
    ("change", "how", "words"),
    [
        ({"tau": np.full(4, 5e-5, "f4")}, {}, r"keep -1 of a membrane per step.*another dt"),
        ({"v_leak": np.full(4, 0.1, "f4")}, {}, r"v_leak = 0\.1 is not supported"),
        ({"v_reset": np.full(4, -1, "f4")}, {}, r"v_reset = -1 is not supported"),
        ({"v_threshold": np.zeros(4, "f4")}, {}, r"v_threshold = 0, it must be above 0"),
        ({"v_threshold": np.ones(3, "f4")}, {}, r"v_threshold has 3 numbers for 4 neurons"),
        ({"tau": np.full(4, np.nan, "f4")}, {}, r"'tau' holds NaN"),
        ({"tau": "soon"}, {}, r"'tau' is 'soon', not numbers"),
        ({"type": "CubaLIF"}, {}, r"CubaLIF\) is not supported: a synapse"),
        ({"type": "LI"}, {}, r"LI\) is not supported: neurons that do not fire"),
        ({"type": "Delay"}, {}, r"Delay\) is not supported: there are Affine, Linear, IF, LIF"),
        ({}, {"reset": None}, r"nothing says what a spike does .*snntorch.*give reset"),
        ({}, {"how": "nir"}, r"nothing says how long a step is: give dt"),
        ({}, {"how": "sinabs"}, r"sinabs does not write how it scales"),
    ],
)
def test_what_a_file_holds_is_checked(change, how, words: str, tmp_path: Path):
    path = nir_files.chain(tmp_path / "a.nir", 6, 4, **change)
    with pytest.raises(NirError, match=words):
        staged(path, **how)


def test_a_missing_array_is_named(tmp_path: Path):
    found = nir_files.nodes(6, 4)
    del found["n0"]["r"]
    path = nir_files.write(tmp_path / "a.nir", found)
    with pytest.raises(NirError, match=r"node 'n0' \(LIF\) has no 'r': it holds tau, v_leak"):
        staged(path)


def test_graphs_that_are_no_chain_are_refused(tmp_path: Path):
    found = nir_files.nodes(6, 4, 3)
    joined = nir_files.edges(found)
    for edges, words in (
        ([*joined, ("n0", "w0")], r"node 'n0' leads to w1, w0|node 'n0' leads to w0, w1"),
        ([("output", "input"), *joined], r"node 'input' lies in a loop"),
        (joined[1:-1], r"no way leads from the input"),
        ([*joined, ("n1", "gone")], r"an edge names the node 'gone'"),
    ):
        with pytest.raises(NirError, match=words):
            staged(nir_files.write(tmp_path / "a.nir", found, edges))
    two = {**found, "other": {"type": "Input", "shape": np.array([6])}}
    with pytest.raises(NirError, match="2 input nodes: exactly one"):
        staged(nir_files.write(tmp_path / "a.nir", two))
    open_end = {name: found[name] for name in ("input", "w0", "n0", "w1", "output")}
    with pytest.raises(NirError, match="no spiking neurons behind it"):
        staged(nir_files.write(tmp_path / "a.nir", open_end))
    found["w1"]["weight"] = np.ones((3, 5), "f4")
    with pytest.raises(NirError, match=r"'n1' takes 5 spike trains, 'n0' gives 4"):
        staged(nir_files.write(tmp_path / "a.nir", found))


def test_layers_without_neurons_between_are_one(tmp_path: Path):
    found = nir_files.nodes(6, 4, 3, bias=0.25)
    del found["n0"]
    network = staged(nir_files.write(tmp_path / "a.nir", found))
    below, above = nir_files.weights(6, 4, 3)
    assert network.sizes == [6, 3]
    np.testing.assert_allclose(network.stages[0].weight, above @ below, rtol=1e-5)
    np.testing.assert_allclose(network.stages[0].bias, above.sum(1) / 4 + 0.25, rtol=1e-5)


def test_what_cannot_be_built_is_refused_or_left_out_by_name(tmp_path: Path):
    network = staged(nir_files.chain(tmp_path / "a.nir", 6, 4, bias=0.1))
    with pytest.raises(NirError, match=r"cannot be built: constant currents .*; the bias of 'n0'"):
        nir.lower(network, constant=True)
    assert len(nir.lower(network, constant=True, approximate=True).approximated) == 2
    tau = np.array([1e-3, 2e-3, 1e-3, 1e-3], "f4")
    uneven = staged(nir_files.chain(tmp_path / "b.nir", 6, 4, tau=tau))
    with pytest.raises(NirError, match=r"a leak per neuron in 'n0'"):
        nir.lower(uneven)
    quick = staged(nir_files.chain(tmp_path / "c.nir", 6, 4, tau=np.full(4, 1.5e-4, "f4")))
    with pytest.raises(NirError, match=r"loses 0\.66.* per step: up to half can be built"):
        nir.lower(quick)
    silent = dataclasses.replace(network.stages[0], weight=np.zeros((4, 6)), bias=np.zeros(4))
    with pytest.raises(NirError, match=r"all weights of a layer are 0"):
        nir.lower(nir.Staged((silent,), ()))
    tiny = dataclasses.replace(silent, weight=np.full((4, 6), 40.0))
    with pytest.raises(NirError, match=r"comes to is refused: layer\[1\].reach"):
        nir.lower(nir.Staged((tiny,), ()))


def test_files_that_are_no_nir_are_refused(tmp_path: Path):
    gone, text, other = tmp_path / "gone.nir", tmp_path / "text.nir", tmp_path / "other.nir"
    text.write_text("no")
    with h5py.File(other, "w") as file:
        file["x"] = 1
    for path, words in (
        (gone, "there is no such file"),
        (text, "is no NIR file, or damaged"),
        (other, "without the group 'node', it holds x"),
    ):
        with pytest.raises(NirError, match=words):
            nir.read(path)


def test_links_out_of_a_file_are_not_followed(tmp_path: Path):
    path = nir_files.chain(tmp_path / "a.nir", 6, 4)
    with h5py.File(path, "r+") as file:
        del file["node/nodes/w0/weight"]
        file["node/nodes/w0/weight"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(NirError, match="'weight' is a link out of its place"):
        nir.read(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path):
    path = nir_files.chain(tmp_path / "a.nir", 6, 4)
    with h5py.File(path, "r+") as file:
        del file["node/nodes/w0/weight"]
        file["node/nodes/w0"].create_dataset("weight", (1 << 20, 1 << 20), "f4")  # takes no room
    with pytest.raises(NirError, match=r"more than 67,108,864 numbers: too large"):
        nir.read(path)


def test_profiles_that_cannot_be_are_refused():
    with pytest.raises(NirError, match="no profile 'lava': there are snntorch, spikingjelly"):
        nir.profile("lava")
    with pytest.raises(NirError, match="reset 'soft': it is one of subtract, zero"):
        nir.profile("norse", reset="soft")
    with pytest.raises(NirError, match=r"dt = 0 s: a step takes some time"):
        nir.profile("norse", dt=0)
