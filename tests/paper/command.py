"""`make paper`: the figures and tables of the paper, remade."""

from __future__ import annotations

import dataclasses
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikeloom.cli import options
from spikeloom.cli.output import Output
from tests.paper.names import Name, check_only, matches, named
from tests.paper.progress import sweeping

if TYPE_CHECKING:  # the models and Dask cost seconds to import
    from tests.paper.exhibit import Exhibit, Plan, Shown
    from tests.paper.job import Job, Place
    from tests.paper.store import Store

OUT, QUICK = Path("out/paper"), "quick"
"""Where pictures go unless --out says so; the folder in it for those of --quick."""

PARTIAL = "partial"
"""Folder within --out that stopped runs go on from."""


class Library(StrEnum):
    """Array libraries of the float model."""

    NUMPY = "numpy"
    TORCH = "torch"
    CUPY = "cupy"


def paper(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A figure (its number will do) or table, or all.",
            show_default=False,
        ),
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="Minutes: small networks and few images.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Runs of each kind, seeds 1 to N.  \\[default: the figure's own, 1 to 3]",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Do only the runs with this in their title, such as ANN; what is shown may then "
            "be a part.",
            show_default=False,
        ),
    ] = None,
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Run nothing: show what was run before.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Processes side by side; 0 runs in this one.  "
            "\\[default: one per core, one where --xp is not numpy]",
            show_default=False,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask scheduler to run on instead, such as tcp://10.0.0.1:8786; its workers "
            "must find the data under the same paths.",
            show_default=False,
        ),
    ] = None,
    xp: Annotated[Library, typer.Option(help="Array library of the float model.")] = Library.NUMPY,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its device, such as cuda.", show_default=False),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="A folder of IDX files, named as its data set (fashion, emnist-balanced, "
            "emnist47 or any other), or a folder of such folders; may be repeated.",
            show_default=False,
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch Fashion-MNIST and EMNIST Balanced first.")
    ] = False,
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="Keeps the result of every run.", file_okay=False)
    ] = Path("results/paper"),
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Gets pictures, CSV and text tables.  "
            f"\\[default: {OUT.as_posix()}; {(OUT / QUICK).as_posix()} with --quick]",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    readme: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write tables between their marks in this file.",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Remake a figure or table of the paper, with the paper's values beside ours.

    The paper is "SSNN-BP: a temporally and spatially local spike-based backpropagation
    algorithm to enable training in hardware".

    [bold]Names[/bold], and what a core needs for them

    fig4    error of a product of random spike trains; minutes
    fig5    sorted output activity: raw, with WTA, softmax; 5 minutes
    fig6    learning with the stochastic update, at several T; half an hour
    fig7    the same against the rate update with noise; 45 minutes
    fig8    a wide range of T, by noise; 45 minutes
    table1  MNIST: the float model, an ANN, the machine; an hour
    table2  the same for Fashion-MNIST and EMNIST; 5 hours
    all     all of them

    Every run's result is kept in --results, so a command that was stopped goes on from
    the last whole epoch; a figure whose runs are all there is drawn at once. Its packages
    come with the extra "paper" of spikeloom.

    [bold]Examples[/bold]

    [cyan]make paper FIG=4[/cyan]
    [cyan]make paper FIG="all --quick"[/cyan]
    [cyan]make paper FIG="table2 --data ~/emnist-balanced --xp torch --device cuda"[/cyan]
    [cyan]make paper FIG="table1 --no-run --readme docs/paper.md"[/cyan]
    """
    from tests.paper.errors import NotRunError, PaperError, need

    asked = named(name)
    need("array_api_compat")  # before what cannot be imported without it
    from tests.paper import floating
    from tests.paper import readme as readmes
    from tests.paper.exhibit import Plan, Records, write
    from tests.paper.exhibits import EXHIBITS
    from tests.paper.job import Place
    from tests.paper.store import Store

    output = Output(json=json)
    if not no_run:
        floating.check(xp.value, device)
    if readme is not None:
        if quick or seeds or only:
            raise PaperError(
                "--readme writes what full runs gave: leave out --quick, --seeds and --only"
            )
        readmes.places(readme)
    if out is None:
        out = OUT / QUICK if quick else OUT
    folders = _folders(output, data or [], download)
    plan = Plan(quick=quick, seeds=seeds, data=folders, run=not no_run)
    place = Place(data=folders, partial=str((out / PARTIAL).absolute()), xp=xp.value, device=device)
    count = _workers(workers, xp)
    shown: dict[str, Shown] = {}
    told: list[dict[str, Any]] = []
    failed: list[str] = []
    planned = [(e, e.jobs(plan)) for e in _chosen(output, list(EXHIBITS.values()), asked, plan)]
    if only is not None:
        check_only(only, [job.title for _, jobs in planned for job in jobs])
    if no_run and not results.is_dir():
        raise PaperError(
            f"there is no folder {results}: name the folder of the runs' results with --results, "
            "or leave out --no-run"
        )
    for exhibit, jobs in planned:
        store = Store(results)
        try:
            if plan.run:
                chosen = [job for job in jobs if only is None or matches(only, job.title)]
                _run(output, exhibit, chosen, store, place, count, scheduler)
            found = {job.key: record for job in jobs if (record := store.load(job))}
            missing = {job.key: job for job in jobs if job.key not in found}
            shown[exhibit.name] = _complete(exhibit.show(plan, Records(found)), len(missing))
        except NotRunError as error:
            if only is None and asked is not Name.ALL:
                raise
            output.say(f"{exhibit.name} cannot be shown yet: {error}")
            continue
        except PaperError as error:
            if asked is not Name.ALL:
                raise
            failed.append(f"{exhibit.name}: {error}")
            output.say(f"{exhibit.name} failed, the others go on: {error}")
            continue
        files = write(shown[exhibit.name], exhibit.name, out)
        _print(output, shown[exhibit.name], files)
        told.append(
            {
                "name": exhibit.name,
                "found": len(found),
                "missing": [
                    {"kind": job.kind, "title": job.title, "config": job.config}
                    for job in missing.values()
                ],
                "files": [str(file) for file in files],
                "rows": list(shown[exhibit.name].data),
            }
        )
    if failed:
        raise PaperError(f"{len(failed)} failed; the others are in {out}. {' '.join(failed)}")
    if readme is not None:
        if empty := [each["name"] for each in told if each["missing"] and not each["found"]]:
            raise PaperError(
                f"{results} has no run of {', '.join(empty)}: {readme} stays as it was; name the "
                "folder of the results with --results"
            )
        written = readmes.write(readme, shown)
        output.say(f"{readme} has {', '.join(written) or 'nothing'} of these")
    output.result({"exhibits": told})


def _folders(output: Output, data: list[Path], download: bool) -> dict[str, str]:
    from platformdirs import user_cache_path

    from tests.paper import images

    fetched = {}
    if download:
        fetched = images.download(user_cache_path("spikeloom") / "data", say=output.say)
    return fetched | images.find(data)


def _workers(asked: int | None, xp: Library) -> int:
    if asked is not None:
        return asked
    return (os.cpu_count() or 1) if xp is Library.NUMPY else 1


def _chosen(output: Output, exhibits: list[Exhibit], name: Name, plan: Plan) -> list[Exhibit]:
    """Return the exhibits asked for; of all, those that the data at hand suffice for."""
    if name is not Name.ALL:
        return [exhibit for exhibit in exhibits if exhibit.name == name]
    if plan.data or plan.quick or not plan.run:
        return exhibits
    output.say("table2 is left out: it needs --data DIR or --download")
    return [exhibit for exhibit in exhibits if exhibit.name != Name.TABLE2]


def _run(
    output: Output,
    exhibit: Exhibit,
    jobs: list[Job],
    store: Store,
    place: Place,
    workers: int,
    scheduler: str | None,
) -> None:
    from tests.paper import sweep

    with sweeping(output, exhibit.name) as show:
        sweep.sweep(
            jobs, store, place, workers=min(workers, len(jobs)), scheduler=scheduler, show=show
        )


def _complete(shown: Shown, missing: int) -> Shown:
    """Say in caption and picture, wherever they go, if runs are missing."""
    if not missing:
        return shown
    runs = "1 run of it is" if missing == 1 else f"{missing} runs of it are"
    told = f"{runs} missing."
    note = f"{shown.note}\n{told}".strip()
    return dataclasses.replace(shown, caption=f"{shown.caption} {told}".strip(), note=note)


def _print(output: Output, shown: Shown, files: list[Path]) -> None:
    say = output.console.print
    say(f"\n{shown.title}\n", markup=False, style="bold")
    # A table is not to be broken at the terminal's width.
    say(shown.text(), markup=False, soft_wrap=True)
    say(f"\n{shown.caption}", markup=False)
    say(f"Files: {', '.join(str(file) for file in files)}", markup=False, soft_wrap=True)
