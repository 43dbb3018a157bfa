"""Spiking networks that learn on the chip: golden model, RTL and boards, equal bit for bit."""
