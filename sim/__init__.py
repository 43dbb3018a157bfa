"""Things that run: the Verilated core, bench helpers, golden and RTL in lockstep."""
