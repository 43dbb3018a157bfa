// The block of 2048 x 9 bits that ECP5 and Gowin build their RAM cells from.
//
// Written from the memory usage guides of both makers (Lattice FPGA-TN-02204, Gowin UG285):
// - Any port is 1, 2, 4, 9, 18 or 36 bits wide. An address counts bits of the 16K that are not the
//   ninth of a byte: narrow words take its low bits, wide ones leave them to the byte enables.
// - A write shows on the port's own output as `MODE` says: not at all, the new or the old word.
// - What a port reads, or stores, where the other one writes to the same place in the same clock is
//   not specified: the whole word is random here, whichever of its bytes are written. So are the contents and the outputs at power-up,
//   but for contents that the bitstream gives (all zeros is what a netlist says of undefined ones).
//
// Both clocks are one: what collides is judged by what both ports ask for at an edge. A port that
// is not used has `en` = 0.
module spikeloom_block_ram #(
    parameter WIDTH_A = 18,
    parameter WIDTH_B = 18,
    parameter MODE_A = 0,  // 0: keep the output, 1: the new word, 2: the old word
    parameter MODE_B = 0,
    parameter REGISTER_A = 0,  // a second register on the output, clocked with `oce`
    parameter REGISTER_B = 0,
    parameter ASYNC = 0,  // reset at once, not at the next edge
    parameter BLOCKS_WRITE = 0,  // a synchronous reset keeps the port from writing
    parameter [18431:0] INIT = 18432'b0
) (
    input clk_a, en_a, we_a, rst_a, oce_a,
    input [13:0] addr_a,
    input [3:0] be_a,
    input [35:0] di_a,
    output [35:0] do_a,
    input clk_b, en_b, we_b, rst_b, oce_b,
    input [13:0] addr_b,
    input [3:0] be_b,
    input [35:0] di_b,
    output [35:0] do_b
);
    function integer log2(input integer width);
        case (width)
            1: log2 = 0;
            2: log2 = 1;
            4: log2 = 2;
            9: log2 = 3;
            18: log2 = 4;
            default: log2 = 5;
        endcase
    endfunction

    localparam LOG_A = log2(WIDTH_A);
    localparam LOG_B = log2(WIDTH_B);
    localparam LOG = LOG_A > LOG_B ? LOG_A : LOG_B;
    localparam BYTES_A = WIDTH_A < 9 ? 1 : WIDTH_A / 9;
    localparam BYTES_B = WIDTH_B < 9 ? 1 : WIDTH_B / 9;
    localparam [35:0] USED_A = ~36'b0 >> (36 - WIDTH_A);
    localparam [35:0] USED_B = ~36'b0 >> (36 - WIDTH_B);

    reg [8:0] mem [0:2047];
    reg [35:0] latch_a, latch_b, out_a, out_b;

    integer i;
    initial begin
        for (i = 0; i < 2048; i = i + 1) mem[i] = INIT == 0 ? $urandom : INIT[9*i +: 9];
        latch_a = {$urandom, $urandom};
        latch_b = {$urandom, $urandom};
        out_a = {$urandom, $urandom};
        out_b = {$urandom, $urandom};
    end

    // Whether both ports are at one place; and for each, the place of its word: the first byte, and
    // the first bit in it where it is narrower.
    wire same = (addr_a >> LOG) == (addr_b >> LOG) & en_a & en_b;

    wire [10:0] byte_a = addr_a[13:3] & ~(BYTES_A - 11'd1);
    wire [2:0] bit_a = WIDTH_A < 9 ? addr_a[2:0] >> LOG_A << LOG_A : 3'd0;
    wire [3:0] enable_a = WIDTH_A < 18 ? 4'b0001 : be_a & (4'b1111 >> (4 - BYTES_A));
    wire writes_a = en_a & we_a & |enable_a & ~(BLOCKS_WRITE != 0 & rst_a);
    wire reads_a = en_a & (~we_a | (MODE_A != 0));
    wire clear_a = ASYNC != 0 & rst_a;

    function [35:0] word_a(input changed);  // the word that is there, or that a write leaves there
        integer k;
        begin
            word_a = 36'b0;
            for (k = 0; k < BYTES_A; k = k + 1) word_a[9*k +: 9] = mem[byte_a + k];
            word_a = word_a >> bit_a;
            for (k = 0; k < BYTES_A; k = k + 1)
                if (changed & enable_a[k]) word_a[9*k +: 9] = di_a[9*k +: 9];
        end
    endfunction

    reg [35:0] store_a;
    integer n_a;
    always @(posedge clk_a) if (writes_a) begin
        store_a = same & writes_b ? {$urandom, $urandom} : word_a(1'b1);
        if (WIDTH_A < 9) mem[byte_a][bit_a +: (WIDTH_A < 9 ? WIDTH_A : 1)] <= store_a[8:0];
        else
            for (n_a = 0; n_a < BYTES_A; n_a = n_a + 1)
                if (enable_a[n_a]) mem[byte_a + n_a] <= store_a[9*n_a +: 9];
    end
    always @(posedge clk_a, posedge clear_a)
        if (clear_a) latch_a <= 36'b0;
        else if (rst_a) latch_a <= 36'b0;
        else if (reads_a)
            latch_a <= same & writes_b ? {$urandom, $urandom} : word_a(we_a & MODE_A == 1);
    always @(posedge clk_a, posedge clear_a)
        if (clear_a) out_a <= 36'b0;
        else if (rst_a) out_a <= 36'b0;
        else if (oce_a) out_a <= latch_a;
    assign do_a = (REGISTER_A != 0 ? out_a : latch_a) & USED_A;

    wire [10:0] byte_b = addr_b[13:3] & ~(BYTES_B - 11'd1);
    wire [2:0] bit_b = WIDTH_B < 9 ? addr_b[2:0] >> LOG_B << LOG_B : 3'd0;
    wire [3:0] enable_b = WIDTH_B < 18 ? 4'b0001 : be_b & (4'b1111 >> (4 - BYTES_B));
    wire writes_b = en_b & we_b & |enable_b & ~(BLOCKS_WRITE != 0 & rst_b);
    wire reads_b = en_b & (~we_b | (MODE_B != 0));
    wire clear_b = ASYNC != 0 & rst_b;

    function [35:0] word_b(input changed);  // the word that is there, or that a write leaves there
        integer k;
        begin
            word_b = 36'b0;
            for (k = 0; k < BYTES_B; k = k + 1) word_b[9*k +: 9] = mem[byte_b + k];
            word_b = word_b >> bit_b;
            for (k = 0; k < BYTES_B; k = k + 1)
                if (changed & enable_b[k]) word_b[9*k +: 9] = di_b[9*k +: 9];
        end
    endfunction

    reg [35:0] store_b;
    integer n_b;
    always @(posedge clk_b) if (writes_b) begin
        store_b = same & writes_a ? {$urandom, $urandom} : word_b(1'b1);
        if (WIDTH_B < 9) mem[byte_b][bit_b +: (WIDTH_B < 9 ? WIDTH_B : 1)] <= store_b[8:0];
        else
            for (n_b = 0; n_b < BYTES_B; n_b = n_b + 1)
                if (enable_b[n_b]) mem[byte_b + n_b] <= store_b[9*n_b +: 9];
    end
    always @(posedge clk_b, posedge clear_b)
        if (clear_b) latch_b <= 36'b0;
        else if (rst_b) latch_b <= 36'b0;
        else if (reads_b)
            latch_b <= same & writes_a ? {$urandom, $urandom} : word_b(we_b & MODE_B == 1);
    always @(posedge clk_b, posedge clear_b)
        if (clear_b) out_b <= 36'b0;
        else if (rst_b) out_b <= 36'b0;
        else if (oce_b) out_b <= latch_b;
    assign do_b = (REGISTER_B != 0 ? out_b : latch_b) & USED_B;
endmodule
