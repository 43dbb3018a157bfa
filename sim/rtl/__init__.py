"""The RTL as a program: Verilog, Verilator, transports, virtual boards, netlists."""
