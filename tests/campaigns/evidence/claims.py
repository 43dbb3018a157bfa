"""The claims of the project: each with the command that shows it, and where its results lie."""

from __future__ import annotations

from dataclasses import dataclass

from tests.campaigns.evidence import found
from tests.campaigns.evidence.found import Reader

TESTS = "tests.json"
"""Summary of the last run of the tests, which ``make evidence`` writes."""

GOLDEN = (":(glob)golden/*.py", "golden/spec")
RTL = ("hdl", "golden/spec")
BOTH = (*GOLDEN, "hdl")

_LEAST = 0.97


@dataclass(frozen=True)
class Claim:
    """Something that the project says of itself.

    Attributes
    ----------
    subject : under which it is listed. text : the claim.
    command : shows it, and writes the results.
    results : pattern of file names within the folder of results.
    read : takes the JSON of one of them.
    about : git's names of files, from the top of the repository; a result that is older than any
        of them is out of date.
    """

    subject: str
    text: str
    command: str
    results: str
    read: Reader
    about: tuple[str, ...]


def _tests(subject: str, text: str, about: tuple[str, ...], *modules: str) -> Claim:
    command = (
        "make test PYTEST_ADDOPTS=--junit-xml=build/tests.xml; "
        'make evidence EVIDENCE="--tests build/tests.xml"'
    )
    named = tuple(f"test_{module}" for module in modules)
    return Claim(subject, text, command, TESTS, found.tested(named), (*about, "tests"))


CLAIMS = (
    _tests(
        "Same bits",
        "The golden model computes the stated equations, held to an independent machine and to "
        "hand-made cases.",
        GOLDEN,
        *("lfsr", "encoder", "neuron", "wta", "crossbar", "learning", "network", "initial", "spec"),
    ),
    _tests(
        "Same bits",
        "RTL and golden model reach the same bits: spike counts, weights, random streams.",
        BOTH,
        *("lockstep", "cosim", "rtl_engine", "engine", "hdl_core", "hdl_fuzz", "hdl_lfsr"),
        *("hdl_encoder", "hdl_neuron", "hdl_wta", "hdl_crossbar", "hdl_learning", "hdl_weights"),
    ),
    Claim(
        "Same bits",
        "They do on random networks, images, commands and back-pressure.",
        'make fuzz FUZZ="--minutes 60 --results results/fuzz.json"',
        "fuzz.json",
        found.fuzzed("differential", "cases"),
        (*BOTH, "tests/campaigns/fuzz"),
    ),
    Claim(
        "Proofs",
        "Generators, spike lists, folds, crossbar writes, neurons, inhibition and frames keep the "
        "properties that `make formal` lists, whatever their inputs are.",
        'make formal FORMAL="--results results/formal.json"',
        "formal.json",
        found.proved,
        (*RTL, "tests/campaigns/formal"),
    ),
    Claim(
        "Tests that can fail",
        "The benches notice faults in the synthesised netlists.",
        "make mutants MUTANTS=hdl",
        "mutants.json",
        found.mutated(_LEAST),
        (*RTL, "tests/campaigns/mutation/hdl"),
    ),
    Claim(
        "Tests that can fail",
        "The tests notice faults in the golden model.",
        "make mutants MUTANTS=golden",
        "mutants-golden.json",
        found.mutated(_LEAST),
        (*GOLDEN, "tests/campaigns/mutation/golden"),
    ),
    Claim(
        "Faults",
        "A flip-flop or memory bit that flips while the chip learns never hangs it for good: a "
        "reset by command (RESET, or the link's OPEN) and its weights loaded again clear it.",
        'make upsets UPSETS="tiny --flips 2400 --out results/upsets"',
        "upsets/table-*.json",
        found.upset,
        (*RTL, "tests/campaigns/upsets"),
    ),
    Claim(
        "Faults",
        "Training that is killed at any moment leaves a checkpoint that goes on to the same bits.",
        "make crash",
        "crash.json",
        found.crashed,
        (
            *(*GOLDEN, "golden/paper/training.py", "golden/paper/checkpoint.py"),
            *(
                "spikeloom/checkpoint.py",
                "spikeloom/training.py",
                "spikeloom/cli/train.py",
                "tests/campaigns/crash/__main__.py",
            ),
        ),
    ),
    Claim(
        "Bad input",
        "Random bytes, cut and flipped frames change no weight and hang neither side; the next "
        "good frame is answered.",
        'make fuzz FUZZ="--target protocol --minutes 60 --results results/fuzz.json"',
        "fuzz.json",
        found.fuzzed("protocol", "cases"),
        ("hdl", "boards", "golden/spec"),
    ),
    Claim(
        "Bad input",
        "Every loader refuses a bad file by name: in bounded memory, without pickles, and without "
        "looking outside its folder.",
        "python -m tests.campaigns.fuzz.files --seconds 600 --results results/fuzz-files.json",
        "fuzz-files.json",
        found.read_files,
        (
            *("golden/files.py", "golden/datasets", "golden/spec", "golden/paper/checkpoint.py"),
            *(
                "spikeloom/checkpoint.py",
                "spikeloom/cache.py",
                "tests/paper/store.py",
                "tests/campaigns/fuzz",
            ),
        ),
    ),
    Claim(
        "The paper",
        "Its figures and tables are remade, each run with its configuration and commit.",
        "make paper FIG=all",
        "paper/*.json",
        found.remade,
        ("golden/paper", "tests/paper"),
    ),
    _tests(
        "Supply",
        "All that CI installs is locked to versions and hashes, and has its licence listed.",
        ("requirements-ci.lock", "pyproject.toml", "LICENCES.md"),
        "supply",
    ),
    Claim(
        "Supply",
        "No advisory is known against a locked version.",
        "make audit",
        "audit.json",
        found.audited,
        ("requirements-ci.lock",),
    ),
    _tests(
        "All of it", "The whole test-suite passes.", ("golden", "hdl", "boards", "sim", "spikeloom")
    ),
)
