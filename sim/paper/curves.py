"""Figures 6, 7 and 8: learning with the stochastic update, and what noise of its size does.

Figure 6 trains by coincidences (Eq. 10) at several T. Figure 7 sets beside each curve the rate
form (Eq. 9) at 50 steps with Gaussian noise on its products, as large as Figure 4 found the error
of a stochastic product to be after T steps. Figure 8 goes through a wide range of T that way,
where simulating T steps would take too long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikeloom.sim.paper import floating, images, product, settings, stats
from spikeloom.sim.paper.exhibit import Exhibit, Plan, Records, Shown
from spikeloom.sim.paper.job import Job

STEPS = (50, 100, 150, 200)
"""T of the paper's Figure 6, as far as its text says."""

WIDE = (10, 20, 50, 100, 200, 500, 1000, 2000)
SEEDS = 2

FULL = {"sizes": (784, 256, 10), "epochs": 10}
FULL_TRAIN, FULL_TEST = 20_000, None
QUICK = {"sizes": (784, 64, 10), "epochs": 3, "dropout": ()}
QUICK_TRAIN, QUICK_TEST = 3000, 1000


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


def noisy(plan: Plan, t: int | None) -> list[Job]:
    """Return the runs of Eq. 9 with noise as of T = t, without any where t is None."""
    size = 0.0 if t is None else round(float(product.theory(t)), 6)
    title = "Eq. 9" if t is None else f"Eq. 9 with noise as of T = {t}"
    return [_job(plan, seed, title, noise=size) for seed in plan.some_seeds(SEEDS)]


def _wide(plan: Plan) -> tuple[int, ...]:
    return (10, 100, 1000) if plan.quick else WIDE


def _reduced(plan: Plan) -> str:
    config = noisy(plan, None)[0].config
    shape = "-".join(map(str, config["model"]["sizes"]))
    tested = "10,000" if config["test"] is None else f"{config['test']:,}"
    return (
        f"{shape}, the first {config['train']:,} MNIST training images, "
        f"{config['model']['epochs']} epochs, {tested} test images, "
        f"{len(plan.some_seeds(SEEDS))} seeds (the paper: 784-1280-10, all 60,000); its text gives "
        "no numbers of this figure."
    )


def accuracies(records: Records, jobs: list[Job]) -> np.ndarray:
    """Return accuracy in per cent after each epoch of the runs that are done: [seeds, epochs]."""
    found = [record.result["accuracy"] for record in records.of(jobs)]
    return 100 * np.array(found) if found else np.zeros((0, 0))


def _data(curves: dict[str, np.ndarray], form: Callable[[str], dict[str, Any]]) -> list[dict]:
    return [
        form(name)
        | {
            "epoch": epoch + 1,
            "seeds": len(curve),
            "mean": float(curve[:, epoch].mean()),
            "deviation": float(stats.deviation(curve)[epoch]),
        }
        for name, curve in curves.items()
        for epoch in range(curve.shape[1])
    ]


def _rows(curves: dict[str, np.ndarray]) -> list[tuple[str, ...]]:
    return [
        (
            name,
            stats.mean_and_deviation(curve[:, 0], 2),
            stats.mean_and_deviation(curve[:, -1], 2),
            str(len(curve)),
        )
        for name, curve in curves.items()
    ]


HEADINGS = ("update", "after 1 epoch, %", "after the last, %", "seeds")


def _plot(axes: Any, curve: np.ndarray, label: str, style: dict[str, Any]) -> None:
    from spikeloom.sim.paper.drawing import band

    epoch = np.arange(1, curve.shape[1] + 1)
    axes.plot(epoch, curve.mean(axis=0), label=label, **style)
    band(axes, epoch, curve.mean(axis=0), stats.deviation(curve), color=style["color"])


def _show6(plan: Plan, records: Records) -> Shown:
    found = {
        t: curve for t in steps(plan) if (curve := accuracies(records, stochastic(plan, t))).size
    }
    curves = {f"Eq. 10, T = {t}": curve for t, curve in found.items()}

    def draw(figure: Any) -> None:
        from spikeloom.sim.paper.drawing import legend, series

        axes = figure.subplots()
        for number, (t, curve) in enumerate(found.items()):
            _plot(axes, curve, f"T = {t}", series(number))
        axes.set(xlabel="epoch", ylabel="test accuracy, %", title="Stochastic update (Eq. 10)")
        axes.grid(axis="y")
        legend(axes)

    return Shown(
        title="Figure 6: learning with the stochastic update",
        caption=f"Reduced: {_reduced(plan)} Bands are one standard deviation.",
        headings=HEADINGS,
        rows=_rows(curves),
        data=_data(curves, lambda name: {"update": "coincidence", "T": name.split("= ")[1]}),
        draw=draw,
    )


