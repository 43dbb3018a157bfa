"""Every figure and table of the paper that is remade here, by name."""

from __future__ import annotations

from tests.paper import activity, curves, product, tables
from tests.paper.exhibit import Exhibit

EXHIBITS: dict[str, Exhibit] = {
    exhibit.name: exhibit
    for exhibit in (
        product.FIGURE,
        activity.FIGURE,
        curves.FIGURE6,
        curves.FIGURE7,
        curves.FIGURE8,
        tables.TABLE1,
        tables.TABLE2,
    )
}
