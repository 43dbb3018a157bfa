"""The byte protocol by itself: its numbers, its encodings, what it documents."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.golden import datasets
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.golden.spec.protocol import Feature, Identity, Opcode
from tests.support.configurations import table
from tests.support.golden_transport import GoldenTransport


def test_the_table_of_commands_holds_every_opcode():
    found = re.findall(r"^(0x\w\w)   (\w+) ", protocol.__doc__, re.MULTILINE)
    assert {name: int(code, 16) for code, name in found} == dict(Opcode.__members__)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 8, 255]), min_size=1, max_size=300))
def test_an_image_survives_its_encoding(pixels: list[int]):
    core = GoldenTransport(
        machine(from_dict(table(image=[1, len(pixels)], sizes=[len(pixels), 5, 3])))
    )
    command = protocol.encode_image(bytes(pixels))
    assert core._load(command) == len(command)
    assert core._image.tolist() == pixels


def test_an_average_digit_takes_as_many_bytes_as_documented():
    images = datasets.load("mnist").test.images[:2000]
    mean = np.mean([len(protocol.encode_image(each.tobytes())) for each in images])
    (documented,) = re.findall(r"MNIST\s+digit takes (\d+) bytes", protocol.encode_image.__doc__)
    assert mean == pytest.approx(int(documented), rel=0.05)


def test_the_digest_is_the_crc32_whose_check_value_is_published():
    assert protocol.weights_digest([b"1234", b"56789"]) == 0xCBF43926


@pytest.mark.parametrize("features", [Feature(0), Feature.COUNTERS])
def test_an_identity_survives_its_packing(features: Feature):
    identity = Identity(1, 2, features, "0123456789abcdef", "76543210")
    assert Identity.unpack(identity.pack()) == identity


@pytest.mark.parametrize("reply", [b"SPKX" + bytes(12), b"SPKL"])
def test_an_identity_without_its_magic_is_refused(reply: bytes):
    with pytest.raises(ValueError, match="does not start with b'SPKL': not a spikeloom core"):
        Identity.unpack(reply)
