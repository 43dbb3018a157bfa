"""Mutants of the RTL that Yosys chooses, run against the benches; `make mutants` runs them all."""
