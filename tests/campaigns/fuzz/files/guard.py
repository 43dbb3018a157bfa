"""What no file may make a loader do, and how it is noticed."""

from __future__ import annotations

import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.paths import ROOT

from .targets import Target

MEMORY = 256 << 20  # bytes that one small file may cost
SECONDS = 20.0  # of the processor, that one small file may cost

_STRAY = ("pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
_MOVING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "socket.")
# Modules that are imported late are read from these; a file has no say in which.
_CODE = tuple({str(ROOT), sys.prefix, sys.base_prefix, *filter(None, sys.path)})


class FindingError(AssertionError):
    """A file did what no file may; `signature` is the same for the same fault."""

    def __init__(self, target: str, what: str, where: str, detail: str) -> None:
        self.signature = f"{target}: {what} in {where}"
        super().__init__(f"{self.signature}\n{detail}")


class _Watch:
    """Records what is done between `start` and `stop`; a hook cannot be taken out again."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def start(self, folder: Path) -> None:
        self.seen, self._folder = [], str(folder)

    def stop(self) -> list[str]:
        self._folder = None
        return self.seen

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        folder = self._folder
        if folder is None:
            return
        if event == "open":
            path, mode = arguments[0], arguments[1]
            if not isinstance(path, str | bytes):
                return  # a descriptor: its opening was seen
            real = os.path.realpath(os.fsdecode(path)) if b"\0" not in os.fsencode(path) else ""
            reads = isinstance(mode, str) and not set(mode) & set("wax+")
            if real and not _inside(real, folder) and not (reads and _inside(real, *_CODE)):
                self.seen.append(f"open of {real}")
        elif event in _STRAY or event.startswith(_MOVING):
            self.seen.append(f"{event} of {arguments!r:.100}")


def _inside(path: str, *folders: str) -> bool:
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


_WATCH = _Watch()


def bound(extra: int) -> None:
    """Let this process have `extra` bytes of address space more than it has, and no more."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size + extra, hard))


def check(target: Target, data: bytes, folder: Path) -> str:
    """Let a loader read one input; return ``loaded`` or ``refused``.

    Parameters
    ----------
    data : as `Target.write` takes it.
    folder : an empty one, of this input alone; it is emptied again.

    Raises
    ------
    FindingError : the loader did anything else.
    """
    target.write(data, folder)
    peak, began = _peak(), time.process_time()
    outcome, failure = "loaded", None
    _WATCH.start(folder.resolve())
    try:
        target.load(folder)
    except target.errors:
        outcome = "refused"
    except Exception as error:
        failure = error
    finally:
        seen = _WATCH.stop()
        for path in folder.iterdir():
            path.unlink()
    if failure is not None:
        text = "".join(traceback.format_exception(failure, limit=-6))
        raise FindingError(target.name, type(failure).__name__, _where(failure), text[-3000:])
    if seen:
        raise FindingError(target.name, seen[0].split(" of ")[0], "an audit", "\n".join(seen))
    if (grown := _peak() - peak) > MEMORY:
        raise FindingError(target.name, "too much memory", "all", f"{grown >> 20} MiB")
    if (took := time.process_time() - began) > SECONDS:
        raise FindingError(target.name, "too much time", "all", f"{took:.1f} s")
    return outcome


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _where(error: BaseException) -> str:
    """Name the innermost function of the project that an exception came through."""
    place = "no file of the project"
    for frame, _ in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ("golden", "sim"):
            place = f"{path.relative_to(ROOT).as_posix()}:{frame.f_code.co_name}"
    return place
