"""The one decorator of compiled functions: Numba, cached by the text of the whole golden model.

Numba's own cache looks at the file of the decorated function only, and would go on running what
it once compiled from a file that this one calls. Here every change of any file is a new folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import njit

HERE = Path(__file__).resolve().parent


def _folder() -> Path:
    """Return the cache of this very text of the model, beside Python's own."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.py"), *HERE.glob("spec/*.py"), *HERE.glob("paper/*.py")]):
        digest.update(path.read_bytes())
    return HERE / "__pycache__" / f"golden-{digest.hexdigest()[:16]}"


FOLDER = _folder()


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile with Numba's `njit`, caching the result; usable with and without options.

    Compiled functions work on arrays that the host made and allocate none, so they go without
    Numba's run time: counting references to views cost more than the arithmetic. Where the cache
    folder cannot be written, Numba chooses another one itself.
    """
    if function is None:
        return lambda decorated: compiled(decorated, **options)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(FOLDER)
    try:
        return njit(cache=True, error_model="numpy", _nrt=False, **options)(function)
    finally:
        numba.config.CACHE_DIR = before
