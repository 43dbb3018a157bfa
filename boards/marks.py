"""A part of a text file that a command writes, between two marks."""

from __future__ import annotations

from pathlib import Path


def text_of(path: Path, option: str, wrong: type[Exception]) -> str:
    """Return the text of a file that a user named by an option; `wrong` says why there is none."""
    try:
        return path.read_text()
    except OSError as error:
        raise wrong(f"cannot read {path}: {error.strerror}; name another with {option}") from error
    except UnicodeDecodeError as error:
        raise wrong(f"{path} is no text: {error}; name another with {option}") from error


def put(text: str, begin: str, end: str, body: str) -> str:
    """Return `text` with `body` on lines of its own between its marks, both of which it has."""
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    return f"{before}{begin}\n{body}\n{end}{after}"
