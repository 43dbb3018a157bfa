"""The images of the paper's tables: which data sets there are, where they lie, how they come.

A data set is named in a run's configuration and found in a folder on the machine that runs it.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikeloom.golden import datasets
from spikeloom.golden.datasets import Dataset
from tests.paper.errors import PaperError, need
from tests.paper.job import Place

MNIST = "mnist"
PARTS = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A data set that the paper's tables, or ours, speak of.

    Attributes
    ----------
    title : for people. counts : training images, test images, classes.
    """

    title: str
    counts: tuple[int, int, int]


KNOWN = {
    MNIST: Known("MNIST", (60000, 10000, 10)),
    "fashion": Known("Fashion-MNIST", (60000, 10000, 10)),
    "emnist-balanced": Known("EMNIST Balanced", (112800, 18800, 47)),
    "emnist47": Known("EMNIST, 47 classes, another split", (113503, 2820, 47)),
}


def title(name: str) -> str:
    """Return a data set's name as people write it."""
    return KNOWN[name].title if name in KNOWN else name


def counts(name: str, place: Place) -> tuple[int, int, int]:
    """Return the training images, test images and classes of a data set; known ones need none."""
    if name in KNOWN:
        return KNOWN[name].counts
    data = load(name, place)
    return len(data.train.labels), len(data.test.labels), data.classes


def trained(config: dict[str, Any], epochs: int) -> float:
    """Return about how many images a run of so many epochs trains, for its cost."""
    usual = KNOWN.get(config["data"], KNOWN[MNIST]).counts[0]
    return epochs * (config["train"] or usual)


def load(
    name: str,
    place: Place,
    *,
    train: int | None = None,
    test: int | None = None,
    shape: tuple[int, int] | None = None,
) -> Dataset:
    """Load a data set, the first `train` and `test` images of it, down-sampled to `shape`.

    Raises `PaperError` where its folder is not known, or holds another set than its name says;
    `DataError` where its files are unsound.
    """
    if name != MNIST and name not in place.data:
        raise PaperError(
            f"no folder of {title(name)} is known: give its IDX files with --data DIR, or let "
            "--download fetch what can be fetched"
        )
    source: str | Path = MNIST if name == MNIST else Path(place.data[name])
    data = datasets.load(source)
    if name in KNOWN:
        found = (len(data.train.labels), len(data.test.labels), data.classes)
        if found != KNOWN[name].counts:
            raise PaperError(
                f"{source} is not {title(name)}: it has {_counts(found)}, expected "
                f"{_counts(KNOWN[name].counts)}; give the folder another name"
            )
    return datasets.load(source, train=train, test=test, shape=shape)


def _counts(counts: tuple[int, int, int]) -> str:
    return f"{counts[0]:,} and {counts[1]:,} images of {counts[2]} classes"


def loaded(config: dict[str, Any], place: Place, shape: tuple[int, int] | None = None) -> Dataset:
    """Load what a run's configuration names: its keys `data`, `train` and `test`."""
    return load(config["data"], place, train=config["train"], test=config["test"], shape=shape)


def fingerprint(data: Dataset) -> str:
    """Return 16 hex digits that tell training and test images and labels from any others."""
    digest = hashlib.blake2b(digest_size=8)
    for array in (data.train.images, data.train.labels, data.test.images, data.test.labels):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def find(folders: Sequence[Path]) -> dict[str, str]:
    """Return data sets by name: each folder is one of IDX files, or holds such folders.

    A data set is named as its folder. Raises `PaperError` for a folder that is neither.
    """
    found: dict[str, str] = {}
    for folder in folders:
        if _is_idx(folder):
            here = [folder]
        elif folder.is_dir():
            here = sorted(inside for inside in folder.iterdir() if _is_idx(inside))
        else:
            here = []
        if not here:
            raise PaperError(
                f"{folder} is no folder of IDX files and holds none: it must have {PARTS[0]}, or "
                f"folders with such files ({', '.join(KNOWN)})"
            )
        found |= {each.resolve().name: str(each.resolve()) for each in here}
    return found


def _is_idx(folder: Path) -> bool:
    return any((folder / f"{PARTS[0]}{suffix}").is_file() for suffix in ("", ".gz"))


FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
EMNIST_URL = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"

FASHION_MD5 = (
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
)  # fmt: skip
EMNIST_MD5 = "58c8d27c78d21e728a6bc7b3cc06412e"


def download(
    cache: Path,
    *,
    say: Callable[[str], None] = lambda line: None,
    fashion_url: str = FASHION_URL,
    fashion_md5: Sequence[str] = FASHION_MD5,
    emnist_url: str = EMNIST_URL,
    emnist_md5: str = EMNIST_MD5,
) -> dict[str, str]:
    """Fetch Fashion-MNIST and EMNIST Balanced into `cache` where they are not there.

    Returns their folders by name. Every file is checked; `PaperError` where one does not come or
    is another than expected.
    """
    say("fetching Fashion-MNIST (30 MB)")
    fashion = cache / "fashion"
    for part, md5 in zip(PARTS, fashion_md5, strict=True):
        _fetch(f"{fashion_url}{part}.gz", f"{part}.gz", fashion, md5)
    balanced = cache / "emnist-balanced"
    if not _is_idx(balanced):
        say("fetching EMNIST (560 MB)")
        _unpack(_fetch(emnist_url, "gzip.zip", cache, emnist_md5), balanced)
    return {"fashion": str(fashion), "emnist-balanced": str(balanced)}


def _fetch(url: str, name: str, folder: Path, md5: str) -> Path:
    pooch = need("pooch")
    try:
        return Path(pooch.retrieve(url, f"md5:{md5}", fname=name, path=folder))
    except (OSError, ValueError) as error:  # no network; or another file than expected
        raise PaperError(
            f"{url} could not be fetched: {error}; try again, or give the data with --data DIR"
        ) from error


def _unpack(archive: Path, folder: Path) -> None:
    """Take the four files of the balanced split out of NIST's archive, in MNIST's names."""
    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as files:
        for part in PARTS:
            theirs = part.replace("train-", "emnist-balanced-train-")
            theirs = theirs.replace("t10k-", "emnist-balanced-test-")
            content = files.read(f"gzip/{theirs}.gz")
            (partial / f"{part}.gz").write_bytes(content)
    partial.replace(folder)
