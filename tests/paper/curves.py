"""Figures 6, 7 and 8: learning with the stochastic update, and what noise of its size does.

Figure 6 trains by coincidences (Eq. 10) at several T. Figure 7 sets beside each curve the rate
form (Eq. 9) at 50 steps with Gaussian noise on its products, as large as Figure 4 found the error
of a stochastic product to be after T steps. Figure 8 goes through a wide range of T that way,
where simulating T steps would take too long.

Figure 4's error can be read in two ways: each product has its own, none where a neuron is silent
(``binomial``), or all have the mean of the figure (``absolute``). They are far apart, as most
products of a network are 0; both are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.paper import extent, floating, images, product, settings, stats
from tests.paper.exhibit import Exhibit, Plan, Records, Shown, origin
from tests.paper.job import Job
from tests.paper.store import Record

STEPS = (50, 100, 150, 200)
"""T of the paper's Figure 6, as far as its text says."""

WIDE = (10, 50, 100, 200, 1000)
SEEDS = 2

NOISES = {"binomial": "noise of each product", "absolute": "the same noise on all"}

FULL = {"sizes": (784, 128, 10), "epochs": 6}
FULL_TRAIN, FULL_TEST = 20_000, None
QUICK = {"sizes": (784, 64, 10), "epochs": 3, "dropout": ()}
QUICK_TRAIN, QUICK_TEST = 3000, 1000

Curves = Mapping[str, Sequence[Record]]
"""The runs of each curve, one per seed, by the curve's name."""


def _job(plan: Plan, seed: int, title: str, **changes: Any) -> Job:
    size = QUICK if plan.quick else FULL
    model = settings.model(**(size | changes), seed=seed)
    train, test = (QUICK_TRAIN, QUICK_TEST) if plan.quick else (FULL_TRAIN, FULL_TEST)
    return floating.job(images.MNIST, model, train=train, test=test, title=title)


def steps(plan: Plan) -> tuple[int, ...]:
    """Return the T of Figures 6 and 7."""
    return (50, 200) if plan.quick else STEPS


def stochastic(plan: Plan, t: int) -> list[Job]:
    """Return the runs of Eq. 10 at T = t, one per seed."""
    return [
        _job(plan, seed, "Eq. 10", update="coincidence", steps=t) for seed in plan.some_seeds(SEEDS)
    ]


def noisy(plan: Plan, t: int | None, kind: str = "binomial") -> list[Job]:
    """Return the runs of Eq. 9 with noise as of T = t, without any where t is None."""
    title, noise = "Eq. 9", {}
    if t is not None:
        size = t**-0.5 if kind == "binomial" else float(product.theory(t))
        title = f"Eq. 9, {NOISES[kind]} as of T = {t}"
        noise = {"noise": round(size, 6), "noise_kind": kind}
    return [_job(plan, seed, title, **noise) for seed in plan.some_seeds(SEEDS)]


def _every_noise(plan: Plan, t: int) -> list[Job]:
    return [job for kind in NOISES for job in noisy(plan, t, kind)]


def _wide(plan: Plan) -> tuple[int, ...]:
    return (10, 100, 1000) if plan.quick else WIDE


def _note(curves: Curves) -> str:
    """Return how much was run, beside what the paper ran; nothing where nothing was run."""
    ours = extent.line(curves.values())
    shape = "-".join(map(str, settings.PAPER_SIZES))
    count = images.KNOWN[images.MNIST].counts[0]
    return f"{ours} (the paper: {shape}, all {count:,})" if ours else ""


def _caption(curves: Curves, *about: str) -> str:
    note = _note(curves)
    reduced = [f"{note}; its text gives no numbers of this figure."] if note else []
    return " ".join([*reduced, *about])


def accuracies(records: Sequence[Record]) -> np.ndarray:
    """Return accuracy in per cent after each epoch, float64[seeds, epochs], of one run or more."""
    return 100 * np.array([record.result["accuracy"] for record in records])


