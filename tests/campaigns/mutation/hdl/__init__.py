"""Mutants of the netlists that Yosys makes of the RTL, run against the benches."""
