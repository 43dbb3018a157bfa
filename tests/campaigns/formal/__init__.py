"""Proofs about the blocks of the RTL, one file per concept; `make formal` runs them all."""
