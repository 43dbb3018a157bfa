"""Searches for a difference between golden and RTL, and for bytes that hang a board or a host."""
