"""How Yosys turns a design into the cells of an FPGA: one script, for bitstreams and simulation.

Amaranth says of every memory that it starts at 0 and that a read gives the old word where a write
hits the same one. Block RAM promises neither, and logic that makes it true costs more than the
memories themselves. The core asks for neither: so both are declared undefined here, and the tests
of `sim.rtl.netlist` train on netlists whose memories start, and answer collisions, at random.
"""

from __future__ import annotations

from pathlib import Path

from spikeloom.boards.devices import Family, Fpga

UNDEFINED = (
    # A clocked read port that meets a write may answer anything.
    "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:CLK_ENABLE=1 %i",
    "proc",
    "memory_collect",
    # Only what is never written keeps its contents.
    "setparam -set INIT 1'x t:$mem_v2 r:WR_PORTS>0 %i",
)
"""Commands that take from memories what silicon does not promise; before any other pass."""


def prepare(source: Path | str, top: str = "top", *, check: bool = True) -> tuple[str, ...]:
    """Return the commands that read a design in RTLIL, as Amaranth writes it, up to synthesis.

    check : stop at what is not there; a design with a vendor's cells, which are read later, has to
        go without.
    """
    return (
        f"read_rtlil {source}",
        f"hierarchy {'-check ' if check else ''}-top {top}",
        *UNDEFINED,
        "flatten",
        # Purged are the names of an array port's elements: ABC gives the same ones to its bits.
        "opt_clean -purge",
        *(("check -assert",) if check else ()),
    )


def synthesise(device: Fpga, top: str = "top", *, pads: bool = True) -> str:
    """Return the command that maps a prepared design to the cells of a device.

    Parameters
    ----------
    device : its multipliers and its single-port RAM are used where it has them.
    pads : whether ports become pins where Yosys adds the buffers (Gowin): not those of a part of a
        design.
    """
    options: list[str] = []
    if device.family == Family.ICE40:
        options += ["-device", "u" if device.sprams else "hx"]
        options += ["-dsp"] if device.dsps else []
        options += ["-spram"] if device.sprams else []
    elif device.family == Family.GOWIN:
        options += ["-family", "gw2a" if device.title.startswith("GW2A") else "gw1n"]
        options += [] if pads else ["-noiopads"]
    return " ".join((f"synth_{device.family}", *options, "-top", top))


def script(
    source: Path | str, device: Fpga, top: str = "top", *, pads: bool = True
) -> tuple[str, ...]:
    """Return all commands from RTLIL to cells; what writes the result comes after them."""
    return (*prepare(source, top), synthesise(device, top, pads=pads))
