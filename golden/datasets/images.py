"""Any picture of one character, brought to the form of the data sets' images.

MNIST's convention: white ink on black, scaled to fit a box of 20 x 20 in 28 x 28 with its aspect
kept, its centre of mass at row 14, column 14. Other shapes keep the proportions; those smaller
than 28 are drawn at a multiple of their size and then down-sampled as the data sets are, so that a
picture has been through what the training images have been through.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from spikeloom.golden.datasets import DataError, area_mean

_SIDE, _BOX = 28, 20  # MNIST's image and the box that its digits fill
_LIGHT = 127  # a background above this is paper
_CONTRAST = 32  # ink must differ by this much from the background
_FAINT = 8  # on paper that is not even, ink weaker than 1 / 8 of the strongest is dirt
_LARGE = 2048  # a picture with a longer side is first scaled down by a whole number
_MOST = 30_000_000  # pixels; decoded and converted they take up to 8 bytes each
_NOISE = 6  # ... and so is what stands out less than this times the paper's median deviation


def from_picture(path: str | Path, shape: tuple[int, int] = (_SIDE, _SIDE)) -> np.ndarray:
    """Read a picture of one character in a format of `FORMATS`.

    It is turned to grey, inverted where the median of its border is light, freed of its
    background, cropped to its content and then scaled, stretched to full white and centred.

    Parameters
    ----------
    path : str or Path
    shape : (rows, cols)
        Of the result.

    Returns
    -------
    uint8[*shape]
        0 is background, 255 the strongest ink.

    Raises
    ------
    DataError
        The file cannot be read as a picture, or there is nothing on it.
    """
    path = Path(path)
    ink = _crop(_ink(_grey(path), path))
    multiple = max(1, -(-_SIDE // min(shape)))
    frame = (shape[0] * multiple, shape[1] * multiple)
    return area_mean(_centred(_scaled(ink, frame), frame)[np.newaxis], shape)[0]


FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What a picture may be; none of them starts another program."""


def _grey(path: Path) -> np.ndarray:
    """Return the picture's luminance as float64[rows, cols], 0 to 255, the right way up."""
    try:
        # What is odd and can be read is taken; the bound on its size is `_MOST`.
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path, formats=FORMATS) as picture,
        ):
            if math.prod(picture.size) > _MOST:
                raise DataError(
                    f"{path}: {picture.width} x {picture.height} pixels, at most {_MOST:,} are "
                    "taken; scale it down"
                )
            ImageOps.exif_transpose(picture, in_place=True)
            if picture.mode[0] in "IF":  # 16 and 32 bits a pixel: no common scale, so their own
                large = picture if picture.mode in ("I", "F") else picture.convert("I")
                values = np.asarray(_smaller(large), np.float64)
                if not np.isfinite(values).all():
                    raise DataError(f"{path}: it has pixels that are nan or inf; give them values")
                return (values - values.min()) * (255 / max(np.ptp(values), 1))
            if picture.has_transparency_data:
                picture = _on_contrast(_smaller(picture.convert("RGBA")))
            return np.asarray(_smaller(picture.convert("L")), np.float64)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; give the path of a picture") from error
    except Exception as error:  # decoders of damaged files have kinds of their own
        raise DataError(
            f"{path}: not a picture that can be read ({error}); give a PNG, JPEG or the like"
        ) from error


def _smaller(picture: Image.Image) -> Image.Image:
    """Scale a picture down until no side is longer than `_LARGE`, by means of areas."""
    factors = [-(-side // _LARGE) for side in picture.size]
    return picture.reduce(max(factors)) if max(factors) > 1 else picture


def _on_contrast(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white where its ink is dark, on black where it is light."""
    grey = np.asarray(picture.convert("RGB").convert("L"), np.float64)
    alpha = np.asarray(picture.getchannel("A"), np.float64)
    dark = (grey * alpha).sum() <= _LIGHT * alpha.sum()
    paper = Image.new("RGBA", picture.size, "white" if dark else "black")
    return Image.alpha_composite(paper, picture)


def _ink(grey: np.ndarray, path: Path) -> np.ndarray:
    """Return how far each pixel stands out of the background, which becomes 0."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    if np.median(border) > _LIGHT:
        grey, border = 255 - grey, 255 - border
    ink = grey - np.median(border)
    contrast = ink.max()
    uneven = np.abs(border - np.median(border))
    dirt = max(contrast / _FAINT, _NOISE * np.median(uneven)) if uneven.any() else 0
    if contrast < _CONTRAST or contrast <= dirt:
        raise DataError(
            f"{path}: blank, its ink differs by {contrast:.0f} of 255 from the background, "
            f"expected {max(_CONTRAST, np.floor(dirt) + 1):.0f} or more; give a picture of one "
            "character with an even margin"
        )
    return np.where(ink > dirt, ink, 0)


def _crop(ink: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(ink.any(axis=1))
    cols = np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]


def _scaled(ink: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Fit the ink into the frame's box and stretch it to 255; returns uint8."""
    scale = min(side * _BOX / _SIDE / size for side, size in zip(frame, ink.shape, strict=True))
    rows, cols = (max(1, round(size * scale)) for size in ink.shape)
    # Down by the mean of areas, as `area_mean` does; up without blocks.
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    scaled = np.asarray(Image.fromarray(ink.astype(np.float32)).resize((cols, rows), method))
    return np.rint(scaled * (255 / scaled.max())).astype(np.uint8)


def _centred(ink: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Place the ink so that its centre of mass is the frame's centre, or as near as it fits."""
    image = np.zeros(frame, np.uint8)
    place = []
    for axis, side in enumerate(frame):
        profile = ink.sum(axis=1 - axis, dtype=np.float64)
        centre = profile @ np.arange(len(profile)) / profile.sum()
        start = int(np.clip(round(side / 2 - centre), 0, side - len(profile)))
        place.append(slice(start, start + len(profile)))
    image[tuple(place)] = ink
    return image
