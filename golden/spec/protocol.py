"""The byte protocol of the core: commands in, replies out, little-endian throughout.

=====  =============  =============================================  ============================
code   command        bytes that follow                              reply
=====  =============  =============================================  ============================
0x00   NOP            none                                           none
0x01   IDENTIFY       none                                           "SPKL", version u8, depth u8,
                                                                     features u16, digests of
                                                                     configuration (8 bytes) and
                                                                     register map (4 bytes)
0x02   READ           register u8                                    u32
0x03   WRITE          register u8, u32                               none
0x04   IMAGE          tokens up to and with 0x00 (`encode_image`)    none
0x05   TRAIN          label u16                                      counts u16 per class, class
                                                                     u16, steps run u16
0x06   INFER          none                                           as TRAIN
0x07   READ_WEIGHTS   layer u8 (from 1), row u16, rows u16           rows * n_post of i16
0x08   WRITE_WEIGHTS  layer u8, row u16, rows u16, rows * n_post     none
                      of i16
0x09   DIGEST         none                                           u32
0x0A   RESET          none                                           none
=====  =============  =============================================  ============================

IMAGE fills the spare one of two image buffers in place of what it held, also while a sample runs;
TRAIN and INFER take that buffer and let the next command in at once. An image is used once: without
a new one the next sample is blank. Every other command waits until the core is idle. Replies come
in the order of the commands. RESET puts streams, registers and counters back to their power-up
values and forgets the loaded image; weights stay.

What cannot be carried out sets a bit of the STATUS register: an unknown code is skipped; pixels
beyond the image are skipped; a label that is no class trains class 0; rows beyond the crossbar are
not written and read as zeros; weights of a layer that is not there are neither expected nor sent.

The digest is CRC-32 (the one of zlib) over all weights as i16, crossbar by crossbar, row-major.
"""

from __future__ import annotations

import enum
import re
import struct
import zlib
from dataclasses import dataclass

MAGIC = b"SPKL"
VERSION = 4
IDENTITY_BYTES = 20


class Opcode(enum.IntEnum):
    """First byte of a command."""

    NOP = 0x00
    IDENTIFY = 0x01
    READ = 0x02
    WRITE = 0x03
    IMAGE = 0x04
    TRAIN = 0x05
    INFER = 0x06
    READ_WEIGHTS = 0x07
    WRITE_WEIGHTS = 0x08
    DIGEST = 0x09
    RESET = 0x0A


class Feature(enum.IntFlag):
    """What a core has beside the network."""

    COUNTERS = 1


class Status(enum.IntFlag):
    """Bits of the STATUS register; they stay until counters are cleared."""

    BAD_OPCODE = 1
    BAD_PIXEL = 2
    BAD_ROW = 4
    BAD_LABEL = 8


SKIP_BITS, LITERAL_BITS = 5, 3
SKIP_MAX, LITERAL_MAX = (1 << SKIP_BITS) - 1, (1 << LITERAL_BITS) - 1
_TOKEN = re.compile(rb"(\x00{0,%d})([^\x00]{0,%d})" % (SKIP_MAX, LITERAL_MAX), re.DOTALL)


def encode_image(pixels: bytes) -> bytes:
    """Return the IMAGE command for raster-order pixels, lossless.

    Each token is a header byte, zeros to skip (bits 7..3) and literals that follow (bits 2..0),
    then the literals; header 0x00 ends the image, what is left of it is zero. An average MNIST
    digit takes 188 bytes.
    """
    out = bytearray([Opcode.IMAGE])
    for token in _TOKEN.finditer(pixels.rstrip(b"\0")):
        zeros, literals = token.groups()
        if zeros or literals:
            out.append(len(zeros) << LITERAL_BITS | len(literals))
            out += literals
    out.append(0)
    return bytes(out)


@dataclass(frozen=True)
class Identity:
    """What a core says of itself: `digest` of its configuration, `registers` of their map."""

    version: int
    depth: int
    features: Feature
    digest: str
    registers: str

    def pack(self) -> bytes:
        """Return the reply to IDENTIFY."""
        head = struct.pack("<BBH", self.version, self.depth, self.features)
        return MAGIC + head + bytes.fromhex(self.digest + self.registers)

    @classmethod
    def unpack(cls, reply: bytes) -> Identity:
        """Read the reply to IDENTIFY; `ValueError` if it does not start with the magic."""
        if len(reply) != IDENTITY_BYTES or reply[:4] != MAGIC:
            raise ValueError(f"{reply!r} does not start with {MAGIC!r}: not a spikeloom core")
        version, depth, features = struct.unpack("<BBH", reply[4:8])
        return cls(version, depth, Feature(features), reply[8:16].hex(), reply[16:].hex())


def read(address: int) -> bytes:
    """Return the command that reads a register."""
    return bytes([Opcode.READ, address])


def write(address: int, value: int) -> bytes:
    """Return the command that writes a register."""
    return struct.pack("<BBI", Opcode.WRITE, address, value)


def train(label: int) -> bytes:
    """Return the command that trains on the loaded image."""
    return struct.pack("<BH", Opcode.TRAIN, label)


def weights_header(opcode: Opcode, layer: int, row: int, rows: int) -> bytes:
    """Return the header of READ_WEIGHTS or WRITE_WEIGHTS."""
    return struct.pack("<BBHH", opcode, layer, row, rows)


def weights_digest(crossbars: list[bytes]) -> int:
    """Return the digest of all weights, given each crossbar as little-endian int16 bytes."""
    digest = 0
    for data in crossbars:
        digest = zlib.crc32(data, digest)
    return digest
