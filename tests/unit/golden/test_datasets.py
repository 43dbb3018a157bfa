from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from spikeloom.golden.datasets import MNIST, DataError, area_mean, load
from spikeloom.golden.datasets.idx import find, read_images, read_labels
from tests.support.idx import idx, write

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


@pytest.fixture
def small(rng: np.random.Generator, tmp_path: Path) -> Path:
    """Write a sound data set: 12 training and 5 test images of 4 x 6, three classes."""
    directory = tmp_path / "small"
    sizes = {"train": 12, "t10k": 5}
    images = {name: rng.integers(0, 256, (n, 4, 6), np.uint8) for name, n in sizes.items()}
    write(directory, images, 3)
    return directory


def refused(path: Path, *parts: str) -> pytest.RaisesExc:
    """Expect a `DataError` that names the path and holds the parts in this order."""
    return pytest.raises(
        DataError, match=".*".join(re.escape(part) for part in (str(path), *parts))
    )


# The packaged set


def test_packaged_mnist_is_the_original_bit_for_bit():
    published = re.findall(
        r"`(\S+-ubyte)` \| ([\d,]+) \| `(\w{32})`", (MNIST / "README.md").read_text()
    )
    assert len(published) == 4
    for name, size, digest in published:
        data = gzip.decompress((MNIST / f"{name}.gz").read_bytes())
        assert len(data) == int(size.replace(",", ""))
        assert hashlib.md5(data, usedforsecurity=False).hexdigest() == digest


def test_mnist_loads_whole():
    data = load()
    assert (data.name, data.source, data.classes) == ("mnist", "mnist (packaged)", 10)
    assert data.shape == (28, 28)
    assert data.train.images.shape == (60_000, 28, 28)
    assert data.test.images.shape == (10_000, 28, 28)
    assert data.train.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert data.test.labels[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    assert np.bincount(data.train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert data.train.images.mean() == pytest.approx(33.3184, abs=1e-4)  # as published: 0.1307


def test_a_data_set_shows_its_parts():
    data = load(train=5, test=3, holdout=2)
    train, held, test = repr(data).split("\n")
    assert train == "<mnist, train: 5 images of 28 x 28, 5 classes>"
    assert held.startswith("<mnist, held: 2 images of 28 x 28")
    assert test.startswith("<mnist, test: 3 images of 28 x 28")


def test_arrays_are_contiguous_bytes_that_may_be_written():
    data = load(train=3, test=2, holdout=4, shape=(14, 14))
    for images, labels, count in (
        (data.train.images, data.train.labels, 3),
        (data.held.images, data.held.labels, 4),
        (data.test.images, data.test.labels, 2),
    ):
        assert images.shape == (count, 14, 14)
        assert labels.shape == (count,)
        for array in (images, labels):
            assert array.dtype == np.uint8
            assert array.flags.c_contiguous
            assert array.flags.writeable


# Directories


@pytest.mark.parametrize("packed", [(), (TRAIN_IMAGES, TEST_LABELS), None])
def test_a_directory_may_mix_plain_and_gz(small: Path, packed: tuple[str, ...] | None):
    plain = load(small)
    for path in list(small.iterdir()):
        if packed is None or path.name in packed:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    data = load(str(small))
    np.testing.assert_array_equal(data.train.images, plain.train.images)
    np.testing.assert_array_equal(data.test.labels, plain.test.labels)
    assert (data.name, data.source, data.classes) == ("small", str(small), 3)


def test_pixels_keep_their_places(small: Path, rng: np.random.Generator):
    images = rng.integers(0, 256, (12, 4, 6), np.uint8)
    (small / TRAIN_IMAGES).write_bytes(idx(images))
    np.testing.assert_array_equal(load(small).train.images, images)


@pytest.mark.parametrize(
    ("name", "train", "test", "classes"),
    [("fashion", 60_000, 10_000, 10), ("emnist47", 113_503, 2820, 47)],
)
def test_other_sets_in_mnist_layout_load(
    shared_data: Path, name: str, train: int, test: int, classes: int
):
    data = load(shared_data / name, shape=(14, 14))
    assert data.name == name
    assert data.classes == classes
    assert data.train.images.shape == (train, 14, 14)
    assert data.test.images.shape == (test, 14, 14)
    assert np.unique(data.train.labels).tolist() == list(range(classes))
    assert np.unique(data.test.labels).tolist() == list(range(classes))


def test_labels_of_another_set_are_refused(shared_data: Path, tmp_path: Path):
    for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES):
        (tmp_path / f"{name}.gz").symlink_to(MNIST / f"{name}.gz")
    labels = tmp_path / f"{TEST_LABELS}.gz"
    labels.symlink_to(shared_data / "emnist47" / labels.name)
    with refused(labels, "out of range, expected 0 to 9", "another data set"):
        load(tmp_path)


# Numbers of images


@pytest.mark.parametrize("train", [None, 3])
def test_held_out_images_are_the_last_whatever_is_trained_on(small: Path, train: int | None):
    whole = load(small)
    data = load(small, train=train, holdout=5)
    np.testing.assert_array_equal(data.held.images, whole.train.images[7:])
    np.testing.assert_array_equal(data.held.labels, whole.train.labels[7:])
    np.testing.assert_array_equal(data.train.images, whole.train.images[: train or 7])
    np.testing.assert_array_equal(data.train.labels, whole.train.labels[: train or 7])


def test_test_images_are_the_first(small: Path):
    np.testing.assert_array_equal(load(small, test=2).test.images, load(small).test.images[:2])


def test_nothing_is_held_out_unless_asked(small: Path):
    assert len(load(small).held.images) == 0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"train": 13}, "train: 13 images asked for, .* has 12; ask for at most 12"),
        ({"train": 9, "holdout": 4}, r"train: 9 images .* has 8 \(4 more are held out\); .* 8"),
        ({"test": 6}, "test: 6 images asked for, .* has 5; ask for at most 5"),
        ({"holdout": 13}, "holdout: 13 images asked for, .* has 12"),
        ({"train": -1}, "train: -1 images asked for, expected 0 or more"),
    ],
)
def test_asking_for_more_than_there_are_says_both_numbers(small: Path, asked: dict, message: str):
    with pytest.raises(DataError, match=message):
        load(small, **asked)


