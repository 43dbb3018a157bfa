"""Real hardware: targets as data, pins, bitstreams."""
