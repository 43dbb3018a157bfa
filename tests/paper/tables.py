"""Tables 1 and 2: accuracies as published, ours, and the machine's."""

from __future__ import annotations

from spikeloom.golden.paper import PaperConfig
from spikeloom.golden.spec import network
from tests.paper import ann, extent, floating, images, machine, published, rows, settings
from tests.paper.errors import PaperError
from tests.paper.exhibit import Exhibit, Plan, Records, Shown
from tests.paper.job import Job, Place
from tests.paper.rows import Group, Line, Row

MACHINES = (
    "mnist-784-1280-10",
    "mnist-784-512-10",
    "mnist-784-256-10-w12",
    "mnist-784-128-10",
    "mnist-196-64-10-w7",
)
"""The machine's networks in Table 1: the paper's size, then boards'."""

MACHINES_OF = {
    "fashion": ("fashion-784-1280-10",),
    "emnist47": ("emnist-784-512-47",),
    "emnist-balanced": ("emnist-784-512-47",),
}
"""The machine's networks in Table 2, by data set."""

QUICK_MACHINE = "mnist-196-32-10"
HIDDEN = {"emnist47": 512}
"""Hidden neurons in Table 2 where there are not the paper's 1280."""

FLOAT_SEEDS, ANN_SEEDS, MACHINE_SEEDS = 1, 3, 1
MACHINE_EPOCHS = 20

SHORTER = 2
"""The losses that are only compared in Table 2 get this part of the epochs of MSE + dropout."""

QUICK_SIZE = {"train": 6000, "test": 1000}
NOT_BALANCED = (
    "Not EMNIST Balanced but another split of the same characters (113,503 unbalanced training "
    "images, 2,820 test images: one standard error is 0.65 points), so nothing published compares."
)


def _float(
    plan: Plan, data: str, sizes: tuple[int, ...], title: str, **changes: object
) -> list[Job]:
    seeds = plan.some_seeds(FLOAT_SEEDS)
    if plan.quick:
        changes = {"epochs": 5, "dropout": ()} | changes
    changes = settings.DATA.get(data, {}) | changes
    models: list[PaperConfig] = [settings.model(sizes, seed=seed, **changes) for seed in seeds]
    size = QUICK_SIZE if plan.quick else {}
    return [floating.job(data, model, title=title, **size) for model in models]


def _ann(plan: Plan, data: str, sizes: tuple[int, ...]) -> Row:
    seeds = plan.some_seeds(ANN_SEEDS)
    quick = QUICK_SIZE | {"epochs": 5, "dropout": [0.0, 0.0], "batch": 50}
    jobs = [ann.job(data, sizes, seed, **(quick if plan.quick else {})) for seed in seeds]
    told = published.MNIST_ANN if data == images.MNIST else _told(plan, data).get(published.ANN)
    return Row("ANN", "-".join(map(str, sizes)), None if plan.quick else told, jobs)


def _ann_of_mse(plan: Plan, data: str, sizes: tuple[int, ...]) -> Row:
    """Return the row that tells what the loss costs, and what spikes do."""
    jobs = [ann.job(data, sizes, seed, loss="mse") for seed in plan.some_seeds(FLOAT_SEEDS)]
    return Row("ANN, MSE of Eq. 4", "-".join(map(str, sizes)), None, jobs)


def _told(plan: Plan, data: str) -> dict[str, published.Published]:
    """Return what the paper's Table 2 says of a data set; nothing of smaller networks."""
    return {} if plan.quick else published.TABLE2.get(data, {})


def _machine(plan: Plan, data: str, name: str) -> Row:
    seeds = plan.some_seeds(MACHINE_SEEDS)
    config = network.load(name)
    epochs, size = (2, QUICK_SIZE) if plan.quick else (MACHINE_EPOCHS, {})
    jobs = [machine.job(data, name, seed, epochs, **size) for seed in seeds]
    bits = " / ".join(str(layer.weight_bits) for layer in config.layers)
    shape = "-".join(map(str, config.sizes))
    return Row(f"machine, Eq. 10, T = {config.steps}, {bits} bits", shape, None, jobs)


def table1(plan: Plan) -> Group:
    """Return the rows of Table 1."""
    sizes = (784, 100, 10) if plan.quick else settings.PAPER_SIZES
    shape = "-".join(map(str, sizes))
    baseline = _ann(plan, images.MNIST, sizes)
    names = (QUICK_MACHINE,) if plan.quick else MACHINES
    ours = [
        Row(
            "SSNN-BP, MSE, rate form (Eq. 9)",
            shape,
            None if plan.quick else published.MNIST_PAPER,
            _float(plan, images.MNIST, sizes, "Eq. 9"),
        ),
        Row(
            "SSNN-BP, MSE, stochastic form (Eq. 10)",
            shape,
            None,
            _float(plan, images.MNIST, sizes, "Eq. 10", update="coincidence"),
        ),
        baseline,
        *(_machine(plan, images.MNIST, name) for name in names),
    ]
    others = [rows.of_published(each) for each in published.MNIST]
    return Group("MNIST", [*others, *ours], baseline)


