"""Mutants of the golden model's code that cosmic-ray makes, run against the model's own tests."""
