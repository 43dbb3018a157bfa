"""Figure 5: how sharply the output layer decides: raw, after lateral inhibition, and by softmax.

The activity of an image is its output spike counts, sorted from the most active class down and
divided by their sum; the figure shows the mean over the test set. A network is trained once and
then read in every way, so that all of them see the same spikes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from spikeloom.engines.engine import GoldenEngine, restore
from spikeloom.golden.paper import PaperConfig, PaperNetwork
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.training import infer
from tests.paper import extent, floating, images, settings
from tests.paper import machine as machines
from tests.paper.exhibit import Exhibit, Plan, Records, Shown, origin
from tests.paper.job import Job, Place, Tell

RAW, WTA, SOFTMAX = "raw", "WTA (Eq. 2)", "softmax of raw"
KINDS = (("none", 0.0), ("lateral", 0.25), ("feedforward", 0.25), ("recurrent", 0.25))
"""The machine's kinds of inhibition, each at the strength at which it was studied."""

SCALES = (0.02, 2.0, 200)
"""Softmax is taken of counts times each of so many numbers, from the first to the second evenly in
their logarithm, and the nearest to inhibition is shown."""

NETWORK = "mnist-784-128-10"
TITLES = {"float": "Float model", "machine": f"Machine, {NETWORK}"}


def run(config: dict[str, Any], place: Place, tell: Tell) -> dict[str, Any]:
    """Train a network and read its output in every way, as a run of a sweep.

    config : `source`, "float" or "machine", with the keys of that kind of run; and `SCALES` or
    `KINDS`.

    Returns `ways`: each with `name`, the `mean` and `deviation` of the sorted share per rank, the
    share of `silent` images (which count in neither), and the `accuracy`; and `data`, the
    fingerprint of the images.
    """
    read = _read_float if config["source"] == "float" else _read_machine
    return read(config, place, tell)


def _read_float(config: dict[str, Any], place: Place, tell: Tell) -> dict[str, Any]:
    data = images.loaded(config, place)
    model = PaperConfig.from_dict(config["model"])
    name = Job("activity", config).key
    network, _, checkpoint = floating.trained(model, data, place, tell, name)
    plain = PaperNetwork(
        dataclasses.replace(model, loss="mse"),
        network.arrays,
        [network.arrays.get(w) for w in network.weights],
    )
    raw = floating.counts(plain, data.test.images)
    inhibited = floating.counts(network, data.test.images)
    target = mean_share(inhibited)
    scale = min(np.geomspace(*config["scales"]), key=lambda s: _distance(softmax(raw * s), target))
    ways = [
        way(RAW, raw, data.test.labels),
        way(WTA, inhibited, data.test.labels),
        way(SOFTMAX, softmax(raw * scale), data.test.labels) | {"scale": float(scale)},
    ]
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return {"ways": ways, "data": images.fingerprint(data)}


def _read_machine(config: dict[str, Any], place: Place, tell: Tell) -> dict[str, Any]:
    found = machines.shipped(config)
    data = images.loaded(config, place, found.image)
    name = Job("activity", config).key
    network, checkpoint = machines.trained(found, data, config, place, tell, name)
    state = network.checkpoint()
    ways = []
    for kind, strength in config["kinds"]:
        reader = GoldenEngine(machines.with_wta(found, kind, strength))
        restore(reader, state.weights, state.stream_states)
        reader.stop = StopConfig()  # counts of whole samples
        counts, _ = infer(reader, data.test.images)
        ways.append(way(kind, counts, data.test.labels) | {"strength": strength})
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return {"ways": ways, "data": images.fingerprint(data)}


def shares(counts: np.ndarray) -> tuple[np.ndarray, float]:
    """Return sorted shares of the images that are not silent, and the share of silent ones.

    counts : [images, classes] of spikes. Returns float64[n, classes], each row falling and of sum
    1, and a number 0 to 1.
    """
    total = counts.sum(axis=1)
    loud = counts[total > 0] / total[total > 0, None]
    return -np.sort(-loud.astype(np.float64), axis=1), float((total == 0).mean())


def mean_share(counts: np.ndarray) -> np.ndarray:
    """Return the mean of `shares` over the images, 0 where all are silent."""
    found = shares(counts)[0]
    return found.mean(axis=0) if len(found) else np.zeros(counts.shape[1])


