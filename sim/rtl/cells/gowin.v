// Gowin: memory and multiplier cells whose Yosys models are empty.
//
// Written from the BSRAM, SSRAM and DSP user guides (Gowin UG285, UG286, UG287). Stock models of
// Yosys serve for all other cells. Names with X9 use the ninth bit of a byte, the others lack it.

// Tables; told as tables they simulate faster than as trees of multiplexers.
module LUT1 (output F, input I0);
    parameter [1:0] INIT = 0;
    assign F = INIT[{I0}];
endmodule

module LUT2 (output F, input I0, I1);
    parameter [3:0] INIT = 0;
    assign F = INIT[{I1, I0}];
endmodule

module LUT3 (output F, input I0, I1, I2);
    parameter [7:0] INIT = 0;
    assign F = INIT[{I2, I1, I0}];
endmodule

module LUT4 (output F, input I0, I1, I2, I3);
    parameter [15:0] INIT = 0;
    assign F = INIT[{I3, I2, I1, I0}];
endmodule

// One port; WRITE_MODE 0 keeps the output, 1 shows the new word, 2 the old one.
module SPX9 (
    output [35:0] DO,
    input [35:0] DI,
    input [2:0] BLKSEL,
    input [13:0] AD,
    input WRE, CLK, CE, OCE, RESET
);
    parameter READ_MODE = 0;
    parameter [1:0] WRITE_MODE = 0;
    parameter BIT_WIDTH = 36;
    parameter [2:0] BLK_SEL = 0;
    parameter RESET_MODE = "SYNC";
    parameter [287:0]
        INIT_RAM_00 = 288'b0, INIT_RAM_01 = 288'b0, INIT_RAM_02 = 288'b0, INIT_RAM_03 = 288'b0,
        INIT_RAM_04 = 288'b0, INIT_RAM_05 = 288'b0, INIT_RAM_06 = 288'b0, INIT_RAM_07 = 288'b0,
        INIT_RAM_08 = 288'b0, INIT_RAM_09 = 288'b0, INIT_RAM_0A = 288'b0, INIT_RAM_0B = 288'b0,
        INIT_RAM_0C = 288'b0, INIT_RAM_0D = 288'b0, INIT_RAM_0E = 288'b0, INIT_RAM_0F = 288'b0,
        INIT_RAM_10 = 288'b0, INIT_RAM_11 = 288'b0, INIT_RAM_12 = 288'b0, INIT_RAM_13 = 288'b0,
        INIT_RAM_14 = 288'b0, INIT_RAM_15 = 288'b0, INIT_RAM_16 = 288'b0, INIT_RAM_17 = 288'b0,
        INIT_RAM_18 = 288'b0, INIT_RAM_19 = 288'b0, INIT_RAM_1A = 288'b0, INIT_RAM_1B = 288'b0,
        INIT_RAM_1C = 288'b0, INIT_RAM_1D = 288'b0, INIT_RAM_1E = 288'b0, INIT_RAM_1F = 288'b0,
        INIT_RAM_20 = 288'b0, INIT_RAM_21 = 288'b0, INIT_RAM_22 = 288'b0, INIT_RAM_23 = 288'b0,
        INIT_RAM_24 = 288'b0, INIT_RAM_25 = 288'b0, INIT_RAM_26 = 288'b0, INIT_RAM_27 = 288'b0,
        INIT_RAM_28 = 288'b0, INIT_RAM_29 = 288'b0, INIT_RAM_2A = 288'b0, INIT_RAM_2B = 288'b0,
        INIT_RAM_2C = 288'b0, INIT_RAM_2D = 288'b0, INIT_RAM_2E = 288'b0, INIT_RAM_2F = 288'b0,
        INIT_RAM_30 = 288'b0, INIT_RAM_31 = 288'b0, INIT_RAM_32 = 288'b0, INIT_RAM_33 = 288'b0,
        INIT_RAM_34 = 288'b0, INIT_RAM_35 = 288'b0, INIT_RAM_36 = 288'b0, INIT_RAM_37 = 288'b0,
        INIT_RAM_38 = 288'b0, INIT_RAM_39 = 288'b0, INIT_RAM_3A = 288'b0, INIT_RAM_3B = 288'b0,
        INIT_RAM_3C = 288'b0, INIT_RAM_3D = 288'b0, INIT_RAM_3E = 288'b0, INIT_RAM_3F = 288'b0;
    localparam [18431:0] INIT = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A,
        INIT_RAM_39, INIT_RAM_38, INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34,
        INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, INIT_RAM_2F, INIT_RAM_2E,
        INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22,
        INIT_RAM_21, INIT_RAM_20, INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C,
        INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, INIT_RAM_17, INIT_RAM_16,
        INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A,
        INIT_RAM_09, INIT_RAM_08, INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04,
        INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };
    localparam WIDTH = BIT_WIDTH;
    wire [35:0] di = DI;
    wire [35:0] out;
    assign DO = out;
    spikeloom_block_ram #(
        .WIDTH_A(WIDTH), .MODE_A(WRITE_MODE), .REGISTER_A(READ_MODE),
        .ASYNC(RESET_MODE == "ASYNC"), .INIT(INIT)
    ) ram (
        .clk_a(CLK), .en_a(CE & BLKSEL == BLK_SEL), .we_a(WRE), .rst_a(RESET), .oce_a(OCE),
        .addr_a(AD), .be_a(AD[3:0]), .di_a(di), .do_a(out),
        .clk_b(1'b0), .en_b(1'b0), .we_b(1'b0), .rst_b(1'b0), .oce_b(1'b0),
        .addr_b(14'b0), .be_b(4'b0), .di_b(36'b0), .do_b()
    );
endmodule

module SP (
    output [31:0] DO,
    input [31:0] DI,
    input [2:0] BLKSEL,
    input [13:0] AD,
    input WRE, CLK, CE, OCE, RESET
);
    parameter READ_MODE = 0;
    parameter [1:0] WRITE_MODE = 0;
    parameter BIT_WIDTH = 32;
    parameter [2:0] BLK_SEL = 0;
    parameter RESET_MODE = "SYNC";
    parameter [255:0]
        INIT_RAM_00 = 256'b0, INIT_RAM_01 = 256'b0, INIT_RAM_02 = 256'b0, INIT_RAM_03 = 256'b0,
        INIT_RAM_04 = 256'b0, INIT_RAM_05 = 256'b0, INIT_RAM_06 = 256'b0, INIT_RAM_07 = 256'b0,
        INIT_RAM_08 = 256'b0, INIT_RAM_09 = 256'b0, INIT_RAM_0A = 256'b0, INIT_RAM_0B = 256'b0,
        INIT_RAM_0C = 256'b0, INIT_RAM_0D = 256'b0, INIT_RAM_0E = 256'b0, INIT_RAM_0F = 256'b0,
        INIT_RAM_10 = 256'b0, INIT_RAM_11 = 256'b0, INIT_RAM_12 = 256'b0, INIT_RAM_13 = 256'b0,
        INIT_RAM_14 = 256'b0, INIT_RAM_15 = 256'b0, INIT_RAM_16 = 256'b0, INIT_RAM_17 = 256'b0,
        INIT_RAM_18 = 256'b0, INIT_RAM_19 = 256'b0, INIT_RAM_1A = 256'b0, INIT_RAM_1B = 256'b0,
        INIT_RAM_1C = 256'b0, INIT_RAM_1D = 256'b0, INIT_RAM_1E = 256'b0, INIT_RAM_1F = 256'b0,
        INIT_RAM_20 = 256'b0, INIT_RAM_21 = 256'b0, INIT_RAM_22 = 256'b0, INIT_RAM_23 = 256'b0,
        INIT_RAM_24 = 256'b0, INIT_RAM_25 = 256'b0, INIT_RAM_26 = 256'b0, INIT_RAM_27 = 256'b0,
        INIT_RAM_28 = 256'b0, INIT_RAM_29 = 256'b0, INIT_RAM_2A = 256'b0, INIT_RAM_2B = 256'b0,
        INIT_RAM_2C = 256'b0, INIT_RAM_2D = 256'b0, INIT_RAM_2E = 256'b0, INIT_RAM_2F = 256'b0,
        INIT_RAM_30 = 256'b0, INIT_RAM_31 = 256'b0, INIT_RAM_32 = 256'b0, INIT_RAM_33 = 256'b0,
        INIT_RAM_34 = 256'b0, INIT_RAM_35 = 256'b0, INIT_RAM_36 = 256'b0, INIT_RAM_37 = 256'b0,
        INIT_RAM_38 = 256'b0, INIT_RAM_39 = 256'b0, INIT_RAM_3A = 256'b0, INIT_RAM_3B = 256'b0,
        INIT_RAM_3C = 256'b0, INIT_RAM_3D = 256'b0, INIT_RAM_3E = 256'b0, INIT_RAM_3F = 256'b0;
    function [287:0] nine(input [255:0] slice);  // with a ninth bit to every byte
        integer k;
        for (k = 0; k < 32; k = k + 1) nine[9*k +: 9] = {1'b0, slice[8*k +: 8]};
    endfunction
    localparam [18431:0] INIT = {
        nine(INIT_RAM_3F), nine(INIT_RAM_3E), nine(INIT_RAM_3D), nine(INIT_RAM_3C),
        nine(INIT_RAM_3B), nine(INIT_RAM_3A), nine(INIT_RAM_39), nine(INIT_RAM_38),
        nine(INIT_RAM_37), nine(INIT_RAM_36), nine(INIT_RAM_35), nine(INIT_RAM_34),
        nine(INIT_RAM_33), nine(INIT_RAM_32), nine(INIT_RAM_31), nine(INIT_RAM_30),
        nine(INIT_RAM_2F), nine(INIT_RAM_2E), nine(INIT_RAM_2D), nine(INIT_RAM_2C),
        nine(INIT_RAM_2B), nine(INIT_RAM_2A), nine(INIT_RAM_29), nine(INIT_RAM_28),
        nine(INIT_RAM_27), nine(INIT_RAM_26), nine(INIT_RAM_25), nine(INIT_RAM_24),
        nine(INIT_RAM_23), nine(INIT_RAM_22), nine(INIT_RAM_21), nine(INIT_RAM_20),
        nine(INIT_RAM_1F), nine(INIT_RAM_1E), nine(INIT_RAM_1D), nine(INIT_RAM_1C),
        nine(INIT_RAM_1B), nine(INIT_RAM_1A), nine(INIT_RAM_19), nine(INIT_RAM_18),
        nine(INIT_RAM_17), nine(INIT_RAM_16), nine(INIT_RAM_15), nine(INIT_RAM_14),
        nine(INIT_RAM_13), nine(INIT_RAM_12), nine(INIT_RAM_11), nine(INIT_RAM_10),
        nine(INIT_RAM_0F), nine(INIT_RAM_0E), nine(INIT_RAM_0D), nine(INIT_RAM_0C),
        nine(INIT_RAM_0B), nine(INIT_RAM_0A), nine(INIT_RAM_09), nine(INIT_RAM_08),
        nine(INIT_RAM_07), nine(INIT_RAM_06), nine(INIT_RAM_05), nine(INIT_RAM_04),
        nine(INIT_RAM_03), nine(INIT_RAM_02), nine(INIT_RAM_01), nine(INIT_RAM_00)
    };
    localparam WIDTH = BIT_WIDTH < 8 ? BIT_WIDTH : BIT_WIDTH / 8 * 9;
    wire [35:0] di = {1'b0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]};
    wire [35:0] out;
    assign DO = {out[34:27], out[25:18], out[16:9], out[7:0]};
    spikeloom_block_ram #(
        .WIDTH_A(WIDTH), .MODE_A(WRITE_MODE), .REGISTER_A(READ_MODE),
        .ASYNC(RESET_MODE == "ASYNC"), .INIT(INIT)
    ) ram (
        .clk_a(CLK), .en_a(CE & BLKSEL == BLK_SEL), .we_a(WRE), .rst_a(RESET), .oce_a(OCE),
        .addr_a(AD), .be_a(AD[3:0]), .di_a(di), .do_a(out),
        .clk_b(1'b0), .en_b(1'b0), .we_b(1'b0), .rst_b(1'b0), .oce_b(1'b0),
        .addr_b(14'b0), .be_b(4'b0), .di_b(36'b0), .do_b()
    );
endmodule

// Port A writes, port B reads.
module SDPX9B (
    output [35:0] DO,
    input [35:0] DI,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input CLKA, CLKB, CEA, CEB, OCE, RESETA, RESETB
);
    parameter READ_MODE = 0;
    parameter BIT_WIDTH_0 = 36;
    parameter BIT_WIDTH_1 = 36;
    parameter [2:0] BLK_SEL_0 = 0;
    parameter [2:0] BLK_SEL_1 = 0;
    parameter RESET_MODE = "SYNC";
    parameter [287:0]
        INIT_RAM_00 = 288'b0, INIT_RAM_01 = 288'b0, INIT_RAM_02 = 288'b0, INIT_RAM_03 = 288'b0,
        INIT_RAM_04 = 288'b0, INIT_RAM_05 = 288'b0, INIT_RAM_06 = 288'b0, INIT_RAM_07 = 288'b0,
        INIT_RAM_08 = 288'b0, INIT_RAM_09 = 288'b0, INIT_RAM_0A = 288'b0, INIT_RAM_0B = 288'b0,
        INIT_RAM_0C = 288'b0, INIT_RAM_0D = 288'b0, INIT_RAM_0E = 288'b0, INIT_RAM_0F = 288'b0,
        INIT_RAM_10 = 288'b0, INIT_RAM_11 = 288'b0, INIT_RAM_12 = 288'b0, INIT_RAM_13 = 288'b0,
        INIT_RAM_14 = 288'b0, INIT_RAM_15 = 288'b0, INIT_RAM_16 = 288'b0, INIT_RAM_17 = 288'b0,
        INIT_RAM_18 = 288'b0, INIT_RAM_19 = 288'b0, INIT_RAM_1A = 288'b0, INIT_RAM_1B = 288'b0,
        INIT_RAM_1C = 288'b0, INIT_RAM_1D = 288'b0, INIT_RAM_1E = 288'b0, INIT_RAM_1F = 288'b0,
        INIT_RAM_20 = 288'b0, INIT_RAM_21 = 288'b0, INIT_RAM_22 = 288'b0, INIT_RAM_23 = 288'b0,
        INIT_RAM_24 = 288'b0, INIT_RAM_25 = 288'b0, INIT_RAM_26 = 288'b0, INIT_RAM_27 = 288'b0,
        INIT_RAM_28 = 288'b0, INIT_RAM_29 = 288'b0, INIT_RAM_2A = 288'b0, INIT_RAM_2B = 288'b0,
        INIT_RAM_2C = 288'b0, INIT_RAM_2D = 288'b0, INIT_RAM_2E = 288'b0, INIT_RAM_2F = 288'b0,
        INIT_RAM_30 = 288'b0, INIT_RAM_31 = 288'b0, INIT_RAM_32 = 288'b0, INIT_RAM_33 = 288'b0,
        INIT_RAM_34 = 288'b0, INIT_RAM_35 = 288'b0, INIT_RAM_36 = 288'b0, INIT_RAM_37 = 288'b0,
        INIT_RAM_38 = 288'b0, INIT_RAM_39 = 288'b0, INIT_RAM_3A = 288'b0, INIT_RAM_3B = 288'b0,
        INIT_RAM_3C = 288'b0, INIT_RAM_3D = 288'b0, INIT_RAM_3E = 288'b0, INIT_RAM_3F = 288'b0;
    localparam [18431:0] INIT = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A,
        INIT_RAM_39, INIT_RAM_38, INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34,
        INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, INIT_RAM_2F, INIT_RAM_2E,
        INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22,
        INIT_RAM_21, INIT_RAM_20, INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C,
        INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, INIT_RAM_17, INIT_RAM_16,
        INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A,
        INIT_RAM_09, INIT_RAM_08, INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04,
        INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };
    localparam WIDTH_0 = BIT_WIDTH_0;
    localparam WIDTH_1 = BIT_WIDTH_1;
    wire [35:0] di = DI;
    wire [35:0] out;
    assign DO = out;
    spikeloom_block_ram #(
        .WIDTH_A(WIDTH_0), .WIDTH_B(WIDTH_1), .REGISTER_B(READ_MODE),
        .ASYNC(RESET_MODE == "ASYNC"), .INIT(INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA & BLKSELA == BLK_SEL_0), .we_a(1'b1), .rst_a(RESETA), .oce_a(1'b0),
        .addr_a(ADA), .be_a(ADA[3:0]), .di_a(di), .do_a(),
        .clk_b(CLKB), .en_b(CEB & BLKSELB == BLK_SEL_1), .we_b(1'b0), .rst_b(RESETB), .oce_b(OCE),
        .addr_b(ADB), .be_b(4'b0), .di_b(36'b0), .do_b(out)
    );
endmodule

module SDPB (
    output [31:0] DO,
    input [31:0] DI,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input CLKA, CLKB, CEA, CEB, OCE, RESETA, RESETB
);
    parameter READ_MODE = 0;
    parameter BIT_WIDTH_0 = 32;
    parameter BIT_WIDTH_1 = 32;
    parameter [2:0] BLK_SEL_0 = 0;
    parameter [2:0] BLK_SEL_1 = 0;
    parameter RESET_MODE = "SYNC";
    parameter [255:0]
        INIT_RAM_00 = 256'b0, INIT_RAM_01 = 256'b0, INIT_RAM_02 = 256'b0, INIT_RAM_03 = 256'b0,
        INIT_RAM_04 = 256'b0, INIT_RAM_05 = 256'b0, INIT_RAM_06 = 256'b0, INIT_RAM_07 = 256'b0,
        INIT_RAM_08 = 256'b0, INIT_RAM_09 = 256'b0, INIT_RAM_0A = 256'b0, INIT_RAM_0B = 256'b0,
        INIT_RAM_0C = 256'b0, INIT_RAM_0D = 256'b0, INIT_RAM_0E = 256'b0, INIT_RAM_0F = 256'b0,
        INIT_RAM_10 = 256'b0, INIT_RAM_11 = 256'b0, INIT_RAM_12 = 256'b0, INIT_RAM_13 = 256'b0,
        INIT_RAM_14 = 256'b0, INIT_RAM_15 = 256'b0, INIT_RAM_16 = 256'b0, INIT_RAM_17 = 256'b0,
        INIT_RAM_18 = 256'b0, INIT_RAM_19 = 256'b0, INIT_RAM_1A = 256'b0, INIT_RAM_1B = 256'b0,
        INIT_RAM_1C = 256'b0, INIT_RAM_1D = 256'b0, INIT_RAM_1E = 256'b0, INIT_RAM_1F = 256'b0,
        INIT_RAM_20 = 256'b0, INIT_RAM_21 = 256'b0, INIT_RAM_22 = 256'b0, INIT_RAM_23 = 256'b0,
        INIT_RAM_24 = 256'b0, INIT_RAM_25 = 256'b0, INIT_RAM_26 = 256'b0, INIT_RAM_27 = 256'b0,
        INIT_RAM_28 = 256'b0, INIT_RAM_29 = 256'b0, INIT_RAM_2A = 256'b0, INIT_RAM_2B = 256'b0,
        INIT_RAM_2C = 256'b0, INIT_RAM_2D = 256'b0, INIT_RAM_2E = 256'b0, INIT_RAM_2F = 256'b0,
        INIT_RAM_30 = 256'b0, INIT_RAM_31 = 256'b0, INIT_RAM_32 = 256'b0, INIT_RAM_33 = 256'b0,
        INIT_RAM_34 = 256'b0, INIT_RAM_35 = 256'b0, INIT_RAM_36 = 256'b0, INIT_RAM_37 = 256'b0,
        INIT_RAM_38 = 256'b0, INIT_RAM_39 = 256'b0, INIT_RAM_3A = 256'b0, INIT_RAM_3B = 256'b0,
        INIT_RAM_3C = 256'b0, INIT_RAM_3D = 256'b0, INIT_RAM_3E = 256'b0, INIT_RAM_3F = 256'b0;
    function [287:0] nine(input [255:0] slice);  // with a ninth bit to every byte
        integer k;
        for (k = 0; k < 32; k = k + 1) nine[9*k +: 9] = {1'b0, slice[8*k +: 8]};
    endfunction
    localparam [18431:0] INIT = {
        nine(INIT_RAM_3F), nine(INIT_RAM_3E), nine(INIT_RAM_3D), nine(INIT_RAM_3C),
        nine(INIT_RAM_3B), nine(INIT_RAM_3A), nine(INIT_RAM_39), nine(INIT_RAM_38),
        nine(INIT_RAM_37), nine(INIT_RAM_36), nine(INIT_RAM_35), nine(INIT_RAM_34),
        nine(INIT_RAM_33), nine(INIT_RAM_32), nine(INIT_RAM_31), nine(INIT_RAM_30),
        nine(INIT_RAM_2F), nine(INIT_RAM_2E), nine(INIT_RAM_2D), nine(INIT_RAM_2C),
        nine(INIT_RAM_2B), nine(INIT_RAM_2A), nine(INIT_RAM_29), nine(INIT_RAM_28),
        nine(INIT_RAM_27), nine(INIT_RAM_26), nine(INIT_RAM_25), nine(INIT_RAM_24),
        nine(INIT_RAM_23), nine(INIT_RAM_22), nine(INIT_RAM_21), nine(INIT_RAM_20),
        nine(INIT_RAM_1F), nine(INIT_RAM_1E), nine(INIT_RAM_1D), nine(INIT_RAM_1C),
        nine(INIT_RAM_1B), nine(INIT_RAM_1A), nine(INIT_RAM_19), nine(INIT_RAM_18),
        nine(INIT_RAM_17), nine(INIT_RAM_16), nine(INIT_RAM_15), nine(INIT_RAM_14),
        nine(INIT_RAM_13), nine(INIT_RAM_12), nine(INIT_RAM_11), nine(INIT_RAM_10),
        nine(INIT_RAM_0F), nine(INIT_RAM_0E), nine(INIT_RAM_0D), nine(INIT_RAM_0C),
        nine(INIT_RAM_0B), nine(INIT_RAM_0A), nine(INIT_RAM_09), nine(INIT_RAM_08),
        nine(INIT_RAM_07), nine(INIT_RAM_06), nine(INIT_RAM_05), nine(INIT_RAM_04),
        nine(INIT_RAM_03), nine(INIT_RAM_02), nine(INIT_RAM_01), nine(INIT_RAM_00)
    };
    localparam WIDTH_0 = BIT_WIDTH_0 < 8 ? BIT_WIDTH_0 : BIT_WIDTH_0 / 8 * 9;
    localparam WIDTH_1 = BIT_WIDTH_1 < 8 ? BIT_WIDTH_1 : BIT_WIDTH_1 / 8 * 9;
    wire [35:0] di = {1'b0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]};
    wire [35:0] out;
    assign DO = {out[34:27], out[25:18], out[16:9], out[7:0]};
    spikeloom_block_ram #(
        .WIDTH_A(WIDTH_0), .WIDTH_B(WIDTH_1), .REGISTER_B(READ_MODE),
        .ASYNC(RESET_MODE == "ASYNC"), .INIT(INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA & BLKSELA == BLK_SEL_0), .we_a(1'b1), .rst_a(RESETA), .oce_a(1'b0),
        .addr_a(ADA), .be_a(ADA[3:0]), .di_a(di), .do_a(),
        .clk_b(CLKB), .en_b(CEB & BLKSELB == BLK_SEL_1), .we_b(1'b0), .rst_b(RESETB), .oce_b(OCE),
        .addr_b(ADB), .be_b(4'b0), .di_b(36'b0), .do_b(out)
    );
endmodule

// Two ports, up to half as wide.
module DPX9B (
    output [17:0] DOA, DOB,
    input [17:0] DIA, DIB,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input WREA, WREB, CLKA, CLKB, CEA, CEB, OCEA, OCEB, RESETA, RESETB
);
    parameter READ_MODE0 = 0;
    parameter READ_MODE1 = 0;
    parameter [1:0] WRITE_MODE0 = 0;
    parameter [1:0] WRITE_MODE1 = 0;
    parameter BIT_WIDTH_0 = 18;
    parameter BIT_WIDTH_1 = 18;
    parameter [2:0] BLK_SEL_0 = 0;
    parameter [2:0] BLK_SEL_1 = 0;
    parameter RESET_MODE = "SYNC";
    parameter [287:0]
        INIT_RAM_00 = 288'b0, INIT_RAM_01 = 288'b0, INIT_RAM_02 = 288'b0, INIT_RAM_03 = 288'b0,
        INIT_RAM_04 = 288'b0, INIT_RAM_05 = 288'b0, INIT_RAM_06 = 288'b0, INIT_RAM_07 = 288'b0,
        INIT_RAM_08 = 288'b0, INIT_RAM_09 = 288'b0, INIT_RAM_0A = 288'b0, INIT_RAM_0B = 288'b0,
        INIT_RAM_0C = 288'b0, INIT_RAM_0D = 288'b0, INIT_RAM_0E = 288'b0, INIT_RAM_0F = 288'b0,
        INIT_RAM_10 = 288'b0, INIT_RAM_11 = 288'b0, INIT_RAM_12 = 288'b0, INIT_RAM_13 = 288'b0,
        INIT_RAM_14 = 288'b0, INIT_RAM_15 = 288'b0, INIT_RAM_16 = 288'b0, INIT_RAM_17 = 288'b0,
        INIT_RAM_18 = 288'b0, INIT_RAM_19 = 288'b0, INIT_RAM_1A = 288'b0, INIT_RAM_1B = 288'b0,
        INIT_RAM_1C = 288'b0, INIT_RAM_1D = 288'b0, INIT_RAM_1E = 288'b0, INIT_RAM_1F = 288'b0,
        INIT_RAM_20 = 288'b0, INIT_RAM_21 = 288'b0, INIT_RAM_22 = 288'b0, INIT_RAM_23 = 288'b0,
        INIT_RAM_24 = 288'b0, INIT_RAM_25 = 288'b0, INIT_RAM_26 = 288'b0, INIT_RAM_27 = 288'b0,
        INIT_RAM_28 = 288'b0, INIT_RAM_29 = 288'b0, INIT_RAM_2A = 288'b0, INIT_RAM_2B = 288'b0,
        INIT_RAM_2C = 288'b0, INIT_RAM_2D = 288'b0, INIT_RAM_2E = 288'b0, INIT_RAM_2F = 288'b0,
        INIT_RAM_30 = 288'b0, INIT_RAM_31 = 288'b0, INIT_RAM_32 = 288'b0, INIT_RAM_33 = 288'b0,
        INIT_RAM_34 = 288'b0, INIT_RAM_35 = 288'b0, INIT_RAM_36 = 288'b0, INIT_RAM_37 = 288'b0,
        INIT_RAM_38 = 288'b0, INIT_RAM_39 = 288'b0, INIT_RAM_3A = 288'b0, INIT_RAM_3B = 288'b0,
        INIT_RAM_3C = 288'b0, INIT_RAM_3D = 288'b0, INIT_RAM_3E = 288'b0, INIT_RAM_3F = 288'b0;
    localparam [18431:0] INIT = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A,
        INIT_RAM_39, INIT_RAM_38, INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34,
        INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, INIT_RAM_2F, INIT_RAM_2E,
        INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22,
        INIT_RAM_21, INIT_RAM_20, INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C,
        INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, INIT_RAM_17, INIT_RAM_16,
        INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A,
        INIT_RAM_09, INIT_RAM_08, INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04,
        INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };
    localparam WIDTH_0 = BIT_WIDTH_0;
    localparam WIDTH_1 = BIT_WIDTH_1;
    wire [35:0] dia = DIA;
    wire [35:0] dib = DIB;
    wire [35:0] outa;
    assign DOA = outa;
    wire [35:0] outb;
    assign DOB = outb;
    spikeloom_block_ram #(
        .WIDTH_A(WIDTH_0), .WIDTH_B(WIDTH_1), .MODE_A(WRITE_MODE0), .MODE_B(WRITE_MODE1),
        .REGISTER_A(READ_MODE0), .REGISTER_B(READ_MODE1),
        .ASYNC(RESET_MODE == "ASYNC"), .INIT(INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA & BLKSELA == BLK_SEL_0), .we_a(WREA), .rst_a(RESETA), .oce_a(OCEA),
        .addr_a(ADA), .be_a(ADA[3:0]), .di_a(dia), .do_a(outa),
        .clk_b(CLKB), .en_b(CEB & BLKSELB == BLK_SEL_1), .we_b(WREB), .rst_b(RESETB), .oce_b(OCEB),
        .addr_b(ADB), .be_b(ADB[3:0]), .di_b(dib), .do_b(outb)
    );
endmodule

module DPB (
    output [15:0] DOA, DOB,
    input [15:0] DIA, DIB,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input WREA, WREB, CLKA, CLKB, CEA, CEB, OCEA, OCEB, RESETA, RESETB
);
    parameter READ_MODE0 = 0;
    parameter READ_MODE1 = 0;
    parameter [1:0] WRITE_MODE0 = 0;
    parameter [1:0] WRITE_MODE1 = 0;
    parameter BIT_WIDTH_0 = 16;
    parameter BIT_WIDTH_1 = 16;
    parameter [2:0] BLK_SEL_0 = 0;
    parameter [2:0] BLK_SEL_1 = 0;
    parameter RESET_MODE = "SYNC";
    parameter [255:0]
        INIT_RAM_00 = 256'b0, INIT_RAM_01 = 256'b0, INIT_RAM_02 = 256'b0, INIT_RAM_03 = 256'b0,
        INIT_RAM_04 = 256'b0, INIT_RAM_05 = 256'b0, INIT_RAM_06 = 256'b0, INIT_RAM_07 = 256'b0,
        INIT_RAM_08 = 256'b0, INIT_RAM_09 = 256'b0, INIT_RAM_0A = 256'b0, INIT_RAM_0B = 256'b0,
        INIT_RAM_0C = 256'b0, INIT_RAM_0D = 256'b0, INIT_RAM_0E = 256'b0, INIT_RAM_0F = 256'b0,
        INIT_RAM_10 = 256'b0, INIT_RAM_11 = 256'b0, INIT_RAM_12 = 256'b0, INIT_RAM_13 = 256'b0,
        INIT_RAM_14 = 256'b0, INIT_RAM_15 = 256'b0, INIT_RAM_16 = 256'b0, INIT_RAM_17 = 256'b0,
        INIT_RAM_18 = 256'b0, INIT_RAM_19 = 256'b0, INIT_RAM_1A = 256'b0, INIT_RAM_1B = 256'b0,
        INIT_RAM_1C = 256'b0, INIT_RAM_1D = 256'b0, INIT_RAM_1E = 256'b0, INIT_RAM_1F = 256'b0,
        INIT_RAM_20 = 256'b0, INIT_RAM_21 = 256'b0, INIT_RAM_22 = 256'b0, INIT_RAM_23 = 256'b0,
        INIT_RAM_24 = 256'b0, INIT_RAM_25 = 256'b0, INIT_RAM_26 = 256'b0, INIT_RAM_27 = 256'b0,
        INIT_RAM_28 = 256'b0, INIT_RAM_29 = 256'b0, INIT_RAM_2A = 256'b0, INIT_RAM_2B = 256'b0,
        INIT_RAM_2C = 256'b0, INIT_RAM_2D = 256'b0, INIT_RAM_2E = 256'b0, INIT_RAM_2F = 256'b0,
        INIT_RAM_30 = 256'b0, INIT_RAM_31 = 256'b0, INIT_RAM_32 = 256'b0, INIT_RAM_33 = 256'b0,
        INIT_RAM_34 = 256'b0, INIT_RAM_35 = 256'b0, INIT_RAM_36 = 256'b0, INIT_RAM_37 = 256'b0,
        INIT_RAM_38 = 256'b0, INIT_RAM_39 = 256'b0, INIT_RAM_3A = 256'b0, INIT_RAM_3B = 256'b0,
        INIT_RAM_3C = 256'b0, INIT_RAM_3D = 256'b0, INIT_RAM_3E = 256'b0, INIT_RAM_3F = 256'b0;
    function [287:0] nine(input [255:0] slice);  // with a ninth bit to every byte
        integer k;
        for (k = 0; k < 32; k = k + 1) nine[9*k +: 9] = {1'b0, slice[8*k +: 8]};
    endfunction
    localparam [18431:0] INIT = {
        nine(INIT_RAM_3F), nine(INIT_RAM_3E), nine(INIT_RAM_3D), nine(INIT_RAM_3C),
        nine(INIT_RAM_3B), nine(INIT_RAM_3A), nine(INIT_RAM_39), nine(INIT_RAM_38),
        nine(INIT_RAM_37), nine(INIT_RAM_36), nine(INIT_RAM_35), nine(INIT_RAM_34),
        nine(INIT_RAM_33), nine(INIT_RAM_32), nine(INIT_RAM_31), nine(INIT_RAM_30),
        nine(INIT_RAM_2F), nine(INIT_RAM_2E), nine(INIT_RAM_2D), nine(INIT_RAM_2C),
        nine(INIT_RAM_2B), nine(INIT_RAM_2A), nine(INIT_RAM_29), nine(INIT_RAM_28),
        nine(INIT_RAM_27), nine(INIT_RAM_26), nine(INIT_RAM_25), nine(INIT_RAM_24),
        nine(INIT_RAM_23), nine(INIT_RAM_22), nine(INIT_RAM_21), nine(INIT_RAM_20),
        nine(INIT_RAM_1F), nine(INIT_RAM_1E), nine(INIT_RAM_1D), nine(INIT_RAM_1C),
        nine(INIT_RAM_1B), nine(INIT_RAM_1A), nine(INIT_RAM_19), nine(INIT_RAM_18),
        nine(INIT_RAM_17), nine(INIT_RAM_16), nine(INIT_RAM_15), nine(INIT_RAM_14),
        nine(INIT_RAM_13), nine(INIT_RAM_12), nine(INIT_RAM_11), nine(INIT_RAM_10),
        nine(INIT_RAM_0F), nine(INIT_RAM_0E), nine(INIT_RAM_0D), nine(INIT_RAM_0C),
        nine(INIT_RAM_0B), nine(INIT_RAM_0A), nine(INIT_RAM_09), nine(INIT_RAM_08),
        nine(INIT_RAM_07), nine(INIT_RAM_06), nine(INIT_RAM_05), nine(INIT_RAM_04),
        nine(INIT_RAM_03), nine(INIT_RAM_02), nine(INIT_RAM_01), nine(INIT_RAM_00)
    };
    localparam WIDTH_0 = BIT_WIDTH_0 < 8 ? BIT_WIDTH_0 : BIT_WIDTH_0 / 8 * 9;
    localparam WIDTH_1 = BIT_WIDTH_1 < 8 ? BIT_WIDTH_1 : BIT_WIDTH_1 / 8 * 9;
    wire [35:0] dia = {1'b0, DIA[15:8], 1'b0, DIA[7:0]};
    wire [35:0] dib = {1'b0, DIB[15:8], 1'b0, DIB[7:0]};
    wire [35:0] outa;
    assign DOA = {outa[16:9], outa[7:0]};
    wire [35:0] outb;
    assign DOB = {outb[16:9], outb[7:0]};
    spikeloom_block_ram #(
        .WIDTH_A(WIDTH_0), .WIDTH_B(WIDTH_1), .MODE_A(WRITE_MODE0), .MODE_B(WRITE_MODE1),
        .REGISTER_A(READ_MODE0), .REGISTER_B(READ_MODE1),
        .ASYNC(RESET_MODE == "ASYNC"), .INIT(INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA & BLKSELA == BLK_SEL_0), .we_a(WREA), .rst_a(RESETA), .oce_a(OCEA),
        .addr_a(ADA), .be_a(ADA[3:0]), .di_a(dia), .do_a(outa),
        .clk_b(CLKB), .en_b(CEB & BLKSELB == BLK_SEL_1), .we_b(WREB), .rst_b(RESETB), .oce_b(OCEB),
        .addr_b(ADB), .be_b(ADB[3:0]), .di_b(dib), .do_b(outb)
    );
endmodule

// 16 words of look-up tables: written at the clock, read at once.
module RAM16SDP1 (
    output [0:0] DO,
    input [0:0] DI,
    input [3:0] WAD, RAD,
    input WRE, CLK
);
    parameter [15:0] INIT_0 = 16'b0;
    reg [0:0] mem [0:15];
    integer i;
    initial for (i = 0; i < 16; i = i + 1) mem[i] = $urandom;
    always @(posedge CLK) if (WRE) mem[WAD] <= DI;
    assign DO = mem[RAD];
endmodule

module RAM16SDP2 (
    output [1:0] DO,
    input [1:0] DI,
    input [3:0] WAD, RAD,
    input WRE, CLK
);
    parameter [15:0] INIT_0 = 16'b0, INIT_1 = 16'b0;
    reg [1:0] mem [0:15];
    integer i;
    initial for (i = 0; i < 16; i = i + 1) mem[i] = $urandom;
    always @(posedge CLK) if (WRE) mem[WAD] <= DI;
    assign DO = mem[RAD];
endmodule

module RAM16SDP4 (
    output [3:0] DO,
    input [3:0] DI,
    input [3:0] WAD, RAD,
    input WRE, CLK
);
    parameter [15:0] INIT_0 = 16'b0, INIT_1 = 16'b0, INIT_2 = 16'b0, INIT_3 = 16'b0;
    reg [3:0] mem [0:15];
    integer i;
    initial for (i = 0; i < 16; i = i + 1) mem[i] = $urandom;
    always @(posedge CLK) if (WRE) mem[WAD] <= DI;
    assign DO = mem[RAD];
endmodule

// Multipliers without their registers and shift chains: Yosys uses none.
module MULT9X9 (
    input [8:0] A, B,
    input [8:0] SIA, SIB,
    input ASEL, BSEL,
    input ASIGN, BSIGN, CLK, CE, RESET,
    output [17:0] DOUT
);
    assign DOUT = {{9{ASIGN & A[8]}}, A} * {{9{BSIGN & B[8]}}, B};
endmodule

module MULT18X18 (
    input [17:0] A, B,
    input [17:0] SIA, SIB,
    input ASEL, BSEL,
    input ASIGN, BSIGN, CLK, CE, RESET,
    output [35:0] DOUT
);
    assign DOUT = {{18{ASIGN & A[17]}}, A} * {{18{BSIGN & B[17]}}, B};
endmodule

module MULT36X36 (
    input [35:0] A, B,
    input ASIGN, BSIGN, CLK, CE, RESET,
    output [71:0] DOUT
);
    assign DOUT = {{36{ASIGN & A[35]}}, A} * {{36{BSIGN & B[35]}}, B};
endmodule