def _data(curves: Curves, form: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for name, records in curves.items():
        curve = accuracies(records)
        rows += [
            form(name)
            | {
                "epoch": epoch + 1,
                "seeds": len(curve),
                "mean": float(curve[:, epoch].mean()),
                "deviation": float(stats.deviation(curve)[epoch]) if len(curve) > 1 else "",
            }
            | origin(records)
            for epoch in range(curve.shape[1])
        ]
    return rows


def _rows(curves: Curves) -> list[tuple[str, ...]]:
    return [
        (
            name,
            stats.mean_and_deviation(curve[:, 0], 2),
            stats.mean_and_deviation(curve[:, -1], 2),
            str(len(curve)),
        )
        for name, records in curves.items()
        for curve in [accuracies(records)]
    ]


HEADINGS = ("update", "after 1 epoch, %", "after the last, %", "seeds")


def _plot(axes: Any, records: Sequence[Record], label: str, style: dict[str, Any]) -> None:
    from tests.paper.drawing import band

    curve = accuracies(records)
    epoch = np.arange(1, curve.shape[1] + 1)
    axes.plot(epoch, curve.mean(axis=0), label=label, **style)
    axes.xaxis.get_major_locator().set_params(integer=True)
    band(axes, epoch, curve.mean(axis=0), stats.deviation(curve), color=style["color"])


def _show6(plan: Plan, records: Records) -> Shown:
    found = {t: runs for t in steps(plan) if (runs := records.of(stochastic(plan, t)))}
    curves = {f"Eq. 10, T = {t}": runs for t, runs in found.items()}

    def draw(figure: Any) -> None:
        from tests.paper.drawing import legend, series

        axes = figure.subplots()
        for number, (t, runs) in enumerate(found.items()):
            _plot(axes, runs, f"T = {t}", series(number))
        axes.set(xlabel="epoch", ylabel="test accuracy, %", title="Stochastic update (Eq. 10)")
        axes.grid(axis="y")
        legend(axes)

    return Shown(
        title="Figure 6: learning with the stochastic update",
        caption=_caption(curves, "Bands are one standard deviation."),
        headings=HEADINGS,
        rows=_rows(curves),
        data=_data(curves, lambda name: {"update": "Eq. 10", "T": name.split("= ")[1]}),
        draw=draw,
        note=_note(curves),
    )


ABOUT_NOISE = (
    "Noise is Gaussian, on the products of rates of each sample, as large as Figure 4 found the "
    "error of a stochastic product after T steps: that of each product, or the root mean square "
    "over all pairs for every product alike. Networks with noise run for 50 steps, whatever T it "
    "stands for."
)


def _show7(plan: Plan, records: Records) -> Shown:
    panels = {
        t: {"Eq. 10": records.of(stochastic(plan, t))}
        | {f"Eq. 9, {NOISES[kind]}": records.of(noisy(plan, t, kind)) for kind in NOISES}
        for t in steps(plan)
    }
    panels = {t: all_ for t, all_ in panels.items() if all(all_.values())}
    curves = {f"{name}, T = {t}": runs for t, all_ in panels.items() for name, runs in all_.items()}

    def form(name: str) -> dict[str, Any]:
        update, t = name.split(", T = ")
        return {"update": update, "T": t}

    def draw(figure: Any) -> None:
        from tests.paper.drawing import series

        shown = figure.subplots(1, max(1, len(panels)), sharey=True, squeeze=False)[0]
        for axes, (t, all_) in zip(shown, panels.items(), strict=False):
            for number, (name, runs) in enumerate(all_.items()):
                _plot(axes, runs, name, series(number))
            axes.set(xlabel="epoch", title=f"T = {t}")
            axes.grid(axis="y")
        shown[0].set_ylabel("test accuracy, %")
        if panels:
            figure.legend(*shown[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)

    return Shown(
        title="Figure 7: the stochastic update against noise of its size",
        caption=_caption(curves, ABOUT_NOISE, "Bands are one standard deviation."),
        headings=HEADINGS,
        rows=_rows(curves),
        data=_data(curves, form),
        draw=draw,
        height=3.4,
        note=_note(curves),
    )


def _show8(plan: Plan, records: Records) -> Shown:
    without = records.of(noisy(plan, None))
    found = {
        kind: {t: runs for t in _wide(plan) if (runs := records.of(noisy(plan, t, kind)))}
        for kind in NOISES
    }
    curves = {
        f"Eq. 9, {NOISES[kind]}, T = {t}": runs
        for kind, each in found.items()
        for t, runs in each.items()
    }
    if without:
        curves["Eq. 9, no noise"] = without

    def form(name: str) -> dict[str, Any]:
        update, _, t = name.partition(", T = ")
        return {"update": update, "T": t or "inf"}

    def draw(figure: Any) -> None:
        from tests.paper.drawing import PUBLISHED, legend, plain_ticks, series

        axes = figure.subplots()
        if without:
            axes.axhline(accuracies(without)[:, -1].mean(), label="no noise", **PUBLISHED)
        for number, (kind, each) in enumerate(found.items()):
            last = [accuracies(runs)[:, -1] for runs in each.values()]
            mean = [value.mean() for value in last]
            deviation = [float(stats.deviation(value)) for value in last]
            axes.errorbar(list(each), mean, deviation, label=NOISES[kind], **series(number))
        axes.set(
            xscale="log", xlabel="steps T that the noise stands for",
            ylabel="test accuracy, %", title="Rate form (Eq. 9) with noise",
        )  # fmt: skip
        plain_ticks(axes, list(_wide(plan)))
        axes.grid(axis="y")
        legend(axes)

    return Shown(
        title="Figure 8: a wide range of T, by noise",
        caption=_caption(
            curves,
            ABOUT_NOISE,
            "Accuracy after the last epoch, one standard deviation to either side.",
        ),
        headings=HEADINGS,
        rows=_rows(curves),
        data=_data(curves, form),
        draw=draw,
        note=_note(curves),
    )


FIGURE6 = Exhibit(
    name="fig6",
    jobs=lambda plan: [job for t in steps(plan) for job in stochastic(plan, t)],
    show=_show6,
)
FIGURE7 = Exhibit(
    name="fig7",
    jobs=lambda plan: [
        job for t in steps(plan) for job in [*stochastic(plan, t), *_every_noise(plan, t)]
    ],
    show=_show7,
)
FIGURE8 = Exhibit(
    name="fig8",
    jobs=lambda plan: [
        *noisy(plan, None),
        *[job for t in _wide(plan) for job in _every_noise(plan, t)],
    ],
    show=_show8,
)