def way(name: str, counts: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return what one way of reading gives; see `run`."""
    found, silent = shares(counts)
    mean = mean_share(counts)
    deviation = np.sqrt(((found - mean) ** 2).sum(axis=0) / max(1, len(found)))
    return {
        "name": name,
        "mean": [round(float(v), 6) for v in mean],
        "deviation": [round(float(v), 6) for v in deviation],
        "silent": silent,
        "accuracy": float((counts.argmax(axis=1) == labels).mean()),
    }


def softmax(drive: np.ndarray) -> np.ndarray:
    """Return the softmax of each row."""
    powers = np.exp(drive - drive.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _distance(probabilities: np.ndarray, target: np.ndarray) -> float:
    return float(((mean_share(probabilities) - target) ** 2).sum())


def _float_job(plan: Plan) -> Job:
    if plan.quick:
        size = {"train": 6000, "test": 1000}
        model = settings.model((784, 100, 10), loss="softmax", epochs=5, dropout=(), seed=1)
    else:
        size = {"train": None, "test": None}
        model = settings.model(settings.PAPER_SIZES, loss="softmax", epochs=5, seed=1)
    base = floating.job(images.MNIST, model, **size)
    config = {"source": "float", "scales": list(SCALES)} | base.config
    return Job("activity", config, title="output activity, float model", cost=base.cost)


def _machine_job(plan: Plan) -> Job:
    size = {"train": 10000, "test": 1000} if plan.quick else {"train": None, "test": None}
    base = machines.job(images.MNIST, NETWORK, 1, 1 if plan.quick else 5, **size)
    config = {"source": "machine", "kinds": [list(kind) for kind in KINDS]} | base.config
    return Job("activity", config, title=f"output activity, machine {NETWORK}", cost=base.cost)


def _show(plan: Plan, records: Records) -> Shown:
    jobs = {"float": _float_job(plan), "machine": _machine_job(plan)}
    done = {source: records[job] for source, job in jobs.items() if records.has(job)}
    found = {source: record.result["ways"] for source, record in done.items()}
    rows = [
        (
            source,
            _name(way),
            *(f"{way['mean'][rank]:.3f}" for rank in range(4)),
            f"{100 * way['silent']:.1f} %",
            f"{100 * way['accuracy']:.2f} %",
        )
        for source, ways in found.items()
        for way in ways
    ]
    data = [
        {
            "model": source,
            "way": way["name"],
            "strength": way.get("strength", ""),
            "rank": rank + 1,
            "mean": way["mean"][rank],
            "deviation": way["deviation"][rank],
            "silent": 100 * way["silent"],
            "accuracy": 100 * way["accuracy"],
        }
        | origin([done[source]])
        for source, ways in found.items()
        for way in ways
        for rank in range(len(way["mean"]))
    ]
    return Shown(
        title="Figure 5: sorted, normalised output activity",
        caption=_caption(plan, found),
        headings=("model", "output", "first", "second", "third", "fourth", "silent", "right"),
        rows=rows,
        data=data,
        draw=lambda figure: _draw(figure, found),
        height=3.7,
        note="\n".join(extent.line([[run]], TITLES[source]) for source, run in done.items()),
    )


def _caption(plan: Plan, found: dict[str, list[dict[str, Any]]]) -> str:
    count = "1,000" if plan.quick else "10,000"
    what = (
        f"Mean over {count} MNIST test images of the share of output spikes per class, most active "
        "first. The paper's figure shows inhibition (WTA) sharpening raw activity to nearly that "
        "of softmax."
    )
    told = [what]
    if "float" in found:
        model, scale = _float_job(plan).config["model"], found["float"][2]["scale"]
        told.append(
            f"Float model: {'-'.join(map(str, model['sizes']))}, T = {model['steps']}, "
            f"{model['epochs']} epochs; softmax is of its raw counts times {scale:.2f}, the scale "
            "at which it is nearest to inhibition."
        )
    if "machine" in found:
        told.append(
            f"Machine: {NETWORK}, trained without inhibition, the same weights read with each "
            "kind at the strength given."
        )
    told.append("Silent images have no spike left and count in no mean; their class is 0.")
    return " ".join(told)


def _name(way: dict[str, Any]) -> str:
    return f"{way['name']}, {way['strength']:g}" if way.get("strength") else way["name"]


def _draw(figure: Any, found: dict[str, list[dict[str, Any]]]) -> None:
    from tests.paper.drawing import series

    panels = figure.subplots(1, max(1, len(found)), sharey=True, squeeze=False)[0]
    for axes, (source, ways) in zip(panels, found.items(), strict=False):
        for number, way in enumerate(ways):
            rank = np.arange(1, len(way["mean"]) + 1)
            mean = np.array(way["mean"])
            style = series(number)
            axes.plot(rank, mean, label=_name(way), **style)
        axes.set(xlabel="class, most active first", title=TITLES[source], xticks=rank)
        axes.legend()
    panels[0].set(ylabel="share of output spikes", yscale="log", ylim=(1e-4, 1.3))


FIGURE = Exhibit(
    name="fig5",
    jobs=lambda plan: [_float_job(plan), _machine_job(plan)],
    show=_show,
)
