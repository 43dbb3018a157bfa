"""Two searches for bad files: guided by branches (Atheris), and by Hypothesis' mutations."""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

GUIDED = "atheris"
PLAIN = "hypothesis"

# The loaders and what parses for them; instrumenting more only slows them down.
_TRACED = [
    "spikeloom.golden.datasets", "spikeloom.golden.spec.network", "spikeloom.golden.spec.schema",
    "spikeloom.golden.paper.checkpoint", "spikeloom.checkpoint", "tests.paper.store",
    "tests.paper.readme", "spikeloom.boards.table",
    "tomllib", "json", "zipfile", "gzip", "PIL", "numpy.lib",
]  # fmt: skip
_LONGEST = 8192  # bytes of an input


def available() -> str:
    """Name the better search that is installed."""
    return GUIDED if importlib.util.find_spec("atheris") else PLAIN


def search(name: str, engine: str, seconds: int, kept: Path, found: Path, start: int) -> None:
    """Look for inputs of a target that raise a `FindingError`; keep one a signature in `found`.

    This process is used up: its memory is bounded, its modules may be instrumented, and a guided
    search ends it. It prints a line ``runs N`` when it ends by itself.

    Parameters
    ----------
    kept : folder of the kept inputs of all targets.
    start : seed of the search, below 2**32.
    """
    if engine == GUIDED:
        import atheris

        with atheris.instrument_imports(include=_TRACED):
            from . import targets
    from . import guard, targets
    from .known import KNOWN

    target = targets.TARGETS[name]
    seeds = target.seeds() + [path.read_bytes() for path in sorted((kept / name).glob("*"))]
    seen = set(KNOWN)
    with TemporaryDirectory() as made:
        folder = Path(made)

        def one(data: bytes) -> None:
            try:
                guard.check(target, data, folder)
            except guard.FindingError as finding:
                if finding.signature in seen:
                    return
                seen.add(finding.signature)
                path = found / f"{name}-{sha256(data).hexdigest()[:12]}"
                path.write_bytes(data)
                print(f"FINDING {path.name} {finding}", flush=True)

        for seed in seeds:  # imports and first allocations come before the bound
            one(seed)
        guard.bound(1 << 30)
        if engine == GUIDED:
            _guided(one, seconds, seeds, target.words, found / f".{name}", start)
        else:
            _plain(one, seconds, target, seeds, start)


def _guided(
    one: Callable[[bytes], None],
    seconds: int,
    seeds: list[bytes],
    words: tuple[bytes, ...],
    work: Path,
    start: int,
) -> None:
    import atheris

    corpus = work / "corpus"
    # what an earlier search has left there would change what the same seed finds
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    for seed in seeds:
        (corpus / sha256(seed).hexdigest()[:12]).write_bytes(seed)
    escaped = ["".join(f"\\x{byte:02x}" for byte in word) for word in words]
    (work / "words").write_text("".join(f'"{word}"\n' for word in escaped))
    options = [
        f"-seed={start}", f"-max_total_time={seconds}", f"-max_len={_LONGEST}",
        f"-dict={work / 'words'}", "-rss_limit_mb=0",
        "-malloc_limit_mb=0", f"-artifact_prefix={work}/",
    ]  # fmt: skip
    atheris.Setup(["fuzz", *options, str(corpus)], one)
    atheris.Fuzz()


def _plain(
    one: Callable[[bytes], None], seconds: int, target: object, seeds: list[bytes], start: int
) -> None:
    from hypothesis import HealthCheck, Phase, given, seed, settings

    from . import mutate

    runs, end = 0, time.monotonic() + seconds

    def body(data: bytes) -> None:
        nonlocal runs
        if time.monotonic() < end:
            runs += 1
            one(data)

    quiet = settings(
        max_examples=500, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    batch = start
    while time.monotonic() < end:
        seed(batch)(quiet(given(mutate.inputs(target, seeds))(body)))()
        batch += 1
    print(f"runs {runs}", flush=True)
