"""What a figure or table becomes: four files, and a table in a README; and its images."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from spikeloom.golden import datasets
from tests.paper import curves, exhibit, images, readme
from tests.paper.errors import PaperError
from tests.paper.exhibit import Shown
from tests.paper.job import Place
from tests.support.paper_runs import QUICK, found, trained

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


def test_what_was_run_stands_in_the_picture(tmp_path: Path):
    exhibit.write(plain(), "fig", tmp_path)
    exhibit.write(plain(note="Reduced: 784-64-10\n2 runs missing."), "noted", tmp_path)
    with_note = (tmp_path / "noted.svg").read_text()
    assert "Reduced: 784-64-10" in with_note
    assert "2 runs missing." in with_note
    height, higher = (_height(tmp_path / f"{name}.png") for name in ("fig", "noted"))
    assert higher == height + 2 * 24, "lines below take nothing from the picture"


def _height(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[20:24])  # of the header that every PNG starts with


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
    one = (shared_data / "fashion").resolve()
    assert images.find([shared_data / "fashion"]) == {"fashion": str(one)}
    data = images.load("fashion", Place(data=found), train=10, test=5)
    assert (len(data.train.labels), len(data.test.labels)) == (10, 5)


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
    data.test.labels[3] ^= 1
    assert images.fingerprint(data) != before
