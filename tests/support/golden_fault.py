"""A fault in golden that the differential fuzzer has to find."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.network import Network
from tests.support import golden_transport


class LazyNetwork(Network):
    """Golden with a fault: one weight too high by one after each sample trained."""

    def train(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = super().train(images, labels)
        weights = self.weights
        weights[0][-1, -1] -= np.sign(weights[0][-1, -1]) or 1
        self.weights = weights
        return found


def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden_transport, "Network", LazyNetwork)
