"""One run of a tool: files in, files out, its log kept; done once per content."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spikeloom import cache
from spikeloom.boards.tools import Tool
from spikeloom.errors import SpikeloomError

LOG = "log"
_SECONDS = "seconds"
_ERROR = re.compile(r"^(ERROR|error|Error)\b|Traceback|^terminate called|Assertion|assertion")
_LINES = 6

Log = Callable[[str], None]


class StopTool(Exception):  # noqa: N818 - a request, not an error
    """What a watcher raises to end a tool that would only waste time: a `StepError` follows."""


class StepError(SpikeloomError, RuntimeError):
    """A tool failed: which, the lines in which it says why, and where its log is.

    Attributes
    ----------
    tool : its name. output : all that it printed. log : the file that holds this.
    """

    def __init__(self, tool: str, status: int, output: str, log: Path) -> None:
        lines = [line.strip() for line in output.splitlines() if line.strip() and line[:2] != "$ "]
        errors = [line for line in lines if _ERROR.search(line)][:_LINES]
        told = "\n  ".join(errors or lines[-_LINES:] or ["(it printed nothing)"])
        super().__init__(f"{tool} failed with status {status}:\n  {told}\nall its output: {log}")
        self.tool, self.output, self.log = tool, output, log


@dataclass(frozen=True)
class Step:
    """A tool, its arguments, what it reads and what it writes.

    Attributes
    ----------
    arguments : file names among them are names in `inputs` and `outputs`, without a folder.
    inputs : name to content, or to a file that holds it.
    outputs : names of what must be there afterwards.
    """

    tool: Tool
    arguments: tuple[str, ...]
    inputs: dict[str, str | Path]
    outputs: tuple[str, ...]

    def key(self) -> str:
        """Return the digest of everything that decides the outputs."""
        files = [f"{name} {_digest(content)}" for name, content in sorted(self.inputs.items())]
        return cache.digest([self.tool.version, *self.arguments, *files, "to", *self.outputs])


def _digest(content: str | Path) -> str:
    data = content.read_bytes() if isinstance(content, Path) else content.encode()
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Done:
    """A step that has run. `folder` holds its outputs and its log."""

    folder: Path

    @property
    def seconds(self) -> float:
        """How long the tool took."""
        return float((self.folder / _SECONDS).read_text())

    @property
    def log(self) -> Path:
        """Everything that the tool printed."""
        return self.folder / LOG

    def __getitem__(self, name: str) -> Path:
        """Return the path of an output."""
        return self.folder / name


def run(step: Step, folder: Path, say: Log, what: str, watch: Log | None = None) -> Done:
    """Return the outputs of a step, running the tool only where `folder` lacks them.

    Any number of processes may ask at once: one runs the tool, the others wait.

    Parameters
    ----------
    folder : that holds all steps' outputs. say : told `what` when the tool starts.
    watch : given each line that the tool prints; may raise `StopTool`.

    Raises
    ------
    StepError : the tool failed, or wrote less than it should have.
    OutputError : see `spikeloom.cache.entry`.
    """
    place = folder / f"{step.tool.name}-{step.key()}"

    def make(work: Path) -> tuple[str, ...]:
        say(what)
        for name, content in step.inputs.items():
            if isinstance(content, Path):
                shutil.copyfile(content, work / name)
            else:
                (work / name).write_text(content)
        (work / _SECONDS).write_text(str(_call(step, work, place, watch)))
        return (*step.outputs, LOG, _SECONDS)

    return Done(cache.entry(place, make))


def _call(step: Step, work: Path, place: Path, watch: Log | None) -> float:
    """Run the tool; return its seconds, or raise with its log kept."""
    started = time.monotonic()
    status = _follow([step.tool.path, *step.arguments], work, watch)
    missing = [name for name in step.outputs if not (work / name).is_file()]
    if status or missing:
        output = (work / LOG).read_text(errors="replace")
        if not status:
            output += f"\nERROR: it did not write {', '.join(missing)}\n"
        raise StepError(step.tool.name, status, output, cache.keep_log(place, output))
    return time.monotonic() - started


def _follow(command: list[str], work: Path, watch: Log | None) -> int:
    """Run a command in `work`, its output into the log and line by line to `watch`."""
    with (work / LOG).open("w") as log:
        log.write(f"$ {' '.join(command)}\n")
        try:
            process = subprocess.Popen(
                command,
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            log.write(f"ERROR: {command[0]}: {error.strerror}\n")
            return 127
        with process:
            try:
                for line in process.stdout:
                    log.write(line)
                    log.flush()
                    if watch is not None:
                        watch(line)
            except StopTool as stop:
                process.kill()
                log.write(f"ERROR: stopped: {stop}\n")
            except BaseException:
                process.kill()
                raise
        return process.returncode
