"""``python -m tests.support.notebooks``: run the examples and keep what their cells gave.

Bars and logs are left out: they are of the machine that ran them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.paths import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

_LOGS = ("Amaranth", "Yosys", "nextpnr", "seed ", "Verilator", "C++", "built ", "simulating")
_WIDGET = "application/vnd.jupyter.widget-view+json"


def run(path: Path, folder: Path) -> Any:
    """Run a notebook in a new kernel, in `folder`; return it with its outputs.

    Raises nbclient's CellExecutionError where a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=None, resources=where).execute()
    return notebook


def _kept(output: Any) -> bool:
    if output["output_type"] == "stream":
        return not output["text"].startswith(_LOGS)
    return _WIDGET not in output.get("data", ())


def main() -> None:
    """Run all and write them."""
    import nbformat

    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            notebook = run(path, Path(folder))
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # times
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if _kept(output)]
        notebook.metadata.pop("widgets", None)
        nbformat.write(notebook, path)
        print(f"{path}: {len(notebook.cells)} cells")


if __name__ == "__main__":
    main()
