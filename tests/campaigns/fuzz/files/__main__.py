"""``python -m tests.campaigns.fuzz.files``: fuzz every loader; ``--replay`` tries files again."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spikeloom import outputs
from spikeloom.interrupt import stoppable
from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.campaigns.provenance import stamp
from tests.paths import ROOT

from . import engines

KEPT = Path(__file__).parent / "corpus"
NAMES = (
    "idx-images", "idx-labels", "dataset", "picture", "configuration", "checkpoint",
    "paper-checkpoint", "result", "paper-readme", "board-readme", "nir", "cache-entry",
)  # fmt: skip


def main() -> int:
    """Run the command line; 1 where anything was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.fuzz.files",
        description=__doc__,
        formatter_class=HelpWithDefaults,
    )
    parser.add_argument(
        "--seconds", type=at_least(1), default=60, help="of all loaders together, 1 each at least"
    )
    parser.add_argument("--target", choices=NAMES, action="append", help="only these loaders")
    parser.add_argument(
        "--engine",
        choices=(engines.GUIDED, engines.PLAIN),
        default=engines.available(),
        help="how it searches",
    )
    parser.add_argument("--seed", type=at_least(0), help="of the search; another every time")
    parser.add_argument(
        "--out", type=outputs.folder, default=str(ROOT / "build" / "fuzz"), help="for findings"
    )
    parser.add_argument("--results", type=outputs.file, metavar="FILE", help="write counts as JSON")
    parser.add_argument("--replay", type=_input, nargs="+", help="inputs to try with one --target")
    parser.add_argument("--bound", type=at_least(1), default=1024, help="MiB a replay may take")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    names = chosen.target or list(NAMES)
    if chosen.replay:
        return replay(names[0], chosen.replay, chosen.bound << 20)
    engine = chosen.engine
    each = max(1, chosen.seconds // len(names))
    seed = chosen.seed if chosen.seed is not None else time.time_ns() % (1 << 32)
    if chosen.child:
        engines.search(names[0], engine, each, KEPT, chosen.out, seed)
        return 0
    command = shlex.join(["python", "-m", "tests.campaigns.fuzz.files", *sys.argv[1:]])
    kept = _kept(chosen.results)
    findings = 0
    for name in names:
        made_by = stamp(command) | {"engine": engine, "seed": seed}
        kept[name] = made_by | _run(name, engine, each, chosen.out, seed)
        findings += kept[name]["findings"]
        if chosen.results:
            chosen.results.write_text(json.dumps({"targets": kept}, indent=1) + "\n")
    return int(findings > 0)


def _input(name: str) -> Path:
    """Return the path of a file that is to be replayed, which must be there."""
    path = Path(name)
    try:
        path.open("rb").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot read {path}: {error.strerror}") from None
    return path


def _kept(path: Path | None) -> dict[str, Any]:
    """Return the last run of every target that a file of results holds."""
    return json.loads(path.read_text())["targets"] if path and path.is_file() else {}


def _run(name: str, engine: str, seconds: int, out: Path, seed: int) -> dict[str, Any]:
    """Search one target in a process of its own; tell and return what came of it.

    A search that hangs or breaks off is a finding as well.
    """
    print(f"{name}: searching for {seconds} s", flush=True)
    command = [
        sys.executable, "-m", "tests.campaigns.fuzz.files",
        "--child", "--target", name, "--engine", engine,
        "--seconds", str(seconds), "--out", str(out), "--seed", str(seed),
    ]  # fmt: skip
    limit = 10 * seconds + 300
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=limit
        )
    except subprocess.TimeoutExpired:
        print(f"{name}: did not end in {limit} s: a loader hangs")
        return {"files": 0, "seconds": seconds, "findings": 1}
    text = done.stdout + done.stderr
    runs = re.search(r"^Done (\d+) runs|^runs (\d+)$", text, re.MULTILINE)
    reached = re.findall(r"ft: (\d+)", text)
    found = [part.split("\nFINDING ")[0] for part in re.split(r"^FINDING ", text, flags=re.M)[1:]]
    if runs is None or done.returncode:
        print(f"{name}: the search broke off (status {done.returncode}):\n{text[-3000:]}")
        return {"files": 0, "seconds": seconds, "findings": 1}
    count = int(runs[1] or runs[2])
    extra = f", {reached[-1]} features reached" if reached else ""
    extra += f", seed {seed}"
    words = f"{count:,} files in {seconds} s by {engine}{extra}, {len(found)} findings"
    print(f"{name}: {words}", flush=True)
    for finding in found:
        print(f"  {out}/{finding[:2000]}")
    return {"files": count, "seconds": seconds, "findings": len(found)}


def replay(name: str, paths: list[Path], extra: int) -> int:
    """Let a loader read inputs in `extra` bytes of memory; print what it did with each."""
    from . import guard
    from .targets import TARGETS

    target, status = TARGETS[name], 0
    with TemporaryDirectory() as folder:
        guard.check(target, target.seeds()[0], Path(folder))
        guard.bound(extra)
        for path in paths:
            try:
                print(f"{path.name}: {guard.check(target, path.read_bytes(), Path(folder))}")
            except guard.FindingError as finding:
                print(f"{path.name}: {finding}")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(stoppable(main))
