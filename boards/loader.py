"""Programs a board with openFPGALoader."""

from __future__ import annotations

from pathlib import Path

from spikeloom.boards import tools
from spikeloom.boards.steps import Log
from spikeloom.boards.targets import Target
from spikeloom.errors import SpikeloomError

_MISSING = ("cannot open shared object", "error while loading shared libraries")
_NO_BOARD = ("unable to open ftdi device", "device not found", "no such device", "no cable")
_REFUSED = ("usb_open", "permission", "access denied", "insufficient")


class FlashError(SpikeloomError, RuntimeError):
    """The board was not programmed; says what openFPGALoader said, and what to do."""


def flash(target: Target, bitstream: Path, log: Log, *, keep: bool = False) -> None:
    """Program a board that is connected.

    Parameters
    ----------
    keep : write the board's flash memory, so that it starts with this bitstream from now on; else
        only its FPGA, until it loses power.

    Raises
    ------
    ToolError : openFPGALoader is missing. FlashError : it failed.
    """
    tool = tools.find("openFPGALoader")
    command = [tool.path, "--board", target.loader, *(["--write-flash"] if keep else [])]
    command.append(str(bitstream))
    log(f"openFPGALoader: {bitstream.name} to {target.title}")
    status, printed = tools.call(command)
    if status:
        raise FlashError(_explain(target, " ".join(command), printed))


def _explain(target: Target, command: str, output: str) -> str:
    """Say why a run of openFPGALoader failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = "\n  ".join(lines[-6:] or ["(it printed nothing)"])
    lower = output.lower()
    advice = "run it by hand to see more"
    if any(word in lower for word in _MISSING) or "ImportError" in output:
        advice = (
            "it lacks a library of the system; on Debian: apt-get install libusb-1.0-0 libftdi1-2"
        )
    elif any(word in lower for word in _NO_BOARD):
        advice = f"is the {target.title} connected and powered? {target.wiring}"
    elif any(word in lower for word in _REFUSED):
        advice = (
            "the USB device may not be opened by this user: install openFPGALoader's udev rules "
            "(its 99-openfpgaloader.rules) and join the group plugdev"
        )
    return f"openFPGALoader failed:\n  {told}\n{advice}\nit was called as: {command}"
