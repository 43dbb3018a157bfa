"""The learning rules: one file each, with its equations and its source.

`golden.learning` calls what they do at the points of a training sample; nothing else knows which
rule there is.
"""
