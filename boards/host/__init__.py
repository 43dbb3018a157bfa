"""The host's driver of a core, over any transport."""
