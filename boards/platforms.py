"""Boards, or parts of them, that amaranth-boards does not describe."""

from __future__ import annotations

from typing import Any

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.build.run import BuildPlan
from amaranth.hdl._ir import Design
from amaranth.vendor import GowinPlatform
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_25FPlatform
from amaranth_boards.resources import ButtonResources, LEDResources, UARTResource


class TangNano20kPlatform(GowinPlatform):
    """Sipeed Tang Nano 20K; pins from the pinout that Sipeed publishes with its schematic."""

    part = "GW2AR-LV18QN88C8/I7"
    family = "GW2AR-18C"
    default_clk = "clk27"
    resources = (
        Resource("clk27", 0, Pins("4", dir="i"), Clock(27e6), Attrs(IO_TYPE="LVCMOS33")),
        # to the BL616, which is the USB serial port
        UARTResource(0, rx="70", tx="69", attrs=Attrs(PULL_MODE="UP", IO_TYPE="LVCMOS33")),
        *LEDResources(pins="15 16 17 18 19 20", invert=True, attrs=Attrs(IO_TYPE="LVCMOS33")),
        *ButtonResources(pins="88 87", attrs=Attrs(PULL_MODE="DOWN", IO_TYPE="LVCMOS33")),
    )
    connectors = ()

    def toolchain_prepare(self, fragment: Design, name: str, **kwargs: Any) -> BuildPlan:
        """Give the pins of the configuration port, which nothing else uses, to the design."""
        options = {"gowin_pack_opts": "--sspi_as_gpio --mspi_as_gpio"}
        return super().toolchain_prepare(fragment, name, **(options | kwargs))


class OrangeCrabUartPlatform(OrangeCrabR0_2_25FPlatform):
    """OrangeCrab r0.2 with a serial port on the pins that a Feather board has it on.

    Named as connector pins: 0 is what the FPGA receives on (RX), 1 what it sends on (TX).
    """

    resources = (
        *OrangeCrabR0_2_25FPlatform.resources,
        UARTResource(
            0, rx="0", tx="1", conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")
        ),
    )
