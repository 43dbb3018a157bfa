"""Figure 4: the error of a stochastic product, and what the machine's own generators add to it.

Two streams spike at constant rates x and y; the share of T steps in which both do estimates x y.
Of independent streams the estimate has variance x y (1 - x y) / T. Where
the machine's own generators draw the streams (`streams`), the ratio to that is what they cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikeloom.golden.spec.lfsr import CATALOG
from tests.paper import stats, streams
from tests.paper.errors import PaperError
from tests.paper.exhibit import Exhibit, Plan, Records, Shown, origin
from tests.paper.job import Job, Place, Tell
from tests.paper.streams import CLOSE, IDEAL, Pair

RATES = np.arange(50) / 50
"""The values x and y take: 0, 0.02, ..., 0.98; 2,500 pairs."""

OWN = "lfsr48"
"""The generator that the shipped networks draw input and thinning from."""

COPIES = 3
"""Pixels of each rate: with 49 rates above 0, as many as an MNIST digit has."""

STEPS = (10, 25, 50, 64, 100, 150, 200, 400, 800)
QUICK_STEPS = (25, 50, 100, 200)
BINS = 20
"""Equal parts of 0 .. 1 in which products are counted together."""


def run(config: dict[str, Any], place: Place, tell: Tell) -> dict[str, Any]:
    """Measure the error for one kind of stream, as a run of a sweep.

    config : `generator` (see `streams.make`), `steps` (all T), `samples` (of each pair,
    times `copies`), `seed`, and what `grid` says.

    Returns per T the root of the mean squared error over all pairs, `rms`; the mean absolute one
    and the mean one, `absolute` and `bias`; and `by_product`, the rms of the pairs whose product
    lies in each of `BINS` bins (None where there are none).
    """
    if (asked := {name: config[name] for name in grid()}) != grid():
        raise PaperError(f"this run wants {asked}, this version of spikeloom has {grid()}")
    drawn = streams.make(config["generator"], config["seed"])
    found: dict[str, list[Any]] = {"rms": [], "absolute": [], "bias": [], "by_product": []}
    for number, steps in enumerate(config["steps"]):
        error = errors(drawn, steps, config["samples"])
        squares = (error**2).mean(axis=0)
        found["rms"].append(_short(np.sqrt(squares.mean())))
        found["absolute"].append(_short(np.abs(error).mean()))
        found["bias"].append(_short(error.mean()))
        found["by_product"].append(_by_product(squares))
        tell((number + 1) / len(config["steps"]))
    return found


def grid() -> dict[str, int]:
    """Return which rates are drawn and counted, as part of a run's configuration."""
    return {"rates": len(RATES), "copies": COPIES, "bins": BINS}


def errors(drawn: Pair, steps: int, samples: int) -> np.ndarray:
    """Return estimate less product, float64[samples * COPIES, 50, 50]: x, then y."""
    x = np.tile(RATES[1:], COPIES)
    found = np.zeros((samples, COPIES, len(RATES), len(RATES)))
    for sample in range(samples):
        for j, y in enumerate(RATES[1:], start=1):
            counts = drawn.counts(x, float(y), steps)
            found[sample, :, 1:, j] = (counts / steps - x * y).reshape(COPIES, -1)
    return found.reshape(samples * COPIES, len(RATES), len(RATES))


def _by_product(squares: np.ndarray) -> list[float | None]:
    place = np.minimum((np.outer(RATES, RATES) * BINS).astype(int), BINS - 1)
    parts = [squares[place == b] for b in range(BINS)]
    return [_short(np.sqrt(part.mean())) if part.size else None for part in parts]


def _short(value: float) -> float:
    """Return a number to six digits, more than are certain."""
    return float(f"{value:.6g}")


def theory(steps: int | np.ndarray) -> float | np.ndarray:
    """Return the rms error over all pairs that independent streams have after T steps."""
    product = np.outer(RATES, RATES)
    return np.sqrt((product * (1 - product)).mean() / steps)


def _jobs(plan: Plan) -> list[Job]:
    """One run per generator and seed."""
    return [job for name in _generators(plan) for job in runs(name, plan)]


def _generators(plan: Plan) -> tuple[str, ...]:
    return (IDEAL, OWN, CLOSE) if plan.quick else (IDEAL, *CATALOG, CLOSE)


def runs(generator: str, plan: Plan) -> list[Job]:
    """Return the runs of one generator."""
    steps, samples, seeds = (QUICK_STEPS, 10, 2) if plan.quick else (STEPS, 60, 3)
    config = {"generator": generator, "steps": list(steps), "samples": samples} | grid()
    return [
        Job(
            "product",
            config | {"seed": seed},
            title=f"products of {generator} streams, seed {seed}",
            cost=samples * sum(steps) / 2.5e4,
        )
        for seed in plan.some_seeds(seeds)
    ]


