// ECP5: cells whose Yosys models are empty, or kinder than silicon.
//
// Written from the sysMEM and sysDSP usage guides (Lattice FPGA-TN-02204, FPGA-TN-02205). Stock
// models of Yosys serve for all other cells.

// Tables; told as tables they simulate faster than as trees of multiplexers.
module LUT4 (input A, B, C, D, output Z);
    parameter [15:0] INIT = 0;
    assign Z = INIT[{D, C, B, A}];
endmodule

module LUT2 (input A, B, output Z);
    parameter [3:0] INIT = 0;
    assign Z = INIT[{B, A}];
endmodule

// 1024 x 18 bits with two ports; 512 x 36 with the data of both ports side by side. An instance
// that sets what this model does not declare is refused.
module DP16KD (
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
        DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7,
        ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
        DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
        DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7,
        ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
        DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter GSR = "ENABLED";
    parameter [319:0]
        INITVAL_00 = 320'b0, INITVAL_01 = 320'b0, INITVAL_02 = 320'b0, INITVAL_03 = 320'b0,
        INITVAL_04 = 320'b0, INITVAL_05 = 320'b0, INITVAL_06 = 320'b0, INITVAL_07 = 320'b0,
        INITVAL_08 = 320'b0, INITVAL_09 = 320'b0, INITVAL_0A = 320'b0, INITVAL_0B = 320'b0,
        INITVAL_0C = 320'b0, INITVAL_0D = 320'b0, INITVAL_0E = 320'b0, INITVAL_0F = 320'b0,
        INITVAL_10 = 320'b0, INITVAL_11 = 320'b0, INITVAL_12 = 320'b0, INITVAL_13 = 320'b0,
        INITVAL_14 = 320'b0, INITVAL_15 = 320'b0, INITVAL_16 = 320'b0, INITVAL_17 = 320'b0,
        INITVAL_18 = 320'b0, INITVAL_19 = 320'b0, INITVAL_1A = 320'b0, INITVAL_1B = 320'b0,
        INITVAL_1C = 320'b0, INITVAL_1D = 320'b0, INITVAL_1E = 320'b0, INITVAL_1F = 320'b0,
        INITVAL_20 = 320'b0, INITVAL_21 = 320'b0, INITVAL_22 = 320'b0, INITVAL_23 = 320'b0,
        INITVAL_24 = 320'b0, INITVAL_25 = 320'b0, INITVAL_26 = 320'b0, INITVAL_27 = 320'b0,
        INITVAL_28 = 320'b0, INITVAL_29 = 320'b0, INITVAL_2A = 320'b0, INITVAL_2B = 320'b0,
        INITVAL_2C = 320'b0, INITVAL_2D = 320'b0, INITVAL_2E = 320'b0, INITVAL_2F = 320'b0,
        INITVAL_30 = 320'b0, INITVAL_31 = 320'b0, INITVAL_32 = 320'b0, INITVAL_33 = 320'b0,
        INITVAL_34 = 320'b0, INITVAL_35 = 320'b0, INITVAL_36 = 320'b0, INITVAL_37 = 320'b0,
        INITVAL_38 = 320'b0, INITVAL_39 = 320'b0, INITVAL_3A = 320'b0, INITVAL_3B = 320'b0,
        INITVAL_3C = 320'b0, INITVAL_3D = 320'b0, INITVAL_3E = 320'b0, INITVAL_3F = 320'b0;

    // 16 words of 18 bits in 20 each.
    function [287:0] packed_words(input [319:0] slice);
        integer k;
        for (k = 0; k < 16; k = k + 1) packed_words[18*k +: 18] = slice[20*k +: 18];
    endfunction
    localparam [18431:0] INIT = {
        packed_words(INITVAL_3F), packed_words(INITVAL_3E), packed_words(INITVAL_3D),
        packed_words(INITVAL_3C), packed_words(INITVAL_3B), packed_words(INITVAL_3A),
        packed_words(INITVAL_39), packed_words(INITVAL_38), packed_words(INITVAL_37),
        packed_words(INITVAL_36), packed_words(INITVAL_35), packed_words(INITVAL_34),
        packed_words(INITVAL_33), packed_words(INITVAL_32), packed_words(INITVAL_31),
        packed_words(INITVAL_30), packed_words(INITVAL_2F), packed_words(INITVAL_2E),
        packed_words(INITVAL_2D), packed_words(INITVAL_2C), packed_words(INITVAL_2B),
        packed_words(INITVAL_2A), packed_words(INITVAL_29), packed_words(INITVAL_28),
        packed_words(INITVAL_27), packed_words(INITVAL_26), packed_words(INITVAL_25),
        packed_words(INITVAL_24), packed_words(INITVAL_23), packed_words(INITVAL_22),
        packed_words(INITVAL_21), packed_words(INITVAL_20), packed_words(INITVAL_1F),
        packed_words(INITVAL_1E), packed_words(INITVAL_1D), packed_words(INITVAL_1C),
        packed_words(INITVAL_1B), packed_words(INITVAL_1A), packed_words(INITVAL_19),
        packed_words(INITVAL_18), packed_words(INITVAL_17), packed_words(INITVAL_16),
        packed_words(INITVAL_15), packed_words(INITVAL_14), packed_words(INITVAL_13),
        packed_words(INITVAL_12), packed_words(INITVAL_11), packed_words(INITVAL_10),
        packed_words(INITVAL_0F), packed_words(INITVAL_0E), packed_words(INITVAL_0D),
        packed_words(INITVAL_0C), packed_words(INITVAL_0B), packed_words(INITVAL_0A),
        packed_words(INITVAL_09), packed_words(INITVAL_08), packed_words(INITVAL_07),
        packed_words(INITVAL_06), packed_words(INITVAL_05), packed_words(INITVAL_04),
        packed_words(INITVAL_03), packed_words(INITVAL_02), packed_words(INITVAL_01),
        packed_words(INITVAL_00)
    };

    // Text "0b101" in binary.
    localparam [39:0] TEXT_A = CSDECODE_A;
    localparam [39:0] TEXT_B = CSDECODE_B;
    localparam [2:0] SELECT_A = {TEXT_A[16], TEXT_A[8], TEXT_A[0]};
    localparam [2:0] SELECT_B = {TEXT_B[16], TEXT_B[8], TEXT_B[0]};
    localparam MODE_A =
        WRITEMODE_A == "WRITETHROUGH" ? 1 : WRITEMODE_A == "READBEFOREWRITE" ? 2 : 0;
    localparam MODE_B =
        WRITEMODE_B == "WRITETHROUGH" ? 1 : WRITEMODE_B == "READBEFOREWRITE" ? 2 : 0;

    wire [17:0] dia = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
        DIA4, DIA3, DIA2, DIA1, DIA0
    };
    wire [17:0] dib = {
        DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
        DIB4, DIB3, DIB2, DIB1, DIB0
    };
    wire [13:0] ada = {
        ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
    };
    wire [13:0] adb = {
        ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
    };
    wire [35:0] doa, dob;

    spikeloom_block_ram #(
        .WIDTH_A(DATA_WIDTH_A), .WIDTH_B(DATA_WIDTH_B), .MODE_A(MODE_A), .MODE_B(MODE_B),
        .REGISTER_A(REGMODE_A == "OUTREG"), .REGISTER_B(REGMODE_B == "OUTREG"),
        .ASYNC(RESETMODE == "ASYNC"), .BLOCKS_WRITE(RESETMODE == "SYNC"), .INIT(INIT)
    ) ram (
        .clk_a(CLKAMUX == "INV" ? ~CLKA : CLKA), .en_a(CEA & {CSA2, CSA1, CSA0} == SELECT_A),
        .we_a(WEA), .rst_a(RSTA), .oce_a(OCEA), .addr_a(ada), .be_a(ada[3:0]),
        .di_a(DATA_WIDTH_A == 36 ? {dib, dia} : {18'b0, dia}), .do_a(doa),
        .clk_b(CLKBMUX == "INV" ? ~CLKB : CLKB), .en_b(CEB & {CSB2, CSB1, CSB0} == SELECT_B),
        .we_b(WEB), .rst_b(RSTB), .oce_b(OCEB), .addr_b(adb), .be_b(adb[3:0]),
        .di_b({18'b0, dib}), .do_b(dob)
    );
    assign {
        DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
        DOA4, DOA3, DOA2, DOA1, DOA0
    } = DATA_WIDTH_B == 36 ? dob[17:0] : doa[17:0];
    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
        DOB4, DOB3, DOB2, DOB1, DOB0
    } = DATA_WIDTH_B == 36 ? dob[35:18] : dob[17:0];
endmodule

// 16 x 4 bits of look-up tables: written at the clock, read at once.
module TRELLIS_DPR16X4 (
    input [3:0] DI,
    input [3:0] WAD,
    input WRE, WCK,
    input [3:0] RAD,
    output [3:0] DO
);
    parameter WCKMUX = "WCK";
    parameter WREMUX = "WRE";
    parameter [63:0] INITVAL = 64'b0;

    reg [3:0] mem [0:15];
    integer i;
    initial for (i = 0; i < 16; i = i + 1) mem[i] = $urandom;

    wire clock = WCKMUX == "INV" ? ~WCK : WCK;
    wire write = WREMUX == "INV" ? ~WRE : WREMUX == "1" ? 1'b1 : WREMUX == "0" ? 1'b0 : WRE;
    always @(posedge clock) if (write) mem[WAD] <= DI;
    assign DO = mem[RAD];
endmodule

// 18 x 18 bits, without its registers: Yosys uses none.
module MULT18X18D (
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
          P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    wire [17:0] a = {
        A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
    };
    wire [17:0] b = {
        B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
    };
    assign {
        P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
        P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
    } = {{18{SIGNEDA & a[17]}}, a} * {{18{SIGNEDB & b[17]}}, b};
endmodule
