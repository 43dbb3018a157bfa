"""The PLL of each family as hardware: a clock in, the core's clock and a lock out."""

from __future__ import annotations

from amaranth import Const, Instance, Module, Signal, Value
from amaranth.hdl import Elaboratable, IOValue

from spikeloom.boards.clock import MHZ, Pll
from spikeloom.boards.devices import Family

_FILTER = ((17, 1), (26, 2), (44, 3), (66, 4), (101, 5))  # below MHz at the detector: code
_FILTER_ABOVE = 6


def filter_range(pll: Pll) -> int:
    """Return the loop filter's code of an iCE40 PLL."""
    mhz = pll.detector_hz / MHZ
    return next((code for limit, code in _FILTER if mhz < limit), _FILTER_ABOVE)


class PllInstance(Elaboratable):
    """One PLL.

    Attributes
    ----------
    clock, locked : Signals; what it makes, and whether that is steady.

    Parameters
    ----------
    source : the input clock; the pin itself where `pad`, else a buffered signal.
    pad : the iCE40 clock pin shares its place with the PLL, which therefore holds the buffer.
    device : Gowin's name of the device, which is a parameter there.
    """

    def __init__(
        self, family: Family, pll: Pll, source: Value | IOValue, *, pad: bool, device: str
    ) -> None:
        self._family, self._pll, self._source = family, pll, source
        self._pad, self._device = pad, device
        self.clock = Signal(name="core_clock")
        self.locked = Signal(name="pll_locked")

    def elaborate(self, platform: object) -> Module:
        """Instantiate the family's primitive."""
        m = Module()
        make = {Family.ICE40: self._ice40, Family.ECP5: self._ecp5, Family.GOWIN: self._gowin}
        m.submodules.pll = make[self._family]()
        return m

    def _ice40(self) -> Instance:
        pll = self._pll
        kind, pin = ("PAD", "i_PACKAGEPIN") if self._pad else ("CORE", "i_REFERENCECLK")
        return Instance(
            f"SB_PLL40_{kind}",
            p_FEEDBACK_PATH="SIMPLE",
            p_PLLOUT_SELECT="GENCLK",
            p_DIVR=Const(pll.reference - 1, 4),
            p_DIVF=Const(pll.feedback - 1, 7),
            p_DIVQ=Const(pll.post.bit_length() - 1, 3),
            p_FILTER_RANGE=Const(filter_range(pll), 3),
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=self.clock,
            o_LOCK=self.locked,
            **{pin: self._source},
        )

    def _ecp5(self) -> Instance:
        pll = self._pll
        return Instance(
            "EHXPLLL",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_CLKI_DIV=pll.reference,
            p_CLKFB_DIV=pll.feedback,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=pll.post,
            p_CLKOP_CPHASE=pll.post - 1,
            p_CLKOP_FPHASE=0,
            p_FEEDBK_PATH="CLKOP",
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_CLKI=self._source,
            i_CLKFB=self.clock,
            i_PHASESEL0=Const(0),
            i_PHASESEL1=Const(0),
            i_PHASEDIR=Const(1),
            i_PHASESTEP=Const(1),
            i_PHASELOADREG=Const(1),
            i_PLLWAKESYNC=Const(0),
            i_ENCLKOP=Const(0),
            o_CLKOP=self.clock,
            o_LOCK=self.locked,
        )

    def _gowin(self) -> Instance:
        pll = self._pll
        return Instance(
            "rPLL",
            p_FCLKIN=f"{pll.input_hz / MHZ:g}",
            p_DEVICE=self._device,
            p_DYN_IDIV_SEL="false",
            p_IDIV_SEL=pll.reference - 1,
            p_DYN_FBDIV_SEL="false",
            p_FBDIV_SEL=pll.feedback - 1,
            p_DYN_ODIV_SEL="false",
            p_ODIV_SEL=pll.post,
            p_PSDA_SEL="0000",
            p_DYN_DA_EN="false",
            p_DUTYDA_SEL="1000",
            p_CLKOUT_FT_DIR=Const(1),
            p_CLKOUTP_FT_DIR=Const(1),
            p_CLKOUT_DLY_STEP=0,
            p_CLKOUTP_DLY_STEP=0,
            p_CLKFB_SEL="internal",
            p_CLKOUT_BYPASS="false",
            p_CLKOUTP_BYPASS="false",
            p_CLKOUTD_BYPASS="false",
            p_DYN_SDIV_SEL=2,
            p_CLKOUTD_SRC="CLKOUT",
            p_CLKOUTD3_SRC="CLKOUT",
            i_RESET=Const(0),
            i_RESET_P=Const(0),
            i_CLKIN=self._source,
            i_CLKFB=Const(0),
            i_FBDSEL=Const(0, 6),
            i_IDSEL=Const(0, 6),
            i_ODSEL=Const(0, 6),
            i_PSDA=Const(0, 4),
            i_DUTYDA=Const(0, 4),
            i_FDLY=Const(0, 4),
            o_CLKOUT=self.clock,
            o_LOCK=self.locked,
        )
