"""A part of a data set: images and their labels, under a name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """Images and labels that belong together; unpacks as ``X, y = part`` and slices as arrays do.

    Attributes
    ----------
    images : uint8[n, rows, cols], 0 is background.
    labels : uint8[n]
    name : which part it is. source : of which data.
    """

    images: np.ndarray
    labels: np.ndarray
    name: str = "images"
    source: str = "arrays"

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the images, then the labels."""
        return iter((self.images, self.labels))

    def __getitem__(self, chosen: slice | np.ndarray) -> Part:
        """Return a part of this one; a single image is ``part.images[3]``."""
        if isinstance(chosen, int | np.integer):
            raise TypeError(f"part[{chosen}]: write part[{chosen}:{chosen + 1}] for a part of one")
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])

    def fingerprint(self) -> str:
        """Return 16 hex digits that tell these images and labels from any others."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(repr(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images))
        digest.update(np.ascontiguousarray(self.labels))
        return digest.hexdigest()

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.images.shape[1:]))
        classes = np.unique(self.labels).size
        return f"<{self.source}, {self.name}: {len(self):,} images of {shape}, {classes} classes>"
