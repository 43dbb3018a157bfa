"""Our models of two-port block RAMs do what their makers document, and nothing kinder."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.boards.devices import Family
from tests.support.block_ram import (
    ADDRESS_A,
    ADDRESS_B,
    CELL,
    DATA_A,
    DATA_B,
    ENABLE_B,
    FORMS,
    SELECT_A,
    SELECT_B,
    WORD,
    WRITE_B,
    Form,
    TwoPorts,
)
from tests.support.cell_bench import Cells

OPERATIONS = 1500


def operations(rng: np.random.Generator, count: int) -> list[dict[str, int]]:
    """Draw operations that often meet: few places, all on the same bytes."""
    result = []
    for _ in range(count):
        flags = sum(int(rng.random() < p) << k for k, p in enumerate((0.9, 0.5, 0.04, 0.7) * 2))
        place = int(rng.integers(4)) << 5
        fields = {"f0": flags}
        for select, address in ((SELECT_A, ADDRESS_A), (SELECT_B, ADDRESS_B)):
            fields[f"f{select}"] = int(rng.choice([0, 0, 3, 5, 6]))
            fields[f"f{address}"] = place ^ int(rng.integers(64) if rng.random() < 0.5 else 0)
        fields[f"f{DATA_A}"] = int(rng.integers(1 << 36))
        fields[f"f{DATA_B}"] = int(rng.integers(1 << 18))
        result.append(fields)
    return result


@pytest.fixture(scope="module", params=list(FORMS))
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


def two_ports(family: Family, power_up: int) -> Cells:
    return Cells(family, [CELL[family](form) for form in FORMS[family]], power_up)


def test_block_ram_does_what_its_guide_says(family: Family, rng: np.random.Generator, seed: int):
    cells = two_ports(family, seed)
    models = [TwoPorts(family, form) for form in FORMS[family]]
    compared = np.zeros((len(models), 2), np.int64)
    for number, fields in enumerate(operations(rng, OPERATIONS)):
        for index, (model, shown) in enumerate(zip(models, cells.clock(**fields), strict=True)):
            model.clock(fields)
            for port in (0, 1):
                word = WORD[family](model.form, port, shown)
                if word is None:
                    continue
                for k, bit in enumerate(model.shown[port][: (model.form.a, model.form.b)[port]]):
                    if bit is not None:
                        compared[index, port] += 1
                        assert word >> k & 1 == bit, (number, model.form, port, k)
    cells.close()
    widths = [(form.a if form.a < 36 else 0, form.b) for form in FORMS[family]]
    assert (compared >= OPERATIONS // 8 * np.minimum(widths, 1)).all(), "hardly anything is said"


def test_a_word_read_and_written_at_once_is_worth_nothing(
    family: Family, rng: np.random.Generator, seed: int
):
    cells = two_ports(family, seed)
    models = [TwoPorts(family, form) for form in FORMS[family]]
    bits, as_before = np.zeros(len(models)), np.zeros(len(models))
    for fields in operations(rng, OPERATIONS):
        # What is stored is only known if both ports never write at once.
        fields["f0"] &= ~(1 << WRITE_B)
        answers = cells.clock(**fields)
        for index, (model, shown) in enumerate(zip(models, answers, strict=True)):
            old = model.old(model.places(1, fields[f"f{ADDRESS_B}"]))
            model.clock(fields)
            word = WORD[family](model.form, 1, shown)
            if not model.collided[1] or model.form.register:
                continue
            known = [k for k, bit in enumerate(old) if bit is not None]
            bits[index] += len(known)
            as_before[index] += sum(word >> k & 1 == old[k] for k in known)
    cells.close()
    tested = [index for index, form in enumerate(FORMS[family]) if not form.register]
    assert (bits[tested] > 0).all()
    assert bits[tested].sum() > 1500
    share = as_before[tested].sum() / bits[tested].sum()
    assert 0.45 < share < 0.55, f"{share:.1%} of the bits are as before"


def contents(family: Family, power_up: int) -> list[int]:
    """Return what a block starts with, 16 words of 18 bits."""
    cells = Cells(family, [CELL[family](Form(18, 18))], power_up)
    words = [
        cells.clock(f0=1 << ENABLE_B, **{f"f{ADDRESS_B}": 16 * k})[0]["DOB"] for k in range(16)
    ]
    cells.close()
    return words


def test_a_block_starts_with_what_its_seed_says(family: Family):
    first, again, other = (contents(family, power_up) for power_up in (7, 7, 8))
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))
    assert len(set(first)) > 12
