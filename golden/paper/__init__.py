"""The paper's own float model of SSNN-BP: what its figures and tables are reproduced with.

Spike trains are float32 arrays of zeros and ones, time first: ``[T, batch, n]``. Any array library
that follows the array API standard runs it; `spikeloom.golden.paper.arrays` picks one.
"""

from __future__ import annotations

from spikeloom.golden.paper.arrays import ArrayError, Arrays, namespace
from spikeloom.golden.paper.checkpoint import CheckpointError
from spikeloom.golden.paper.config import PaperConfig
from spikeloom.golden.paper.network import PaperNetwork
from spikeloom.golden.paper.training import DataMismatchError, Progress, Result, train

__all__ = [
    "ArrayError",
    "Arrays",
    "CheckpointError",
    "DataMismatchError",
    "PaperConfig",
    "PaperNetwork",
    "Progress",
    "Result",
    "namespace",
    "train",
]
