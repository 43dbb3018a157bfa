"""The loaders that are fuzzed: what they read, which errors are their own, and sound files."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from spikeloom import checkpoint, nir
from spikeloom.boards import table as board_table
from spikeloom.cache import valid
from spikeloom.engines.engine import first_states
from spikeloom.errors import SpikeloomError
from spikeloom.golden import datasets, initial
from spikeloom.golden.datasets import DataError, idx, images
from spikeloom.golden.paper import checkpoint as paper_checkpoints
from spikeloom.golden.paper.config import PaperConfig
from spikeloom.golden.spec import network
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.nir import NirError
from spikeloom.run import Point, Run
from tests.paper import readme
from tests.paper.errors import PaperError
from tests.paper.images import PARTS
from tests.paper.job import Job
from tests.paper.store import Done, Store
from tests.support import nir_files

from . import container

Write = Callable[[bytes], bytes]


def _plain(data: bytes) -> bytes:
    return data


@dataclass(frozen=True)
class Target:
    """A loader.

    Attributes
    ----------
    errors : the only exceptions that it may raise.
    load : reads what lies in a folder.
    forms : file name and how an input becomes its content; an input's first byte chooses. Where
        there are several names, the rest of the input is a container of as many files.
    seeds : gives sound inputs.
    words : that its files are made of, for mutations.
    """

    name: str
    errors: tuple[type[Exception], ...]
    load: Callable[[Path], object]
    forms: tuple[tuple[str | tuple[str, ...], Write], ...]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()

    def write(self, data: bytes, folder: Path) -> None:
        """Write the files of an input into a folder."""
        name, form = self.forms[data[0] % len(self.forms) if data else 0]
        if isinstance(name, str):
            (folder / name).write_bytes(form(data[1:]))
        else:
            for part, (_, content) in zip(name, container.unpack(data[1:]), strict=False):
                (folder / part).write_bytes(form(content))


def _idx(count: int, *sizes: int) -> bytes:
    shape = (count, *sizes)
    elements = bytes(i % 7 for i in range(int(np.prod(shape))))
    return struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + elements


def _idx_seeds(*shape: int) -> list[bytes]:
    return [bytes([form]) + _idx(*shape) for form in (0, 2)] + [
        b"\1" + container.as_gzip(_idx(*shape))
    ]


_IDX_FORMS = (("data", _plain), ("data.gz", _plain), ("data.gz", container.as_gzip))
_IDX_WORDS = (b"\0\0\x08\x03", b"\0\0\x08\x01", b"\xff\xff\xff\xff", b"\0\x0f\x42\x40", b"\x1f\x8b")


def _any(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def _dataset_seeds() -> list[bytes]:
    files = (_idx(3, 2, 2), _idx(3), _idx(2, 2, 2), _idx(2))
    return [b"\0" + container.pack(dict(zip("abcd", files, strict=True)))]


def _pictures() -> list[bytes]:
    grey = np.full((12, 9), 250, np.uint8)
    grey[3:9, 4:6] = 10
    kinds = [
        ("PNG", Image.fromarray(grey)),
        ("PNG", Image.fromarray(np.dstack([grey, 255 - grey])).convert("RGBA")),
        ("GIF", Image.fromarray(grey).convert("P")),
        ("BMP", Image.fromarray(grey)),
        ("PPM", Image.fromarray(grey)),
        ("TIFF", Image.fromarray(grey.astype(np.float32))),
        ("TIFF", Image.fromarray(grey.astype(np.uint16) * 256)),
        ("JPEG", Image.fromarray(grey)),
    ]
    seeds = []
    for kind, picture in kinds:
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        seeds.append(b"\0" + buffer.getvalue())
    return seeds


@cache
def _tiny() -> checkpoint.Machine:
    return machine(network.load("tiny"))


def _saved(save: Callable[[Path], object]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        save(path)
        return path.read_bytes()


def _npz_seeds(archive: bytes) -> list[bytes]:
    members = container.members_of(archive)
    return [b"\0" + archive, b"\1" + members, b"\2" + members]


_NPZ_FORMS = (
    ("run.npz", _plain),
    ("run.npz", container.as_zip),
    ("run.npz", lambda data: container.as_zip(data, zipfile.ZIP_DEFLATED)),
)
_NPZ_WORDS = (
    b"\x93NUMPY\1\0", b"\x93NUMPY\2\0", b"'descr': '|O'", b"'shape': (1000000000000,)", b"<i2",
    b"<U5", b"<M8[s]", b"PK\3\4", b"PK\1\2", b"PK\5\6", b"()", b"(-1,)", b"True", b"[('a', '<i8')]",
)  # fmt: skip


def _checkpoint_seeds() -> list[bytes]:
    tiny = _tiny()
    run = Run(5, 2, 17, 217, 100, "00112233aabbccdd", [Point(0, 50, 5), Point(100, 50, 31)])
    made = checkpoint.Checkpoint(
        config=tiny.config,
        run=run,
        weights=initial.weights(tiny, 5),
        stream_states=first_states(tiny.config, 5),
    )
    return _npz_seeds(_saved(lambda path: checkpoint.save(path, made)))


_PAPER = PaperConfig(sizes=(4, 3, 2))


def _paper_seeds() -> list[bytes]:
    arrays = [np.ones((4, 3), np.float32), np.ones((3, 2), np.float32)]
    made = paper_checkpoints.Checkpoint(arrays, arrays, [0.5], [1.0])
    return _npz_seeds(
        _saved(lambda path: paper_checkpoints.save(path, _PAPER, "data", "numpy", made))
    )


def _configurations() -> list[bytes]:
    paths = network.shipped()
    return [b"\0" + paths[name].read_bytes() for name in ("tiny", "mnist-784-128-64-10")]


JOB = Job("float", {"sizes": [4, 3, 2], "seed": 1}, title="a run")


def _results() -> list[bytes]:
    done = Done({"accuracy": [0.5, 0.75], "seconds": [1.0, 2.0]}, 3.0, {"version": "0.1.0"})
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.save(JOB, done)
        return [b"\0" + store.path(JOB).read_bytes()]


def _readmes() -> list[bytes]:
    tables = f"{readme.begin('table1')}\n| a |\n{readme.end('table1')}\n"
    return [b"\0" + f"# x\n{tables}{board_table.BEGIN}\n{board_table.END}\n".encode()]


class StaleError(SpikeloomError):
    """A cache entry that is not taken."""


def _entry(folder: Path) -> None:
    if not valid(folder):
        raise StaleError


def _entries() -> list[bytes]:
    core = b"a simulator"
    manifest = b'{"core.so": "%s"}' % sha256(core).hexdigest().encode()
    return [b"\0" + container.pack({"manifest.json": manifest, "core.so": core})]


def _stages(path: Path) -> object:
    return nir.lower(nir.staged(nir.read(path), nir.profile("nir", dt=1e-4)))


def _nirs() -> list[bytes]:
    leaky = _saved(lambda path: nir_files.chain(path, 4, 3, 2))
    plain = _saved(lambda path: nir_files.chain(path, 4, 2, kind="IF", v_reset=np.zeros(2)))
    return [b"\0" + leaky, b"\0" + plain]


_TOML_WORDS = (
    b"[[layer]]", b"[random]", b"[neuron]", b" = ", b"nan", b"-inf", b"1e400", b"0x", b"'''",
    b"1979-05-27", b"true", b"[1, 2]", b"{a = 1}", b"\"\\u0000\"", b"sizes", b"image",
)  # fmt: skip
_JSON_WORDS = (
    b'"result": ',
    b'"kind": ',
    b'"seconds": ',
    b"null",
    b"NaN",
    b"1e999",
    b"[[",
    b"{}",
    b'"\\ud800"',
)

TARGETS = {
    target.name: target
    for target in (
        Target(
            "idx-images", (DataError,), lambda f: idx.read_images(_any(f)), _IDX_FORMS,
            lambda: _idx_seeds(3, 2, 2), _IDX_WORDS,
        ),
        Target(
            "idx-labels", (DataError,), lambda f: idx.read_labels(_any(f), classes=5), _IDX_FORMS,
            lambda: _idx_seeds(3), _IDX_WORDS,
        ),
        Target(
            "dataset", (DataError,), datasets.load, ((PARTS, _plain),), _dataset_seeds, _IDX_WORDS
        ),
        Target(
            "picture", (DataError,), lambda f: images.from_picture(_any(f)), (("x.png", _plain),),
            _pictures, (b"IHDR", b"IDAT", b"tRNS", b"%!PS-Adobe", b"GIF89a", b"P5 9 9 255 "),
        ),
        Target(
            "configuration", (ConfigError,), lambda f: network.load(_any(f)),
            (("my.toml", _plain),), _configurations, _TOML_WORDS,
        ),
        Target(
            "checkpoint", (checkpoint.CheckpointError,),
            lambda f: checkpoint.load(_any(f)), _NPZ_FORMS, _checkpoint_seeds, _NPZ_WORDS,
        ),
        Target(
            "paper-checkpoint", (paper_checkpoints.CheckpointError,),
            lambda f: paper_checkpoints.load(_any(f), _PAPER, "data", "numpy"),
            _NPZ_FORMS, _paper_seeds, _NPZ_WORDS,
        ),
        Target(
            "result", (PaperError,), lambda f: Store(f).load(JOB),
            ((f"{JOB.key}.json", _plain),), _results, _JSON_WORDS,
        ),
        Target(
            "paper-readme", (PaperError,), lambda f: readme.places(_any(f)),
            (("README.md", _plain),), _readmes, (b"<!-- paper: ", b", end -->"),
        ),
        Target(
            "board-readme", (board_table.TableError,), lambda f: board_table.check(_any(f)),
            (("README.md", _plain),), _readmes, (board_table.BEGIN.encode(),),
        ),
        Target(
            "nir", (NirError,), lambda f: _stages(_any(f)), (("a.nir", _plain),), _nirs,
            (b"\x89HDF", b"TREE", b"HEAP", b"SNOD", b"Affine", b"LIF", b"weight", b"v_threshold"),
        ),
        Target(
            "cache-entry", (StaleError,), _entry, ((("manifest.json", "core.so"), _plain),),
            _entries, (b'"../core.so"', b'"/etc/passwd"', b'"\\u0000"', b"[[", b'{"'),
        ),
    )
}  # fmt: skip