# Down-sampling


def test_area_mean_rounds_half_up_by_hand():
    image = np.array([[[0, 1, 255, 255], [0, 1, 255, 254], [1, 2, 0, 1], [2, 2, 0, 0]]], np.uint8)
    assert area_mean(image, (2, 2)).tolist() == [[[1, 255], [2, 0]]]  # 2/4, 1019/4, 7/4, 1/4


def test_area_mean_of_2x2_is_the_documented_shift():
    image = load(test=50).test.images
    wide = image.astype(int)
    sums = wide[:, ::2, ::2] + wide[:, 1::2, ::2] + wide[:, ::2, 1::2] + wide[:, 1::2, 1::2]
    np.testing.assert_array_equal(load(test=50, shape=(14, 14)).test.images, sums + 2 >> 2)


@pytest.mark.parametrize("shape", [(4, 7), (28, 4), (1, 1), (2, 28)])
def test_area_mean_is_exact_for_any_block(shape: tuple[int, int], rng: np.random.Generator):
    images = rng.integers(0, 256, (3, 28, 28), np.uint8)
    height, width = 28 // shape[0], 28 // shape[1]
    for index in np.ndindex(3, *shape):
        n, row, col = index
        block = images[n, row * height : (row + 1) * height, col * width : (col + 1) * width]
        total, area = int(block.sum()), block.size
        assert area_mean(images, shape)[index] == (2 * total + area) // (2 * area)


@pytest.mark.parametrize("shape", [(10, 14), (14, 10), (56, 56), (0, 14), (-14, 14)])
def test_a_shape_that_does_not_divide_is_refused(shape: tuple[int, int]):
    with pytest.raises(
        DataError, match=f"images of 28 x 28 cannot be down-sampled to {shape[0]} x {shape[1]}: .*"
    ):
        load(test=1, train=1, shape=shape)


# Damaged files: each message names the file, what was found and what was expected

