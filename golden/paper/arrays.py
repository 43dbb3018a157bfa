"""Array libraries by the array API standard, and their seeded random numbers.

The model's modules take the namespace as `xp` and call only what the standard names. Random
numbers are no part of the standard: `Random` draws the many (input spikes) where the arrays live,
the few on the host, from generators seeded by what they are for. The same seed gives the same
numbers on one library, version and kind of device; other libraries draw other spikes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from spikeloom.errors import SpikeloomError

Array = Any
"""An array of whichever library runs."""

LIBRARIES = {
    "numpy": "array_api_compat.numpy",
    "torch": "array_api_compat.torch",
    "cupy": "array_api_compat.cupy",
    "jax": "jax.numpy",
}
"""Libraries, and the module of each that has the standard's names."""


class ArrayError(SpikeloomError, ValueError):
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
        if self.name in ("torch", "cupy"):
            array = array_api_compat.to_device(array, "cpu")
        return np.asarray(array)

    def random(self, *entropy: int) -> Random:
        """Return the generator of one purpose, named by whole numbers."""
        return Random(self, entropy)


def namespace(name: str = "numpy", device: str | None = None) -> Arrays:
    """Return an array library that is installed, and a device that is there.

    Parameters
    ----------
    name : ``numpy``, ``torch``, ``cupy`` or ``jax``.
    device : for torch ``cpu``, ``cuda``, ``cuda:1``; for cupy the number of the GPU; for jax
        ``cpu`` or ``gpu``. None is torch's CPU, and the first choice of the others.

    Raises
    ------
    ArrayError
        An unknown or missing library, or a device that it has not.
    """
    if name not in LIBRARIES:
        raise ArrayError(f"array library {name!r}: known are {', '.join(LIBRARIES)}")
    try:
        library = importlib.import_module(name)
        xp = importlib.import_module(LIBRARIES[name])
    except ImportError as error:
        raise ArrayError(
            f"array library {name!r} is not installed ({error}): install it, or use 'numpy'"
        ) from error
    return Arrays(name, xp, _device(name, library, device))


def _device(name: str, library: Any, device: str | None) -> Any:
    """Return the device as the library takes it, after an array was made there."""
    if name == "numpy":
        if device not in (None, "cpu"):
            raise ArrayError(f"numpy has no device {device!r}: its arrays live on 'cpu'")
        return None
    try:
        if name == "torch":
            found = library.device(device or "cpu")
            library.zeros(1, device=found)
        elif name == "jax":
            found = library.devices(device)[0]
        else:
            found = library.cuda.Device(int(device or 0))
            with found:
                library.zeros(1)
    except Exception as error:  # every library has kinds of its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArrayError(f"{name} has no device {device!r}: {reason}") from error
    return found


class Random:
    """Random numbers of one purpose; what is drawn depends on the order of the calls.

    Parameters
    ----------
    arrays : where the numbers go.
    entropy : whole numbers that name the purpose, such as (seed, purpose, epoch).

    Attributes
    ----------
    uniform, normal : take a shape, return float32 of [0, 1) or of N(0, 1) in it, drawn by the
        library where its arrays live.
    host : NumPy's generator, for the few that are drawn on the host.
    """

    def __init__(self, arrays: Arrays, entropy: tuple[int, ...]) -> None:
        device, host = np.random.SeedSequence(entropy).spawn(2)
        self.host = np.random.default_rng(host)
        draws = {"torch": _torch_draws, "cupy": _cupy_draws}.get(arrays.name, _host_draws)
        self.uniform, self.normal = draws(arrays, device)


Draw = Callable[[tuple[int, ...]], Array]


def _word(seed: np.random.SeedSequence) -> int:
    """Return a seed of 63 bits for a library that takes a signed word."""
    return int(seed.generate_state(1, np.uint64)[0] >> np.uint64(1))


def _host_draws(arrays: Arrays, seed: np.random.SeedSequence) -> tuple[Draw, Draw]:
    generator = np.random.default_rng(seed)
    move = arrays.put if arrays.name != "numpy" else lambda array: array
    return (
        lambda shape: move(generator.random(shape, np.float32)),
        lambda shape: move(generator.standard_normal(shape, np.float32)),
    )


def _torch_draws(arrays: Arrays, seed: np.random.SeedSequence) -> tuple[Draw, Draw]:
    torch, device = importlib.import_module("torch"), arrays.device
    generator = torch.Generator(device=device).manual_seed(_word(seed))
    return (
        lambda shape: torch.rand(shape, generator=generator, device=device),
        lambda shape: torch.randn(shape, generator=generator, device=device),
    )


def _cupy_draws(arrays: Arrays, seed: np.random.SeedSequence) -> tuple[Draw, Draw]:
    random = importlib.import_module("cupy").random
    with arrays.device:
        generator = random.Generator(random.Philox4x3210(_word(seed)))

    def on_device(draw: Callable[..., Array]) -> Draw:
        def drawn(shape: tuple[int, ...]) -> Array:
            with arrays.device:
                return draw(shape, dtype=np.float32)

        return drawn

    return on_device(generator.random), on_device(generator.standard_normal)
