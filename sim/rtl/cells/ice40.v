// iCE40: memory cells that promise no more than the guides do.
//
// Written from the memory, SPRAM and DSP usage guides (Lattice FPGA-TN-02002, FPGA-TN-02022,
// FPGA-TN-02007). Yosys' own models read the old word in a collision; it is random here, as are
// contents that the bitstream does not give. Stock models of Yosys serve for all other cells.

// Four-input table; told as a table it simulates ten times faster than as a tree of multiplexers.
module SB_LUT4 (output O, input I0, I1, I2, I3);
    parameter [15:0] LUT_INIT = 0;
    assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule

// 4 kbit with one port to read and one to write, 16, 8, 4 or 2 bits wide (modes 0 to 3). Narrow
// words take every second, fourth or eighth bit of a row; MASK = 1 keeps a bit, in mode 0 only.
// A read where the other port writes in the same clock is not specified. Both clocks are one.
module SB_RAM40_4K (
    output [15:0] RDATA,
    input RCLK, RCLKE, RE,
    input [10:0] RADDR,
    input WCLK, WCLKE, WE,
    input [10:0] WADDR,
    input [15:0] MASK,
    input [15:0] WDATA
);
    parameter WRITE_MODE = 0;
    parameter READ_MODE = 0;
    parameter [255:0] INIT_0 = 256'bx, INIT_1 = 256'bx, INIT_2 = 256'bx, INIT_3 = 256'bx,
        INIT_4 = 256'bx, INIT_5 = 256'bx, INIT_6 = 256'bx, INIT_7 = 256'bx, INIT_8 = 256'bx,
        INIT_9 = 256'bx, INIT_A = 256'bx, INIT_B = 256'bx, INIT_C = 256'bx, INIT_D = 256'bx,
        INIT_E = 256'bx, INIT_F = 256'bx;
    localparam [4095:0] INIT = {
        INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A, INIT_9, INIT_8,
        INIT_7, INIT_6, INIT_5, INIT_4, INIT_3, INIT_2, INIT_1, INIT_0
    };
    localparam UNDEFINED = INIT === 4096'bx | INIT === 4096'b0;

    // The bits of a row that belong to a word.
    function [15:0] lanes(input integer mode, input [10:0] address);
        case (mode)
            0: lanes = 16'hffff;
            1: lanes = 16'h5555 << address[8];
            2: lanes = 16'h1111 << address[9:8];
            default: lanes = 16'h0101 << address[10:8];
        endcase
    endfunction

    reg [15:0] mem [0:255];
    reg [15:0] word;
    integer i;
    initial begin
        for (i = 0; i < 256; i = i + 1) mem[i] = UNDEFINED ? $urandom : INIT[16*i +: 16];
        word = $urandom;
    end

    wire [15:0] read = lanes(READ_MODE, RADDR);
    wire [15:0] written = lanes(WRITE_MODE, WADDR);
    wire collides = RE & RCLKE & WE & WCLKE & RADDR[7:0] == WADDR[7:0] & |(read & written);

    // Every bit of a row gets the data bit of its lane.
    wire [15:0] spread;
    generate
        case (WRITE_MODE)
            0: assign spread = WDATA;
            1: assign spread = {
                {2{WDATA[14]}}, {2{WDATA[12]}}, {2{WDATA[10]}}, {2{WDATA[8]}},
                {2{WDATA[6]}}, {2{WDATA[4]}}, {2{WDATA[2]}}, {2{WDATA[0]}}
            };
            2: assign spread = {{4{WDATA[13]}}, {4{WDATA[9]}}, {4{WDATA[5]}}, {4{WDATA[1]}}};
            default: assign spread = {{8{WDATA[11]}}, {8{WDATA[3]}}};
        endcase
    endgenerate

    wire [15:0] changes = WRITE_MODE == 0 ? ~MASK : written;
    always @(posedge WCLK)
        if (WE & WCLKE)
            mem[WADDR[7:0]] <= (mem[WADDR[7:0]] & ~changes) | (spread & changes);
    always @(posedge RCLK)
        if (RE & RCLKE) word <= collides ? $urandom & read : mem[RADDR[7:0]] & read;

    generate
        case (READ_MODE)
            0: assign RDATA = word;
            1: assign RDATA = {
                1'b0, |word[15:14], 1'b0, |word[13:12], 1'b0, |word[11:10], 1'b0, |word[9:8],
                1'b0, |word[7:6], 1'b0, |word[5:4], 1'b0, |word[3:2], 1'b0, |word[1:0]
            };
            2: assign RDATA = {
                2'b0, |word[15:12], 3'b0, |word[11:8], 3'b0, |word[7:4], 3'b0, |word[3:0], 1'b0
            };
            default: assign RDATA = {4'b0, |word[15:8], 7'b0, |word[7:0], 3'b0};
        endcase
    endgenerate
endmodule

// 16K x 16 bits with one port. MASKWREN = 1 writes a nibble. What it shows after a write, or when
// it wakes up, is not specified; what it holds is lost without power.
module SB_SPRAM256KA (
    input [13:0] ADDRESS,
    input [15:0] DATAIN,
    input [3:0] MASKWREN,
    input WREN, CHIPSELECT, CLOCK, STANDBY, SLEEP, POWEROFF,
    output [15:0] DATAOUT
);
    reg [15:0] mem [0:16383];
    reg [15:0] word;
    integer i;
    initial begin
        for (i = 0; i < 16384; i = i + 1) mem[i] = $urandom;
        word = $urandom;
    end
    always @(negedge POWEROFF) for (i = 0; i < 16384; i = i + 1) mem[i] = $urandom;

    wire [15:0] changes = {
        {4{MASKWREN[3]}}, {4{MASKWREN[2]}}, {4{MASKWREN[1]}}, {4{MASKWREN[0]}}
    };
    always @(posedge CLOCK)
        if (SLEEP | ~POWEROFF | STANDBY) word <= $urandom;
        else if (CHIPSELECT) begin
            if (WREN) mem[ADDRESS] <= (mem[ADDRESS] & ~changes) | (DATAIN & changes);
            word <= WREN ? $urandom : mem[ADDRESS];
        end
    assign DATAOUT = SLEEP | ~POWEROFF ? 16'b0 : word;
endmodule
