"""Golden and a core side by side."""
