from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from spikeloom.golden.datasets import DataError, area_mean, load
from spikeloom.golden.datasets.images import from_picture


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load(train=0, test=200).test.images


@pytest.fixture
def saved(tmp_path: Path):
    """Return a function that saves pixels or a picture and returns the path."""

    def save(picture: np.ndarray | Image.Image, name: str = "picture.png", **options) -> Path:
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def drawn(ink: object = "black", paper: object = "white", mode: str = "RGB") -> Image.Image:
    """Draw a large, thin 2 far off the centre."""
    picture = Image.new(mode, (640, 400), paper)
    points = [(400, 100), (450, 80), (470, 140), (420, 200), (400, 280), (490, 280)]
    ImageDraw.Draw(picture).line(points, fill=ink, width=12)
    return picture


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    return np.array([image.sum(axis) @ np.arange(image.shape[1 - axis]) for axis in (1, 0)]) / (
        image.sum()
    )


def test_a_digit_of_the_test_set_comes_back_as_it_is(digits: np.ndarray, saved):
    inside = [d for d in digits if not (d[[0, -1]].any() or d[:, [0, -1]].any())]
    assert len(inside) > 190
    for digit in inside:
        stretched = np.rint(digit * (255 / digit.max()))  # some have no pixel of 255
        np.testing.assert_array_equal(from_picture(saved(digit)), stretched)


def test_a_digit_for_14x14_equals_the_down_sampled_one(digits: np.ndarray, saved):
    digit = digits[0]
    stretched = np.rint(digit * (255 / digit.max())).astype(np.uint8)
    expected = area_mean(stretched[np.newaxis], (14, 14))[0]
    np.testing.assert_array_equal(from_picture(saved(digit), (14, 14)), expected)


def test_an_enlarged_digit_comes_back_as_it_was(digits: np.ndarray, saved):
    expected = from_picture(saved(digits[0]))
    large = digits[0].repeat(10, axis=0).repeat(10, axis=1)
    np.testing.assert_array_equal(from_picture(saved(large, "large.png")), expected)


def test_a_blurred_jpeg_is_nearest_to_its_own_class(digits: np.ndarray, saved):
    flat = digits.reshape(len(digits), -1).astype(int)
    labels = load(train=0, test=200).test.labels
    for index in range(0, 200, 10):
        large = Image.fromarray(digits[index]).resize((250, 250), Image.Resampling.BICUBIC)
        image = from_picture(saved(large, "large.jpg", quality=90))
        distance = ((flat - image.reshape(-1)) ** 2).sum(axis=1)
        assert labels[distance.argmin()] == labels[index]


@pytest.mark.parametrize("shape", [(28, 28), (14, 14), (32, 32), (20, 28), (56, 28)])
def test_the_content_fills_the_box_and_sits_at_the_centre(shape: tuple[int, int], saved):
    image = from_picture(saved(drawn()), shape)
    assert image.shape == shape
    assert image.dtype == np.uint8
    rows, cols = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    fill = max(np.ptp(rows) + 1 - shape[0] * 20 / 28, np.ptp(cols) + 1 - shape[1] * 20 / 28)
    assert abs(fill) <= 1
    assert (np.abs(centre_of_mass(image) - np.array(shape) / 2) <= 0.75).all()


def test_the_aspect_is_kept(saved):
    picture = np.zeros((100, 100), np.uint8)
    picture[10:90, 40:60] = 255  # four times as high as wide
    image = from_picture(saved(picture))
    assert np.flatnonzero(image.any(1)).tolist() == list(range(4, 24))
    assert np.flatnonzero(image.any(0)).tolist() == list(range(12, 17))


@pytest.mark.parametrize(
    ("ink", "paper", "mode"),
    [
        (255, 0, "L"),
        (0, 255, "L"),
        ("white", "black", "RGB"),
        ("black", "white", "RGB"),
        (1, 0, "1"),
        (65535, 0, "I;16"),
        (0, 65535, "I;16"),
        (1.0, 0.0, "F"),
        ((0, 0, 0, 255), (255, 255, 255, 0), "RGBA"),
        ((255, 255, 255, 255), (0, 0, 0, 0), "RGBA"),
        ((0, 0, 0, 255), (0, 0, 0, 0), "RGBA"),
        ((255, 255, 255, 255), (255, 255, 255, 0), "RGBA"),
        (40, 200, "L"),
        (90, 30, "L"),
        (40, 110, "L"),
        ("red", "blue", "RGB"),
        ((200, 30, 30), (40, 60, 200), "RGB"),  # of about the same grey
        ("yellow", "white", "RGB"),
    ],
)
def test_ink_and_paper_of_any_kind_give_the_same_image(ink, paper, mode: str, saved):
    expected = from_picture(saved(drawn()))
    path = saved(drawn(ink, paper, mode), "other.tiff" if mode == "F" else "other.png")
    np.testing.assert_array_equal(from_picture(path), expected)


def test_the_margin_does_not_matter(saved):
    expected = from_picture(saved(drawn()))
    cut = drawn().crop((300, 50, 600, 350))
    np.testing.assert_array_equal(from_picture(saved(cut, "cut.png")), expected)


def test_a_photograph_is_turned_upright(saved):
    expected = from_picture(saved(drawn()))
    turned = drawn().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn right to see it upright
    np.testing.assert_array_equal(from_picture(saved(turned, "turned.png", exif=exif)), expected)


