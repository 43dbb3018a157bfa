"""The hardware: one Amaranth component per concept, named as in spikeloom.golden."""
