"""What two sides of spikeloom must agree on, as data only.

Fixed-point formats, LFSR polynomials, seeds, network configurations, registers and the byte
protocol live here once. Nothing in this package imports anything but the standard library.
"""
