"""Golden vectors for a core, block by block."""
