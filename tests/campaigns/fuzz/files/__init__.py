"""Fuzzing of everything that reads a file: ``python -m tests.campaigns.fuzz.files --seconds 60``.

Bad files may be refused by a loader's own errors, and nothing else may happen: no other exception,
no memory beyond a bound, no pickle, no process, no file outside the folder that was named.
"""
