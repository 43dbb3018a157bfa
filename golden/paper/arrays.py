"""Array libraries by the array API standard, and their seeded random numbers.

The model's modules take the namespace as `xp` and call only what the standard names. Random
numbers are no part of the standard: `Random` draws the many (input spikes) where the arrays live,
the few on the host, from generators seeded by what they are for. The same seed gives the same
numbers on one library, version and kind of device; other libraries draw other spikes.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

Array = Any
"""An array of whichever library runs."""

LIBRARIES = ("numpy", "torch", "cupy")


class ArrayError(ValueError):
    """An array library or device that cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Arrays:
    """An array library and the device that holds the arrays.

    Attributes
    ----------
    name : of the library.
    xp : its namespace, by the array API standard.
    device : as the library takes it; None is its default.
    """

    name: str
    xp: Any
    device: Any = None

    def put(self, array: np.ndarray) -> Array:
        """Return a copy of a NumPy array on the device."""
        return self.xp.asarray(array, device=self.device, copy=True)

    def get(self, array: Array) -> np.ndarray:
        """Return an array of the device as a NumPy array."""
        if self.name == "numpy":
            return array
        return np.asarray(array_api_compat.to_device(array, "cpu"))

    def random(self, *entropy: int) -> Random:
        """Return the generator of one purpose, named by whole numbers."""
        return Random(self, entropy)


def namespace(name: str = "numpy", device: str | None = None) -> Arrays:
    """Return an array library that is installed, and a device that is there.

    Parameters
    ----------
    name : ``numpy``, ``torch`` or ``cupy``.
    device : for torch ``cpu``, ``cuda``, ``cuda:1``; for cupy the number of the GPU. The library's
        own choice where None.

    Raises
    ------
    ArrayError
        An unknown or missing library, or a device that it has not.
    """
    if name not in LIBRARIES:
        raise ArrayError(f"array library {name!r}: known are {', '.join(LIBRARIES)}")
    try:
        library = importlib.import_module(name)
        xp = importlib.import_module(f"array_api_compat.{name}")
    except ImportError as error:
        raise ArrayError(
            f"array library {name!r} is not installed ({error}): install it, or use 'numpy'"
        ) from error
    return Arrays(name, xp, _device(name, library, device))


def _device(name: str, library: Any, device: str | None) -> Any:
    """Return the device as the library takes it, after one array was made there."""
    try:
        if name == "torch":
            found = library.device(device or "cpu")
            library.zeros(1, device=found)
            return found
        if name == "cupy":
            found = library.cuda.Device(int(device or 0))
            with found:
                library.zeros(1)
            return found
    except Exception as error:  # each library has its own kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArrayError(f"{name} has no device {device!r}: {reason}") from error
    if device not in (None, "cpu"):
        raise ArrayError(f"numpy has no device {device!r}: its arrays live on 'cpu'")
    return None


class Random:
    """Random numbers of one purpose; what is drawn depends on the order of the calls.

    Parameters
    ----------
    arrays : where the numbers go.
    entropy : whole numbers that name the purpose, such as (seed, purpose, epoch).
    """

    def __init__(self, arrays: Arrays, entropy: tuple[int, ...]) -> None:
        self.arrays = arrays
        device, host = np.random.SeedSequence(entropy).spawn(2)
        self.host = np.random.default_rng(host)
        if arrays.name == "torch":
            self._device = arrays.xp.Generator(device=arrays.device)
            self._device.manual_seed(int(device.generate_state(1, np.uint64)[0] >> 1))
        elif arrays.name == "cupy":
            with arrays.device:
                state = int(device.generate_state(1, np.uint64)[0] >> 1)
                bits = importlib.import_module("cupy").random.Philox4x3210(state)
                self._device = importlib.import_module("cupy").random.Generator(bits)
        else:
            self._device = np.random.default_rng(device)

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """Return float32 numbers in [0, 1), drawn where the arrays live."""
        arrays = self.arrays
        if arrays.name == "torch":
            return arrays.xp.rand(shape, generator=self._device, device=arrays.device)
        if arrays.name == "cupy":
            with arrays.device:
                return self._device.random(shape, dtype=np.float32)
        drawn = self._device.random(shape, dtype=np.float32)
        return drawn if arrays.name == "numpy" else arrays.put(drawn)

    def normal(self, shape: tuple[int, ...]) -> Array:
        """Return float32 numbers of N(0, 1), drawn where the arrays live."""
        arrays = self.arrays
        if arrays.name == "torch":
            return arrays.xp.randn(shape, generator=self._device, device=arrays.device)
        if arrays.name == "cupy":
            with arrays.device:
                return self._device.standard_normal(shape, dtype=np.float32)
        drawn = self._device.standard_normal(shape, dtype=np.float32)
        return drawn if arrays.name == "numpy" else arrays.put(drawn)