def table2(plan: Plan) -> list[Group]:
    """Return the rows of Table 2, a group for each data set that the plan has.

    Raises `PaperError` where it has none; a quick plan then takes MNIST in their place.
    """
    usual = [] if plan.run else [*published.TABLE2, "emnist47"]
    names = list(dict.fromkeys([*usual, *plan.data]))
    names = [name for name in names if name != images.MNIST]
    if plan.quick and not names:
        names = [images.MNIST]
    if not names:
        raise PaperError(
            "table2 needs Fashion-MNIST or EMNIST: give folders of IDX files with --data DIR, or "
            "fetch both with --download"
        )
    return [_group(plan, name) for name in names]


def _group(plan: Plan, data: str) -> Group:
    classes = images.counts(data, Place(data=plan.data))[2]
    sizes = (784, 100 if plan.quick else HIDDEN.get(data, 1280), classes)
    shape, told = "-".join(map(str, sizes)), _told(plan, data)
    baseline = _ann(plan, data, sizes)
    usual = settings.model(sizes, **settings.DATA.get(data, {}))
    epochs, dropout = usual.epochs, usual.dropout
    shorter = {} if plan.quick else {"epochs": epochs // SHORTER}
    ways = {
        published.MSE: {"loss": "mse", "dropout": ()} | shorter,
        published.MSE_DROPOUT: {"loss": "mse", "dropout": dropout},
        published.SOFTMAX_DROPOUT: {"loss": "softmax", "dropout": dropout} | shorter,
    }
    ours = [
        Row(
            f"SSNN-BP (Eq. 9), {way}",
            shape,
            told.get(way),
            _float(plan, data, sizes, f"Eq. 9, {way}", **changes),
        )
        for way, changes in ways.items()
    ]
    same_loss = [] if plan.quick else [_ann_of_mse(plan, data, sizes)]
    others = {"fashion": published.FASHION, "emnist-balanced": published.BALANCED}.get(data, ())
    names = () if plan.quick else MACHINES_OF.get(data, ())
    machines = [_machine(plan, data, name) for name in names]
    note = NOT_BALANCED if data == "emnist47" else ""
    ours = [*map(rows.of_published, others), *ours, baseline, *same_loss, *machines]
    return Group(images.title(data), ours, baseline, note)


def _jobs(groups: list[Group]) -> list[Job]:
    return [job for group in groups for row in group.rows for job in row.jobs]


CAPTION = (
    "Test accuracy after the last epoch; ± is the standard deviation over seeds. Less our ANN: the "
    "paired difference on the same test images with its 95 % interval, which says what other test "
    "images could have given; our ANN is that of the row ANN, also where a network is smaller. "
)


def _settings(group: Group, lines: list[Line]) -> str:
    """Return how the rows of a group that have runs were trained."""
    told = []
    for line in lines:
        for record in line.records[:1]:
            model = record.config.get("model", record.config)
            parts = [f"{model['epochs']} epochs"]
            if record.kind == "float":
                parts.insert(0, f"T = {model['steps']}")
            if "dropout" in model:
                parts.append(f"dropout {', '.join(f'{p:g}' for p in model['dropout'])}")
            told.append(f"{line.row.model}, {line.row.network}: {', '.join(parts)}")
    return f"{group.title}. {'; '.join(told)}."


def _show(title: str, groups: list[Group], plan: Plan, records: Records) -> Shown:
    found = [(group, rows.lines(group, records)) for group in groups]
    # Without a run, a data set of which nothing was run is left out.
    found = [(group, lines) for group, lines in found if any(line.ours.size for line in lines)]
    notes = " ".join(f"{_settings(group, lines)} {group.note}".strip() for group, lines in found)
    quick = "Quick: few images and small networks, to be compared with nothing published. "
    return Shown(
        title=title,
        caption=(CAPTION + (quick if plan.quick else "") + notes).strip(),
        headings=("data", *rows.HEADINGS),
        rows=[(group.title, *line.cells()) for group, lines in found for line in lines],
        data=[{"data": group.title} | line.data() for group, lines in found for line in lines],
        draw=lambda figure: rows.draw(figure, found),
        height=1.2 + sum(0.6 + 0.3 * len(lines) for _, lines in found),
        note="\n".join(
            extent.line([line.records for line in lines], group.title) for group, lines in found
        ),
    )


TABLE1 = Exhibit(
    name="table1",
    jobs=lambda plan: _jobs([table1(plan)]),
    show=lambda plan, records: _show("Table 1: MNIST", [table1(plan)], plan, records),
)
TABLE2 = Exhibit(
    name="table2",
    jobs=lambda plan: _jobs(table2(plan)),
    show=lambda plan, records: _show(
        "Table 2: Fashion-MNIST and EMNIST", table2(plan), plan, records
    ),
)
