"""Mutants that a tool chooses, of the RTL's netlists (`hdl`) and of the golden model (`golden`),
and faults that we planted (`planted`): the tests must notice them.
"""