def _show7(plan: Plan, records: Records) -> Shown:
    pairs = {
        t: (accuracies(records, stochastic(plan, t)), accuracies(records, noisy(plan, t)))
        for t in steps(plan)
    }
    pairs = {t: both for t, both in pairs.items() if both[0].size and both[1].size}
    curves = {}
    for t, (real, noise) in pairs.items():
        curves[f"Eq. 10, T = {t}"] = real
        curves[f"Eq. 9, 50 steps, noise {product.theory(t):.4f}"] = noise

    def form(name: str) -> dict[str, Any]:
        kind = "coincidence" if name.startswith("Eq. 10") else "rate with noise"
        return {"update": kind, "which": name}

    return Shown(
        title="Figure 7: the stochastic update against noise of its size",
        caption=(
            f"Reduced: {_reduced(plan)} Noise is Gaussian, on the products of each sample, with "
            "the standard deviation that Figure 4 found after T steps. Bands are one standard "
            "deviation."
        ),
        headings=HEADINGS,
        rows=_rows(curves),
        data=_data(curves, form),
        draw=lambda figure: _draw7(figure, pairs),
        height=3.4,
    )


def _draw7(figure: Any, pairs: dict[int, tuple[np.ndarray, np.ndarray]]) -> None:
    from spikeloom.sim.paper.drawing import legend, series

    panels = figure.subplots(1, max(1, len(pairs)), sharey=True, squeeze=False)[0]
    for axes, (t, (real, noise)) in zip(panels, pairs.items(), strict=False):
        _plot(axes, real, "Eq. 10", series(0))
        _plot(axes, noise, "Eq. 9 + noise", series(1))
        axes.set(xlabel="epoch", title=f"T = {t}")
        axes.grid(axis="y")
    panels[0].set_ylabel("test accuracy, %")
    legend(panels[0])


def _show8(plan: Plan, records: Records) -> Shown:
    found = {t: curve for t in _wide(plan) if (curve := accuracies(records, noisy(plan, t))).size}
    without = accuracies(records, noisy(plan, None))
    curves = {f"Eq. 9, noise as of T = {t}": curve for t, curve in found.items()}
    if without.size:
        curves["Eq. 9, no noise"] = without

    def form(name: str) -> dict[str, Any]:
        return {"update": "rate with noise", "T": name.split("= ")[1] if "=" in name else "inf"}

    def draw(figure: Any) -> None:
        from spikeloom.sim.paper.drawing import PUBLISHED, legend, plain_ticks, series

        axes = figure.subplots()
        last = {t: curve[:, -1] for t, curve in found.items()}
        mean = [value.mean() for value in last.values()]
        deviation = [float(stats.deviation(value)) for value in last.values()]
        if without.size:
            axes.axhline(without[:, -1].mean(), label="no noise", **PUBLISHED)
        axes.errorbar(list(last), mean, deviation, label="noise as of T", **series(0))
        axes.set(
            xscale="log", xlabel="steps T that the noise stands for",
            ylabel="test accuracy, %", title="Rate form (Eq. 9) with noise",
        )  # fmt: skip
        plain_ticks(axes, list(last))
        axes.grid(axis="y")
        legend(axes)

    return Shown(
        title="Figure 8: a wide range of T, by noise",
        caption=(
            f"Reduced: {_reduced(plan)} Accuracy after the last epoch, one standard deviation to "
            "either side; noise as in Figure 7."
        ),
        headings=HEADINGS,
        rows=_rows(curves),
        data=_data(curves, form),
        draw=draw,
    )


FIGURE6 = Exhibit(
    name="fig6",
    title="learning curves with the stochastic update",
    jobs=lambda plan: [job for t in steps(plan) for job in stochastic(plan, t)],
    show=_show6,
)
FIGURE7 = Exhibit(
    name="fig7",
    title="the stochastic update against noise of its size",
    jobs=lambda plan: [job for t in steps(plan) for job in [*stochastic(plan, t), *noisy(plan, t)]],
    show=_show7,
)
FIGURE8 = Exhibit(
    name="fig8",
    title="a wide range of T, by noise",
    jobs=lambda plan: [job for t in (*_wide(plan), None) for job in noisy(plan, t)],
    show=_show8,
)
