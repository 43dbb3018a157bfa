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
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageOps

from spikeloom.golden.datasets import DataError, area_mean

_SIDE, _BOX = 28, 20  # MNIST's image and the box that its digits fill
_LIGHT = 127  # ink above this is light
_CONTRAST = 32  # ink must differ by this much from the background
_FAINT = 4  # on paper that is not even, ink weaker than 1 / 4 of the strongest is dirt
_NOISE = 6  # ... and so is what stands out less than this times the paper's median deviation
_STROKE = 0.4  # of the picture's longer side: what is wider is no stroke but a shadow
_COARSE = 128  # a picture's longer side where its shadows are looked for
_LARGE = 2048  # a picture with a longer side is first scaled down by a whole number
_MOST = 30_000_000  # pixels; decoded and converted they take up to 8 bytes each


def from_picture(path: str | Path, shape: tuple[int, int] = (_SIDE, _SIDE)) -> np.ndarray:
    """Read a picture of one character in a format of `FORMATS`.

    Ink is what differs from the background around it in any colour, darker or lighter; shadows
    wider than a stroke are background. It is cropped to its content and then scaled, stretched to
    full white and centred.

    shape : of the result, uint8[*shape]: 0 is background, 255 the strongest ink.

    `DataError` where the file cannot be read as a picture, or there is nothing on it.
    """
    path = Path(path)
    ink = _crop(_ink(_colours(path), path))
    multiple = max(1, -(-_SIDE // min(shape)))
    frame = (shape[0] * multiple, shape[1] * multiple)
    return area_mean(_centred(_scaled(ink, frame), frame)[np.newaxis], shape)[0]


FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What a picture may be; none of them starts another program."""


def _colours(path: Path) -> list[np.ndarray]:
    """Return the picture's colours, each float32[rows, cols], 0 to 255, the right way up."""
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
                values = (values - values.min()) * (255 / max(np.ptp(values), 1))
                return [values.astype(np.float32)]
            if picture.has_transparency_data:
                picture = _on_contrast(_smaller(picture.convert("RGBA")))
            colours = _smaller(picture.convert("RGB")).split()
            return [np.asarray(colour, np.float32) for colour in colours]
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; give the path of a picture") from error
    except Exception as error:  # decoders of damaged files have kinds of their own
        raise DataError(
            f"{path}: not a picture that can be read ({error}); give a PNG, JPEG or the like"
        ) from error


def _smaller(picture: Image.Image, most: int = _LARGE) -> Image.Image:
    """Scale a picture down until no side is longer than `most`, by means of areas."""
    factor = max(-(-side // most) for side in picture.size)
    return picture.reduce(factor) if factor > 1 else picture


def _on_contrast(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white where its ink is dark, on black where it is light."""
    grey = np.asarray(picture.convert("RGB").convert("L"), np.float64)
    alpha = np.asarray(picture.getchannel("A"), np.float64)
    dark = (grey * alpha).sum() <= _LIGHT * alpha.sum()
    paper = Image.new("RGBA", picture.size, "white" if dark else "black")
    return Image.alpha_composite(paper, picture)


def _ink(colours: list[np.ndarray], path: Path) -> np.ndarray:
    """Return how far each pixel stands out of the background, which becomes 0."""
    ink = np.max([_standing_out(colour) for colour in colours], axis=0)
    uneven = any(np.ptp(_border(colour)) for colour in colours)
    noise = float(np.median(np.abs(_border(ink) - np.median(_border(ink)))))
    ink -= np.median(_border(ink))
    contrast = float(ink.max())
    if contrast < _CONTRAST:
        raise DataError(
            f"{path}: blank, its ink differs by {contrast:.0f} of 255 from the background, "
            f"expected {_CONTRAST} or more; give a picture of one character with a margin"
        )
    if contrast <= _NOISE * noise:
        raise DataError(
            f"{path}: its ink differs by {contrast:.0f} of 255 from the background, and its margin "
            f"by {noise:.0f} from itself; give a picture of one character on even paper, with a "
            "margin"
        )
    return np.where(ink > max(contrast / _FAINT, _NOISE * noise) * uneven, ink, 0)


def _border(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def _standing_out(colour: np.ndarray) -> np.ndarray:
    """Return how far each pixel is from the background around it, to the side where ink is."""
    paper = np.median(_border(colour))
    if paper - colour.min() > colour.max() - paper:
        colour = 255 - colour
    return colour - _background(colour)


def _background(colour: np.ndarray) -> np.ndarray:
    """Return a picture without what is brighter than all around and no wider than a stroke.

    A morphological opening: it leaves slopes and edges of shadows where they are.
    """
    small = np.asarray(_smaller(Image.fromarray(colour), _COARSE))
    reach = math.ceil(_STROKE * max(small.shape) / 2)
    # Beyond its edge a picture goes on, so that a shadow at the edge is no stroke.
    opened = np.pad(small, 2 * reach, mode="edge")
    for extreme in (np.min, np.max):
        for axis in (0, 1):
            opened = extreme(sliding_window_view(opened, 2 * reach + 1, axis), axis=-1)
    large = Image.fromarray(opened).resize(colour.shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(large)


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
