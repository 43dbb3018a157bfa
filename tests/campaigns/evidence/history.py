"""What git knows: how many commits came to some files after a result was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.campaigns.evidence.found import Made
from tests.campaigns.provenance import git


class History:
    """The commits of the repository that a folder lies in.

    Attributes
    ----------
    head : the commit that is checked out; None where there is no repository.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(git(folder, "rev-parse", "--show-toplevel") or folder)
        self.head = git(self._folder, "rev-parse", "--short=12", "HEAD")

    def remark(self, made: Made, paths: Sequence[str]) -> str | None:
        """Say why a result may not be one of the files as they are now; None where it is."""
        if made.commit is not None:
            asked = (f"{made.commit}..HEAD",)
            when = f"commit {made.commit[:12]}"
        elif made.date is not None:
            asked = (f"--since={made.date}", "HEAD")
            when = made.date
        else:
            return "when it was made is not known"
        if self.head is None:
            return None
        count = git(self._folder, "rev-list", "--count", *asked, "--", *paths)
        if count is None:
            return f"made at {when}, which is not in this repository"
        if count == "0":
            return "made with changes that were not committed" if made.changed else None
        word = "commit" if count == "1" else "commits"
        files = ", ".join(path.removeprefix(":(glob)") for path in paths)
        return f"out of date: {count} {word} to {files} since {when}"
