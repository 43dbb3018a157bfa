"""Downloads of the paper's data sets, from a server of the test's own."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom.golden import datasets
from tests.paper import images
from tests.paper.errors import PaperError
from tests.support.idx import idx


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a folder; give its address and the folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/", folder
        serving.shutdown()
        thread.join()


def fill(folder: Path) -> dict[str, Any]:
    """Put stand-ins of both downloads into a folder; return what `images.download` is told."""
    rng, md5s, archive = np.random.default_rng(1), [], zipfile.ZipFile(folder / "e.zip", "w")
    with archive:
        for part in images.PARTS:
            shape = (12, 28, 28) if "images" in part else (12,)
            content = gzip.compress(idx(rng.integers(0, 10, shape, np.uint8)), mtime=0)
            (folder / f"{part}.gz").write_bytes(content)
            md5s.append(hashlib.md5(content, usedforsecurity=False).hexdigest())
            theirs = part.replace("t10k", "emnist-balanced-test")
            theirs = theirs.replace("train-", "emnist-balanced-train-")
            archive.writestr(f"gzip/{theirs}.gz", content)
    content = (folder / "e.zip").read_bytes()
    emnist = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return {"fashion_md5": md5s, "emnist_md5": emnist}


@pytest.mark.extra("paper")
def test_a_download_is_checked_unpacked_and_not_repeated(tmp_path: Path, server: tuple[str, Path]):
    url, folder = server
    told = fill(folder) | {"fashion_url": url, "emnist_url": f"{url}e.zip"}
    found = images.download(tmp_path / "cache", **told)
    assert list(found) == ["fashion", "emnist-balanced"]
    for path in found.values():
        assert datasets.load(path).train.images.shape == (12, 28, 28)
    for path in folder.iterdir():
        path.unlink()
    assert images.download(tmp_path / "cache", **told) == found


@pytest.mark.extra("paper")
def test_a_download_of_something_else_is_refused(tmp_path: Path, server: tuple[str, Path]):
    url, folder = server
    told = fill(folder) | {"fashion_url": url, "emnist_url": f"{url}e.zip"}
    (folder / f"{images.PARTS[0]}.gz").write_bytes(b"something else")
    with pytest.raises(PaperError, match=r"could not be fetched: MD5 hash .*--data DIR"):
        images.download(tmp_path / "cache", **told)


@pytest.mark.extra("paper")
def test_a_download_without_a_network_is_told(tmp_path: Path):
    with pytest.raises(PaperError, match=r"http://127\.0\.0\.1:9/.* could not be fetched: "):
        images.download(tmp_path / "cache", fashion_url="http://127.0.0.1:9/")
