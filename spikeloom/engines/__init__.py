"""Bodies of a network: golden, RTL, board."""