IMAGES = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
PACKED = gzip.compress(IMAGES, mtime=0)  # the same bytes, and so test names, at any time
LABELS = idx(np.array([0, 1, 2], np.uint8))


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", ("truncated, 0 bytes found", "expected at least the 4")),
        (IMAGES[:3], ("truncated, 3 bytes found", "expected at least the 4")),
        (IMAGES[:11], ("truncated, 11 bytes found", "expected a header of 16")),
        (IMAGES[:-1], ("truncated, 23 bytes", "expected 24 (2 x 3 x 4)", "download")),
        (IMAGES + b"\0", ("1 trailing bytes", "expected 24 (2 x 3 x 4)", "found 25")),
        (b"\x89PNG" + IMAGES, ("wrong magic number 89 50 4e 47", "expected 00 00 08 03")),
        (PACKED, ("gzip data", "plain IDX images", "add .gz")),
        (b"\0\0\x0d\3" + IMAGES[4:], ("type 0x0d (32-bit float)", "0x08 (unsigned byte)")),
        (b"\0\0\x77\3" + IMAGES[4:], ("type 0x77 (unknown)", "expected 0x08")),
        (LABELS, ("rank 1 (labels) where rank 3 (images) was expected", "mislabelled")),
        (b"\0\0\x08\2" + IMAGES[4:], ("rank 2 (data) where rank 3 (images) was expected",)),
        (idx(np.zeros((0, 3, 4), np.uint8)), ("empty, the header says 0 x 3 x 4",)),
        (b"\0\0\x08\3" + b"\xff" * 12, ("truncated, 0 bytes", "expected 79228162458924105")),
    ],
)
def test_a_damaged_image_file_is_refused_by_name_with_the_reason(
    tmp_path: Path, data: bytes, parts: tuple[str, ...]
):
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(data)
    with refused(path, *parts):
        read_images(path)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (IMAGES, ("rank 3 (images) where rank 1 (labels) was expected", "mislabelled")),
        (LABELS[:-1], ("truncated, 2 bytes", "expected 3 (3)")),
        (LABELS + b"\0\0", ("2 trailing bytes", "expected 3 (3)")),
        (b"PK\3\4" + LABELS, ("wrong magic number 50 4b 03 04", "expected 00 00 08 01")),
    ],
)
def test_a_damaged_label_file_is_refused_by_name_with_the_reason(
    tmp_path: Path, data: bytes, parts: tuple[str, ...]
):
    path = tmp_path / TRAIN_LABELS
    path.write_bytes(data)
    with refused(path, *parts):
        read_labels(path)


@pytest.mark.parametrize(
    "data",
    [
        PACKED[:-9],  # cut in the data
        PACKED[:-1],  # cut in the check sum
        PACKED[:20] + b"\xff\xff" + PACKED[22:],
        PACKED[:-8] + b"\0" * 8,  # a wrong check sum
        PACKED + b"rubbish",
        IMAGES,
    ],
)
def test_a_corrupt_gzip_is_refused_by_name(tmp_path: Path, data: bytes):
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(data)
    with refused(path, "corrupt gzip (", "expected a compressed IDX file"):
        read_images(path)


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path):
    with refused(tmp_path, "cannot be read: Is a directory"):
        read_images(tmp_path)


def test_labels_out_of_range_say_which_and_where(tmp_path: Path):
    path = tmp_path / TEST_LABELS
    path.write_bytes(idx(np.array([0, 9, 10, 3, 200], np.uint8)))
    with refused(path, "label 10 at index 2", "expected 0 to 9", "2 such labels"):
        read_labels(path, classes=10)
    assert read_labels(path, classes=201).tolist() == [0, 9, 10, 3, 200]


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
def test_a_missing_file_is_named_with_both_names_looked_for(small: Path, name: str):
    (small / name).unlink()
    with refused(small, f"no file {name} and no {name}.gz"):
        load(small)


def test_the_plain_file_is_taken_where_both_lie_there(small: Path):
    (small / f"{TRAIN_IMAGES}.gz").write_bytes(b"")
    assert find(small, TRAIN_IMAGES) == small / TRAIN_IMAGES


def test_a_directory_that_is_not_there_is_named(tmp_path: Path):
    with refused(tmp_path / "nowhere", "no such directory", "'mnist' or a directory of IDX files"):
        load(tmp_path / "nowhere")


def test_as_many_labels_as_images_are_expected(small: Path):
    (small / TEST_LABELS).write_bytes(LABELS)
    with refused(small / TEST_IMAGES, "5 images", TEST_LABELS, "3 labels"):
        load(small)


def test_a_test_label_beyond_the_training_classes_is_refused(small: Path):
    (small / TEST_LABELS).write_bytes(idx(np.array([0, 1, 2, 3, 0], np.uint8)))
    with refused(small / TEST_LABELS, "label 3 at index 3", "expected 0 to 2"):
        load(small)


def test_test_images_of_another_shape_are_refused(small: Path):
    (small / TEST_IMAGES).write_bytes(idx(np.zeros((5, 6, 4), np.uint8)))
    with refused(small, "training images are 4 x 6 and test images 6 x 4"):
        load(small)
