"""Labelled images: MNIST, which ships with the package, and any directory of IDX files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spikeloom.golden.datasets.idx import DataError, find, read_images, read_labels
from spikeloom.golden.datasets.part import Part

__all__ = ["DataError", "Dataset", "Part", "area_mean", "load"]

MNIST = Path(__file__).parent / "mnist"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Dataset:
    """Images and labels, in file order; arrays are writable and C-contiguous.

    Attributes
    ----------
    train : what may be trained on.
    held : the end of the training file, kept back for validation.
    test : what is tested on in the end.
    classes : one more than the largest label of the whole training file.
    source : where the files lie, in words, for reports.
    """

    train: Part
    held: Part
    test: Part
    classes: int
    source: str

    def __repr__(self) -> str:
        return "\n".join(repr(part) for part in (self.train, self.held, self.test))

    @property
    def name(self) -> str:
        """``mnist``, or the directory's own name."""
        return self.train.source

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of an image."""
        return self.train.images.shape[1:]


def load(
    source: str | Path = "mnist",
    *,
    train: int | None = None,
    test: int | None = None,
    shape: tuple[int, int] | None = None,
    holdout: int = 0,
) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    source : ``"mnist"``, the packaged one, or a directory in MNIST's layout (`idx.find`).
    train, test : how many images, the first of each file; all where not given.
    shape : rows and columns to down-sample to (`area_mean`).
    holdout : how many of the *last* images of the training file are kept back. They are taken
        away before ``train`` counts, so that they are the same whatever ``train`` is.

    Raises
    ------
    DataError : a missing or unsound file, files that do not belong together, a shape that does
        not divide, or more images asked for than there are.
    """
    packaged = source == "mnist"
    directory = MNIST if packaged else Path(source)
    if not directory.is_dir():
        raise DataError(
            f"{directory}: no such directory; data is 'mnist' or a directory of IDX files"
        )
    name = "mnist" if packaged else directory.resolve().name
    training, classes = _read_part(directory, "train", name)
    testing, _ = _read_part(directory, "t10k", name, classes)
    found, other = training.images.shape[1:], testing.images.shape[1:]
    if found != other:
        raise DataError(
            f"{directory}: training images are {_text(found)} and test images "
            f"{_text(other)}; both files must come from one data set"
        )
    first_held = len(training) - _count("holdout", holdout, len(training), directory)
    n_train = _count("train", train, first_held, directory, holdout)
    n_test = _count("test", test, len(testing), directory)

    def scaled(part: Part, called: str) -> Part:
        images = area_mean(part.images, found if shape is None else shape)
        return replace(part, images=images, name=called)

    return Dataset(
        train=scaled(training[:n_train], "train"),
        held=scaled(training[first_held:], "held"),
        test=scaled(testing[:n_test], "test"),
        classes=classes,
        source="mnist (packaged)" if packaged else str(directory),
    )


def area_mean(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Down-sample by the mean of blocks, rounded half up: ``(sum + area // 2) // area``.

    28 x 28 to 14 x 14 is ``(sum of 2 x 2 + 2) >> 2``.

    Parameters
    ----------
    images : uint8[n, rows, cols]; returned is uint8[n, *shape].
    shape : rows and columns; each must divide the images' own; equal shapes return ``images``
        itself.

    Raises
    ------
    DataError : the shape does not divide.
    """
    n, rows, cols = images.shape
    if (rows, cols) == tuple(shape):
        return images
    if min(shape) < 1 or rows % shape[0] or cols % shape[1]:
        raise DataError(
            f"images of {_text((rows, cols))} cannot be down-sampled to {_text(shape)}: rows and "
            "columns must each be divided by a whole number; choose a shape that divides"
        )
    height, width = rows // shape[0], cols // shape[1]
    area = height * width
    sums = np.full((n, *shape), area // 2, np.uint32)
    for row in range(height):
        for col in range(width):
            sums += images[:, row::height, col::width]
    sums //= area
    return sums.astype(np.uint8)


def _read_part(
    directory: Path, prefix: str, source: str, classes: int | None = None
) -> tuple[Part, int]:
    images_path = find(directory, f"{prefix}-images-idx3-ubyte")
    labels_path = find(directory, f"{prefix}-labels-idx1-ubyte")
    images = read_images(images_path)
    labels = read_labels(labels_path, classes=classes)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images and {labels_path} {len(labels)} labels, "
            "expected as many of each; both files must come from one data set"
        )
    return Part(images, labels, prefix, source), int(labels.max()) + 1


def _count(name: str, asked: int | None, there: int, directory: Path, held: int = 0) -> int:
    """Return how many images to take of those that are there; all where none is asked."""
    if asked is None:
        return there
    if asked < 0:
        raise DataError(f"{name}: {asked} images asked for, expected 0 or more")
    if asked > there:
        kept = f" ({held} more are held out)" if held else ""
        raise DataError(
            f"{name}: {asked} images asked for, {directory} has {there}{kept}; ask for at most "
            f"{there}"
        )
    return asked


def _text(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"
