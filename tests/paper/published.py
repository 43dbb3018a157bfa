"""Numbers that other people published, as they published them: test accuracy in per cent."""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "SSNN-BP, the paper"


@dataclass(frozen=True)
class Published:
    """One published result.

    Attributes
    ----------
    method, network : as its authors call them.
    accuracy : in per cent. deviation : of it, where one was given.
    """

    method: str
    network: str
    accuracy: float
    deviation: float | None = None

    def __str__(self) -> str:
        """Return the accuracy as it was printed."""
        return f"{self.accuracy:.2f}" + (f" ± {self.deviation:.2f}" if self.deviation else "")


MNIST = (
    Published("BP-STDP", "784-500-150-10", 97.2),
    Published("S4NN", "784-400-10", 97.4),
    Published("Diehl et al., converted ANN", "784-1200-1200-10", 98.64),
    Published("Lee et al.", "784-300-300-10", 98.77),
    Published("HM2-BP", "784-800-10", 98.84),
)
"""The rows that the paper's Table 1 compares with."""

MNIST_PAPER = Published(PAPER, "784-1280-10", 98.65, 0.04)
MNIST_ANN = Published("ANN, the paper's", "784-1280-10", 98.67)

FASHION = (
    Published("HM2-BP", "784-800-10", 88.99),
    Published("ST-RSBP", "784-400-400-10, recurrent", 90.13),
)
BALANCED = (Published("HM2-BP", "784-800-47", 85.41),)
"""Of EMNIST's Balanced split, and of no other; the rows that Table 2 compares with."""

MSE, MSE_DROPOUT, SOFTMAX_DROPOUT, ANN = "MSE", "MSE + dropout", "softmax-CE + dropout", "ANN"
"""The paper's own rows in Table 2."""

TABLE2 = {
    "fashion": {
        SOFTMAX_DROPOUT: Published(PAPER, "784-1280-10", 90.5, 0.2),
        ANN: Published("ANN, the paper's", "784-1280-10", 90.8, 0.1),
    },
    "emnist-balanced": {
        MSE: Published(PAPER, "784-1280-47", 81.26, 0.04),
        MSE_DROPOUT: Published(PAPER, "784-1280-47", 84.48, 0.04),
        SOFTMAX_DROPOUT: Published(PAPER, "784-1280-47", 85.76, 0.15),
        ANN: Published("ANN, the paper's", "784-1280-47", 86.0, 0.06),
    },
}
