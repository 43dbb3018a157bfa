"""An .npz that a user brings: its arrays, or a message."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikeloom.golden.files import DAMAGED, ArchiveError, read_arrays
from spikeloom.nir.errors import NirError

MOST_BYTES = 1 << 30


def read_npz(path: str | Path, what: str) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz, `what` in words; `NirError` where it is none, or damaged."""
    try:
        return read_arrays(Path(path), MOST_BYTES)
    except OSError as error:
        raise NirError(f"cannot read {path}: {error.strerror or error}") from None
    except (ArchiveError, *DAMAGED) as error:
        raise NirError(f"{path} is no .npz of {what}, or damaged: {error}") from None