def _show(plan: Plan, records: Records) -> Shown:
    needed = (IDEAL, OWN, CLOSE)
    names = [n for n in _generators(plan) if n in needed or all(map(records.has, runs(n, plan)))]
    found = {name: [records[job].result for job in runs(name, plan)] for name in names}
    steps = np.array(runs(IDEAL, plan)[0].config["steps"])
    rms = {name: np.array([r["rms"] for r in results]) for name, results in found.items()}
    ratio = {name: value / rms[IDEAL].mean(axis=0) for name, value in rms.items() if name != IDEAL}
    slope = float(np.polyfit(np.log(steps), np.log(rms[IDEAL].mean(axis=0)), 1)[0])
    headings = ("T", "c / √T", "ideal", f"machine ({OWN})", "ratio", f"ratio, {CLOSE}")
    rows = [
        (
            str(t),
            f"{theory(t):.4f}",
            stats.mean_and_deviation(rms[IDEAL][:, i], 4),
            stats.mean_and_deviation(rms[OWN][:, i], 4),
            stats.mean_and_deviation(ratio[OWN][:, i], 3),
            stats.mean_and_deviation(ratio[CLOSE][:, i], 3),
        )
        for i, t in enumerate(steps)
    ]
    data = [
        {
            "generator": name,
            "T": int(t),
            "seed": job.config["seed"],
            "rms": records[job].result["rms"][i],
            "absolute": records[job].result["absolute"][i],
            "bias": records[job].result["bias"][i],
            "theory": float(theory(t)),
            "ratio_to_ideal": float(rms[name][s, i] / rms[IDEAL][:, i].mean()),
        }
        | origin([records[job]])
        for name in found
        for s, job in enumerate(runs(name, plan))
        for i, t in enumerate(steps)
    ]
    all_t = ", ".join(f"{name} {v.mean():.3f}" for name, v in ratio.items() if name != CLOSE)
    return Shown(
        title="Figure 4: error of the stochastic product",
        caption=(
            "Root of the mean squared error over all 2,500 pairs of {0, 0.02, ..., 0.98}. The "
            "paper's figure shows the fall as 1/√T; c = 0.368 is ours, by the binomial law. The "
            f"ideal streams fall as T^{slope:.3f}. The machine's streams are those of input and "
            f"thinning, in the machine's order; their error over the ideal one, mean of all T, by "
            f"generator: {all_t}. Beside them what not to do: one 16-bit polynomial with "
            "neighbouring seeds, one shift for each number."
        ),
        headings=headings,
        rows=rows,
        data=data,
        draw=lambda figure: _draw(figure, steps, rms, ratio, found),
        height=3.7,
        note=_note(plan),
    )


def _note(plan: Plan) -> str:
    jobs = runs(IDEAL, plan)
    config = jobs[0].config
    return (
        f"{'Reduced: ' if plan.quick else ''}{config['rates'] ** 2:,} pairs of rates, "
        f"{config['samples'] * config['copies']} samples of each at {len(config['steps'])} values "
        f"of T, {len(jobs)} {'seed' if len(jobs) == 1 else 'seeds'}"
    )


def _draw(figure: Any, steps: np.ndarray, rms: dict, ratio: dict, found: dict) -> None:
    from tests.paper.drawing import PUBLISHED, legend, plain_ticks, series

    falling, compared, products = figure.subplots(1, 3, width_ratios=(1.1, 1, 1.1))
    smooth = np.geomspace(steps[0], steps[-1], 50)
    falling.plot(smooth, theory(smooth), label="c / √T", **PUBLISHED)
    for number, (name, label) in enumerate(((IDEAL, "ideal"), (OWN, f"machine ({OWN})"))):
        style = series(number) | {"linestyle": "none"}
        style |= {"markersize": 7, "fillstyle": "none"} if number == 0 else {}
        falling.plot(steps, rms[name].mean(axis=0), label=label, **style)
    falling.set(
        xscale="log", yscale="log", xlabel="steps T", ylabel="error (rms)",
        title="The error falls as 1/√T",
    )  # fmt: skip
    _log_ticks(falling, steps)
    falling.legend()

    compared.axhline(1, **PUBLISHED)
    shown = ((OWN, f"machine ({OWN})"), (CLOSE, f"16 bits, {CLOSE}"))
    for number, (name, label) in enumerate(shown, start=1):
        mean, deviation = ratio[name].mean(axis=0), stats.deviation(ratio[name])
        compared.errorbar(steps, mean, deviation, label=label, **series(number))
    compared.set(
        xscale="log", ylim=(0.8, None), xlabel="steps T", ylabel="error / ideal error",
        title="Compared with ideal streams",
    )  # fmt: skip
    plain_ticks(compared, [t for t in (10, 25, 50, 100, 200, 400, 800) if t in steps])
    compared.legend()

    middle = (np.arange(BINS) + 0.5) / BINS
    fine = np.linspace(0, 1, 200)
    for number, t in enumerate(t for t in (25, 100, 400) if t in steps):
        place = list(steps).index(t)
        own = np.array([r["by_product"][place] for r in found[OWN]], float)
        products.plot(fine, np.sqrt(fine * (1 - fine) / t), **PUBLISHED)
        style = series(number) | {"linestyle": "none"}
        products.plot(middle, own.mean(axis=0), label=f"T = {t}", **style)
    products.set(
        xlabel="product x y", ylabel="error (rms)", title="By product; dots are the machine's"
    )
    legend(products)


def _log_ticks(axes: Any, steps: np.ndarray) -> None:
    from tests.paper.drawing import plain_ticks

    plain_ticks(axes, [t for t in (10, 25, 50, 100, 200, 400, 800) if t in steps])
    y = [value for value in (0.01, 0.02, 0.05, 0.1) if value <= theory(steps[0])]
    axes.set_yticks(y, [f"{value:g}" for value in y])


FIGURE = Exhibit(
    name="fig4",
    jobs=_jobs,
    show=_show,
)