def test_dirt_on_the_paper_is_no_ink(rng: np.random.Generator, saved):
    clean = np.asarray(drawn(ink=30, paper=190, mode="L"))
    noisy = np.clip(np.rint(clean + rng.normal(0, 3, clean.shape)), 0, 255).astype(np.uint8)
    # Cropped, because a trace of noise may tip the rounding of the centre by one pixel.
    image, expected = (
        image[np.ix_(image.any(axis=1), image.any(axis=0))].astype(int)
        for image in (from_picture(saved(noisy)), from_picture(saved(clean, "clean.png")))
    )
    assert image.shape == expected.shape
    assert np.abs(image - expected).max() <= 8  # of 255: the ink itself is noisy too


def test_a_thin_line_becomes_full_white(saved):
    picture = Image.new("L", (2000, 2000), 255)
    ImageDraw.Draw(picture).line([(1000, 500), (1010, 1500)], fill=0, width=2)
    assert from_picture(saved(picture)).max() == 255


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_picture_is_refused_by_name(shade: int, saved):
    path = saved(np.full((30, 30), shade, np.uint8))
    with pytest.raises(DataError, match=f"{path}: blank, .* by 0 of 255 .* expected 32 or more"):
        from_picture(path)


def test_faint_ink_is_refused_with_its_contrast(saved):
    path = saved(drawn(ink=180, paper=200, mode="L"))
    with pytest.raises(DataError, match=f"{path}: blank, its ink differs by 20 of 255"):
        from_picture(path)


def test_ink_no_stronger_than_the_margin_is_uneven_is_refused(saved):
    """The border's values lie 10 from their median, so 60 are dirt: 60 are not ink, 61 are."""
    picture = np.indices((31, 31), np.uint8).sum(axis=0, dtype=np.uint8) % 2 * 20
    picture[15, 15] = 70
    path = saved(picture)
    with pytest.raises(DataError, match=f"{path}: its ink differs by 60 of 255 .* margin by 10 fr"):
        from_picture(path)
    picture[15, 15] = 71
    assert from_picture(saved(picture)).max() == 255


PAPERS = {
    "even": lambda x, y: 200 + 0 * x,
    "shaded from left to right": lambda x, y: 160 + 50 * x,
    "half as bright on one side": lambda x, y: 100 + 110 * x,
    "dark in its corners": lambda x, y: 215 - 180 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
    "with an object's shadow in a corner": lambda x, y: np.where((x > 0.6) & (y > 0.7), 160, 210),
}


@pytest.mark.parametrize("paper", PAPERS)
def test_a_photograph_is_nearest_to_its_own_class(
    paper: str, digits: np.ndarray, rng: np.random.Generator, saved
):
    flat = digits.reshape(len(digits), -1).astype(int)
    labels = load(train=0, test=200).test.labels
    y, x = np.mgrid[0:1:400j, 0:1:480j]
    for index in range(0, 200, 20):
        pen = np.asarray(Image.fromarray(digits[index]).resize((300, 300))) / 255.0
        light = PAPERS[paper](x, y) * (1 - 0.7 * np.pad(pen, ((40, 60), (80, 100))))
        photo = light[..., np.newaxis] + rng.normal(0, 3, (400, 480, 3))
        photo = np.clip(np.rint(photo), 0, 255).astype(np.uint8)
        image = from_picture(saved(photo, "photo.jpg", quality=90))
        distance = ((flat - image.reshape(-1)) ** 2).sum(axis=1)
        assert labels[distance.argmin()] == labels[index]


def test_a_transparent_picture_without_ink_is_blank(saved):
    path = saved(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))
    with pytest.raises(DataError, match="blank"):
        from_picture(path)


def test_a_file_that_is_no_picture_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "digit.png"
    path.write_text("seven")
    with pytest.raises(DataError, match=f"{path}: not a picture that can be read .*; give a PNG"):
        from_picture(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_picture_of_no_numbers_is_refused_by_name(value: float, saved):
    pixels = np.zeros((30, 30), np.float32)
    pixels[3, 4] = value
    path = saved(pixels, "odd.tiff")
    with pytest.raises(DataError, match=f"{path}: it has pixels that are nan or inf; give them"):
        from_picture(path)


def test_a_truncated_picture_is_refused_by_name(rng: np.random.Generator, saved):
    path = saved(rng.integers(0, 256, (200, 200), np.uint8))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DataError, match=f"{path}: not a picture that can be read"):
        from_picture(path)


def test_a_picture_that_is_not_there_is_named(tmp_path: Path):
    path = tmp_path / "none.png"
    with pytest.raises(DataError, match=f"{path}: no such file"):
        from_picture(path)


def test_a_photograph_of_many_pixels_is_read_as_a_smaller_one(saved):
    """Doubled pixel by pixel beyond 2,048: means of 2 x 2 give the same picture again."""
    small = drawn().resize((1200, 750))
    large = small.resize((2400, 1500), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(
        from_picture(saved(large, "large.png")), from_picture(saved(small, "small.png"))
    )


def test_a_large_picture_of_16_bits_is_read_as_a_smaller_one(saved):
    small = drawn(0, 65535, "I;16").resize((1200, 750))
    large = small.resize((2400, 1500), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(
        from_picture(saved(large, "large.png")), from_picture(saved(small, "small.png"))
    )


def test_too_many_pixels_are_refused_by_their_number(saved):
    path = saved(Image.new("1", (9, 9_000_000)), "long.png")
    with pytest.raises(DataError, match="9 x 9000000 pixels, at most 30,000,000 are taken; scale"):
        from_picture(path)
