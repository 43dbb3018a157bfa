"""The paper's figures: their numbers against theory and NumPy, their files, their rows."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from spikeloom.golden import datasets
from spikeloom.golden.paper import PaperConfig
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.network import shipped
from spikeloom.golden.spec.streams import Stream
from spikeloom.sim.paper import (
    activity,
    curves,
    exhibit,
    floating,
    images,
    machine,
    product,
    published,
    readme,
    rows,
    stats,
    streams,
    tables,
)
from spikeloom.sim.paper.errors import PaperError
from spikeloom.sim.paper.exhibit import Plan, Records, Shown
from spikeloom.sim.paper.exhibits import EXHIBITS
from spikeloom.sim.paper.job import Job, Place, execute
from spikeloom.sim.paper.store import Record

QUICK = Plan(quick=True)


def record(job: Job, result: dict[str, Any]) -> Record:
    made_by = {"version": "0", "commit": "0123456789ab", "libraries": {}}
    return Record(job.kind, job.config, result, 1.0, made_by)


def trained(job: Job, *accuracy: float, images: int = 1000) -> Record:
    """Return what a training could have given: the first images of the test set are right."""
    right = np.arange(images) < accuracy[-1] * images
    result = {"accuracy": list(accuracy), "right": stats.pack(right), "images": images, "data": "0"}
    return record(job, result)


def found(jobs: list[Job], records: list[Record]) -> Records:
    return Records({job.key: each for job, each in zip(jobs, records, strict=True)})


# Figure 4


def test_the_error_of_ideal_streams_is_that_of_the_binomial_law():
    """The variance of a mean of T coin flips, worked out pair by pair in plain Python."""
    variance = sum((a / 50 * b / 50) * (1 - a / 50 * b / 50) for a in range(50) for b in range(50))
    expected = (variance / 2500 / 100) ** 0.5
    assert product.theory(100) == pytest.approx(expected)
    assert expected == pytest.approx(0.0368, abs=5e-5)
    error = product.errors(streams.make("ideal", 1), 100, 5)
    assert error.shape == (15, 50, 50)
    assert np.sqrt((error**2).mean()) == pytest.approx(expected, rel=0.02)
    assert error.mean() == pytest.approx(0, abs=1e-3)


def words(name: str, seed: int, generator: str, count: int) -> list[int]:
    """Draw the first words of a stream by the definition of a shift, bit by bit."""
    stream = Stream(name, CATALOG[generator])
    state, drawn = stream.seed(seed), []
    for _ in range(count):
        state = stream.lfsr.shift(state, 16)
        drawn.append(state & 0xFFFF)
    return drawn


def test_the_machines_streams_are_drawn_word_by_word_in_its_order():
    """Three pixels and five steps by hand: thinning draws for spikes only, ascending."""
    x, y, steps = np.array([0.3, 0.9, 0.6]), 0.5, 5
    pixels = iter(words("input", 7, "lfsr48", 15))
    thinning = iter(words("thinning1", 7, "lfsr48", 15))
    expected = [0, 0, 0]
    for _ in range(steps):
        spikes = [k for k in range(3) if next(pixels) < round(x[k] * 65536)]
        for k in spikes:
            expected[k] += next(thinning) < 32768
    counts = streams.make("lfsr48", 7).counts(x, y, steps)
    assert counts.tolist() == expected
    assert sum(expected) > 0


def test_close_seeds_are_what_they_say():
    x, steps = np.array([0.5, 0.25]), 6
    seeds = np.random.default_rng(3).integers(1, 65535, 2)
    expected = []
    for seed, rate in zip(seeds, x, strict=True):
        a, b, both = int(seed), int(seed) + 1, 0
        for _ in range(steps):
            both += a < rate * 65536 and b < 0.75 * 65536
            a, b = CATALOG["lfsr16"].shift(a), CATALOG["lfsr16"].shift(b)
        expected.append(both)
    assert streams.make("close seeds", 3).counts(x, 0.75, steps).tolist() == expected


@pytest.mark.parametrize("generator", ["lfsr48", "close seeds"])
def test_the_ratio_tells_good_streams_from_bad_ones(generator: str):
    error = product.errors(streams.make(generator, 1), 50, 4)
    ratio = np.sqrt((error**2).mean()) / product.theory(50)
    assert 0.97 < ratio < 1.03 if generator == "lfsr48" else 1.4 < ratio < 1.6


def test_figure_4_shows_what_its_runs_gave():
    jobs = product.FIGURE.jobs(QUICK)
    steps = jobs[0].config["steps"]
    bins = [[0.1] * 20 for _ in steps]
    records = []
    for job in jobs:
        factor = {"ideal": 1.0, "lfsr48": 1.1, "close seeds": 1.5}[job.config["generator"]]
        rms = [factor / t**0.5 for t in steps]
        result = {"rms": rms, "absolute": rms, "bias": [0.0] * len(steps), "by_product": bins}
        records.append(record(job, result))
    shown = product.FIGURE.show(QUICK, found(jobs, records))
    assert shown.rows[0] == (
        "25", "0.0736", "0.2000 ± 0.0000", "0.2200 ± 0.0000", "1.100 ± 0.000", "1.500 ± 0.000",
    )  # fmt: skip
    assert "ideal streams fall as T^-0.500" in shown.caption
    assert len(shown.data) == len(jobs) * len(steps)
    assert shown.data[0] == {
        "generator": "ideal", "T": 25, "seed": 1, "rms": 0.2, "absolute": 0.2, "bias": 0.0,
        "theory": product.theory(25), "ratio_to_ideal": 1.0,
    }  # fmt: skip


def test_a_product_of_one_step_counts_every_pair():
    result = execute(Job("product", {"generator": "ideal", "steps": [1], "samples": 30, "seed": 1}),
                     Place(), lambda part: None)  # fmt: skip
    assert result["rms"][0] == pytest.approx(float(product.theory(1)), rel=0.02)
    assert len(result["by_product"][0]) == 20


# Figure 5


def test_shares_are_sorted_and_of_sum_one_and_silence_is_told():
    counts = np.array([[1, 3, 0], [0, 0, 0], [2, 2, 4]])
    share, silent = activity.shares(counts)
    np.testing.assert_allclose(share, [[0.75, 0.25, 0], [0.5, 0.25, 0.25]])
    assert silent == pytest.approx(1 / 3)
    way = activity.way("raw", counts, np.array([1, 0, 0]))
    assert way["mean"] == [0.625, 0.25, 0.125]
    assert way["deviation"] == [0.125, 0, 0.125]
    assert way["accuracy"] == pytest.approx(2 / 3)


def test_shares_of_a_silent_layer_are_nothing():
    way = activity.way("raw", np.zeros((4, 3)), np.zeros(4, int))
    assert (way["mean"], way["deviation"], way["silent"]) == ([0, 0, 0], [0, 0, 0], 1)


def test_softmax_is_that_of_the_textbook():
    drive = np.log([[1.0, 2.0, 5.0]]) + 700
    np.testing.assert_allclose(activity.softmax(drive), [[0.125, 0.25, 0.625]])


def test_figure_5_reads_the_machine_with_each_kind_of_inhibition():
    config = activity._machine_job(QUICK).config | {"train": 1000, "test": 100}
    result = execute(Job("activity", config), Place(), lambda part: None)
    ways = {way["name"]: way for way in result["ways"]}
    assert list(ways) == ["none", "lateral", "feedforward", "recurrent"]
    assert all(sum(way["mean"]) == pytest.approx(1, abs=1e-4) for way in ways.values())
    for kind in ("lateral", "feedforward", "recurrent"):
        assert ways[kind]["mean"][0] > ways["none"]["mean"][0] + 0.02, "inhibition sharpens"


def test_figure_5_shows_each_way_by_rank():
    jobs = activity.FIGURE.jobs(QUICK)
    counts, labels = np.zeros((2, 10)), np.array([3, 1])
    counts[0, 3], counts[0, 7], counts[1, 5] = 3, 1, 2
    names = ("raw", "WTA (Eq. 2)", "softmax of raw")
    ways = [activity.way(name, counts, labels) | {"scale": 0.5} for name in names]
    kinds = [activity.way("lateral", counts, labels) | {"strength": 0.25}]
    records = [record(jobs[0], {"ways": ways}), record(jobs[1], {"ways": kinds})]
    shown = activity.FIGURE.show(QUICK, found(jobs, records))
    numbers = ("0.875", "0.125", "0.000", "0.000", "0.0 %", "50.00 %")
    assert shown.rows == [
        *(("float", name, *numbers) for name in names),
        ("machine", "lateral, 0.25", *numbers),
    ]
    assert len(shown.data) == 40
    assert "raw counts times 0.50" in shown.caption


# Runs of the float model and of the machine


def test_the_float_model_is_tested_on_the_same_spikes_again():
    model = PaperConfig(sizes=(784, 20, 10), steps=20, epochs=1, batch=50)
    job = floating.job("mnist", model, train=300, test=300)
    parts: list[float] = []
    result = execute(job, Place(), parts.append)
    right = stats.unpack(result["right"], 300)
    assert right.mean() == pytest.approx(result["accuracy"][-1])
    assert parts[-1] == 1.0
    assert parts == sorted(parts)


def test_the_machine_goes_on_to_the_same_bits(tmp_path: Path):
    class StoppedError(Exception):
        pass

    def stop(part: float) -> None:
        if part >= 0.5:
            raise StoppedError

    job = machine.job("mnist", "tiny", 1, 2, train=500, test=200)
    whole = execute(job, Place(), lambda part: None)
    place = Place(partial=str(tmp_path / "partial"))
    with pytest.raises(StoppedError):
        execute(job, place, stop)
    assert len(list((tmp_path / "partial").iterdir())) == 1
    assert execute(job, place, lambda part: None) == whole
    assert list((tmp_path / "partial").iterdir()) == []


def test_the_machine_of_another_version_is_refused():
    config = machine.job("mnist", "tiny", 1, 1).config | {"network_digest": "0" * 16}
    with pytest.raises(PaperError, match=r"this run wants 0000.*the same version of spikeloom"):
        machine.run(config, Place(), lambda part: None)


def test_another_inhibition_changes_nothing_else():
    config = shipped()["mnist-196-32-10"]
    before = machine.network.load(config)
    after = machine.with_wta(before, "recurrent", 0.5).config
    assert (after.wta.kind, after.wta.strength) == ("recurrent", 0.5)
    assert after.layers == before.layers
    assert after.random == before.random


# Statistics


def test_the_paired_interval_is_that_of_the_bootstrap(rng: np.random.Generator):
    ours, theirs = rng.random((2, 2000)) < [[0.97], [0.96]]
    ours[:1800] = theirs[:1800]
    found = stats.paired([ours], [theirs])
    difference = 100.0 * (ours.astype(float) - theirs)
    bootstrap = scipy_stats.bootstrap(
        (difference,), np.mean, n_resamples=4000, method="percentile", rng=rng
    ).confidence_interval
    assert found.difference == pytest.approx(100 * (ours.mean() - theirs.mean()))
    assert found.low == pytest.approx(bootstrap.low, abs=0.08)
    assert found.high == pytest.approx(bootstrap.high, abs=0.08)
    assert str(stats.Paired(-0.5, -1.0, 0.25)) == "-0.50 (-1.00 to +0.25)"


def test_seeds_are_averaged_image_by_image():
    first, second = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
    ann = np.array([1, 1, 1, 0], bool)
    found = stats.paired([first, second], [ann])
    assert found.difference == pytest.approx(-37.5)


@pytest.mark.parametrize("count", [1, 8, 2820])
def test_packed_bits_come_back(rng: np.random.Generator, count: int):
    right = rng.random(count) < 0.5
    np.testing.assert_array_equal(stats.unpack(stats.pack(right), count), right)


def test_a_deviation_is_that_of_a_sample():
    assert stats.mean_and_deviation([1.0, 3.0], 2) == "2.00 ± 1.41"
    assert stats.mean_and_deviation([1.0], 2) == "1.00"


# Figures 6 to 8


def test_noise_is_of_the_size_that_figure_4_found():
    same = curves.noisy(Plan(), 200, "absolute")[0].config["model"]
    assert same["noise"] == pytest.approx(0.0260, abs=5e-5)
    assert (same["noise_kind"], same["update"], same["steps"]) == ("absolute", "rate", 50)
    own = curves.noisy(Plan(), 100, "binomial")[0].config["model"]
    assert (own["noise_kind"], own["noise"]) == ("binomial", pytest.approx(0.1))
    assert curves.noisy(Plan(), None)[0].config["model"]["noise"] == 0
    assert [j.config["model"]["steps"] for j in curves.stochastic(Plan(seeds=3), 150)] == [150] * 3


def test_figures_6_and_7_share_their_runs():
    six = {job.key for job in curves.FIGURE6.jobs(Plan())}
    assert six < {job.key for job in curves.FIGURE7.jobs(Plan())}
    assert len(six) == 8


@pytest.mark.parametrize("name", ["fig6", "fig7", "fig8"])
def test_learning_curves_show_means_and_deviations(name: str):
    jobs = list({job.key: job for job in EXHIBITS[name].jobs(QUICK)}.values())
    records = [trained(job, 0.5, 0.5 + 0.1 * job.config["model"]["seed"]) for job in jobs]
    shown = EXHIBITS[name].show(QUICK, found(jobs, records))
    assert {row[1:] for row in shown.rows} == {("50.00 ± 0.00", "65.00 ± 7.07", "2")}
    assert shown.data[1] == shown.data[1] | {"epoch": 2, "mean": 65.0, "seeds": 2}
    assert "Reduced: 784-64-10" in shown.caption


@pytest.mark.parametrize("name", ["fig5", "fig6", "fig7", "fig8", "table1", "table2"])
def test_what_was_not_run_is_left_out(name: str, tmp_path: Path):
    plan = Plan(run=False)
    shown = EXHIBITS[name].show(plan, Records({}))
    assert shown.rows == []
    assert len(exhibit.write(shown, name, tmp_path)) == 4


def test_a_figure_that_needs_its_runs_says_so():
    with pytest.raises(PaperError, match="products of ideal streams, seed 1 was not run yet"):
        product.FIGURE.show(QUICK, Records({}))


# Tables


def test_table_1_quotes_the_published_rows_as_published():
    shown = tables.TABLE1.show(Plan(run=False), Records({}))
    assert shown.rows == []
    quoted = {(row.model, str(row.published)) for row in tables.table1(Plan()).rows}
    assert quoted >= {
        ("BP-STDP", "97.20"),
        ("Diehl et al., converted ANN", "98.64"),
        ("HM2-BP", "98.84"),
        ("Lee et al.", "98.77"),
        ("S4NN", "97.40"),
        ("SSNN-BP, MSE, rate form (Eq. 9)", "98.65 ± 0.04"),
        ("ANN", "98.67"),
    }


def test_table_1_shows_ours_and_the_difference_to_our_ann():
    jobs = tables.TABLE1.jobs(QUICK)
    accuracy = {"float": 0.9, "ann": 0.95, "machine": 0.85}
    records = [trained(job, accuracy[job.kind]) for job in jobs]
    shown = tables.TABLE1.show(QUICK, found(jobs, records))
    lines = {row[1]: row for row in shown.rows}
    assert lines["ANN"][4:] == ("95.00 ± 0.00", "-", "3")
    assert lines["SSNN-BP, MSE, rate form (Eq. 9)"][4:] == ("90.00", "-5.00 (-6.35 to -3.65)", "1")
    assert lines["SSNN-BP, MSE, rate form (Eq. 9)"][3] == "-", (
        "a smaller network is not the paper's"
    )
    assert [row["commits"] for row in shown.data if row["runs"]] == ["0123456789ab"] * 4


def test_models_tested_on_other_images_are_not_compared():
    jobs = tables.TABLE1.jobs(QUICK)
    records = [trained(job, 0.9, images=500 if job.kind == "ann" else 1000) for job in jobs]
    shown = tables.TABLE1.show(QUICK, found(jobs, records))
    assert {row[5] for row in shown.rows} == {"-"}


def test_the_other_emnist_never_stands_beside_published_numbers():
    plan = Plan(data={"emnist47": "x", "emnist-balanced": "y"})
    other, balanced = tables.table2(plan)
    assert {row.published for row in other.rows} == {None}
    assert "another split" in other.title
    assert "nothing published compares" in other.note
    told = {str(row.published) for row in balanced.rows if row.published}
    assert told == {"85.41", "81.26 ± 0.04", "84.48 ± 0.04", "85.76 ± 0.15", "86.00 ± 0.06"}


def test_table_2_has_the_losses_and_dropouts_of_the_paper():
    (group,) = tables.table2(Plan(data={"fashion": "x"}))
    models = [row.jobs[0].config["model"] for row in group.rows if "Eq. 9" in row.model]
    assert [(m["loss"], m["dropout"]) for m in models] == [
        ("mse", [0.0, 0.0]), ("mse", [0.1, 0.1]), ("softmax", [0.1, 0.1]),
    ]  # fmt: skip
    assert {tuple(m["sizes"]) for m in models} == {(784, 1280, 10)}
    assert [str(r.published) for r in group.rows if r.model == "ANN"] == ["90.80 ± 0.10"]


def test_a_machine_stands_in_table_2_for_the_data_it_ships_for():
    plan = Plan(data={"fashion": "x", "emnist47": "y"})
    machines = [job.config["network"] for job in tables.TABLE2.jobs(plan) if job.kind == "machine"]
    assert machines == ["fashion-784-1280-10", "emnist-784-512-47"]


def test_table_2_without_data_says_what_to_give():
    with pytest.raises(PaperError, match=r"give folders of IDX files with --data DIR, or fetch"):
        tables.table2(Plan())
    assert [group.title for group in tables.table2(QUICK)] == ["MNIST"]


def test_every_published_number_is_a_percentage():
    told = [*published.MNIST, *published.FASHION, *published.BALANCED]
    assert all(80 < each.accuracy < 100 for each in told)


# Files


def plain(**changes: Any) -> Shown:
    values = {
        "title": "A title",
        "caption": "A caption.",
        "headings": ("a", "bb"),
        "rows": [("1", "2.50 ± 0.10")],
        "data": [{"a": 1, "b": 0.12345678}, {"a": 2, "c": "x"}],
        "draw": lambda figure: figure.subplots().plot([0, 1], [1, 0]),
    }
    return Shown(**(values | changes))


def test_an_exhibit_becomes_four_files(tmp_path: Path):
    paths = exhibit.write(plain(), "fig", tmp_path / "new")
    assert [path.name for path in paths] == ["fig.png", "fig.svg", "fig.csv", "fig.txt"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in paths[1].read_bytes()
    assert paths[2].read_text() == "a,b,c\n1,0.123457,\n2,,x\n"
    assert paths[3].read_text() == (
        "A title\n\n| a   | bb          |\n| --- | ----------- |\n| 1   | 2.50 ± 0.10 |\n\n"
        "A caption.\n"
    )


def test_the_same_numbers_give_the_same_files(tmp_path: Path):
    first = exhibit.write(plain(), "fig", tmp_path / "a")
    second = exhibit.write(plain(), "fig", tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_files_that_cannot_be_written_are_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PaperError, match=r"cannot write .*name another folder with --out"):
        exhibit.write(plain(), "fig", tmp_path / "file")


def test_the_csv_holds_every_number_of_a_figure():
    jobs = curves.FIGURE6.jobs(QUICK)
    shown = curves.FIGURE6.show(QUICK, found(jobs, [trained(job, 0.5, 0.75) for job in jobs]))
    lines = list(csv.DictReader(io.StringIO(exhibit.csv_text(shown.data))))
    assert [(line["T"], line["epoch"], line["mean"]) for line in lines] == [
        ("50", "1", "50"), ("50", "2", "75"), ("200", "1", "50"), ("200", "2", "75"),
    ]  # fmt: skip


# README


def page(*names: str) -> str:
    marks = "\n\n".join(f"{readme.begin(n)}\nold\n{readme.end(n)}" for n in names)
    return f"# Title\n\n{marks}\n\nafter\n"


def test_tables_are_written_between_their_marks(tmp_path: Path):
    path = tmp_path / "README.md"
    path.write_text(page("table1", "fig4"))
    assert readme.write(path, {"table1": plain(), "fig5": plain()}) == ["table1"]
    text = path.read_text()
    assert f"{readme.begin('table1')}\n| a " in text
    assert text.count("old") == 1
    assert text.endswith("\nafter\n")
    again = text
    readme.write(path, {"table1": plain()})
    assert path.read_text() == again


@pytest.mark.parametrize(
    ("text", "message"),
    [("no marks", "has no place for a table: put the lines"), (None, "cannot read .*README")],
)
def test_a_readme_without_a_place_is_refused(tmp_path: Path, text: str | None, message: str):
    path = tmp_path / "README.md"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PaperError, match=message):
        readme.places(path)


# Images


def test_a_folder_of_data_sets_is_found_by_their_names(shared_data: Path):
    found = images.find([shared_data])
    assert set(found) >= {"fashion", "emnist47", "mnist"}
    assert images.find([shared_data / "fashion"]) == {"fashion": str(shared_data / "fashion")}
    data = images.load("fashion", Place(data=found), train=10, test=5)
    assert (len(data.train_labels), len(data.test_labels)) == (10, 5)


def test_a_folder_without_idx_files_is_refused(tmp_path: Path):
    with pytest.raises(PaperError, match="is no folder of IDX files and holds none: it must have"):
        images.find([tmp_path])


def test_a_data_set_whose_folder_is_not_known_is_told():
    with pytest.raises(PaperError, match=r"no folder of EMNIST Balanced is known: .*--data DIR"):
        images.load("emnist-balanced", Place())


def test_another_split_is_not_taken_for_emnist_balanced(shared_data: Path):
    place = Place(data={"emnist-balanced": str(shared_data / "emnist47")})
    message = "is not EMNIST Balanced: it has 113,503 and 2,820 images of 47 classes, expected"
    with pytest.raises(PaperError, match=message):
        images.load("emnist-balanced", place)


def test_a_data_set_of_ones_own_keeps_its_name_and_counts(shared_data: Path):
    place = Place(data={"mine": str(shared_data / "emnist47")})
    assert images.counts("mine", place) == (113503, 2820, 47)
    assert images.title("mine") == "mine"


def test_the_fingerprint_is_of_images_and_labels():
    data = datasets.load("mnist", train=10, test=10)
    before = images.fingerprint(data)
    data.test_labels[3] ^= 1
    assert images.fingerprint(data) != before


def test_compared_rows_need_both_sides():
    assert rows.compare([], []) is None
