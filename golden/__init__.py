"""The reference model: integers, untimed, bit-exact; it reads as the specification."""
