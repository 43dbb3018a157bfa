"""Comparisons with constants, and saturation, in as few bits as the constant leaves."""

from __future__ import annotations

from amaranth import Mux, Value


def at_least(value: Value, limit: Value | int) -> Value:
    """Return `value >= limit`; zeros at the end of a constant need not be compared.

    value : signed.
    """
    if not isinstance(limit, int):
        return value >= limit
    zeros = (limit & -limit).bit_length() - 1 if limit else len(value) - 1
    zeros = min(zeros, len(value) - 1)
    return value[zeros:].as_signed() >= limit >> zeros


def at_most(value: Value, limit: int) -> Value:
    """Return `value <= limit`; zeros at the end of the constant are only looked at together."""
    zeros = (limit & -limit).bit_length() - 1 if limit else 0
    zeros = min(zeros, len(value) - 1)
    high = value[zeros:].as_signed()
    return (high < limit >> zeros) | ((high == limit >> zeros) & ~value[:zeros].any())


def clip(value: Value, limit: int) -> Value:
    """Return `value` (signed) held between -limit and +limit, `limit` all ones."""
    bits = limit.bit_length()
    if limit != (1 << bits) - 1:
        raise ValueError(f"limit = {limit} is not one less than a power of two")
    if len(value) <= bits + 1:
        return Mux(value == -limit - 1, -limit, value) if len(value) > bits else value
    sign, upper = value[-1], value[bits:-1]
    over = ~sign & upper.any()
    under = sign & (~upper.all() | ~value[:bits].any())
    return Mux(over, limit, Mux(under, -limit, value[: bits + 1].as_signed()))
