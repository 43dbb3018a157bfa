// A Verilated block with many mutants behind a C interface: its pins as two vectors of bits.
//
// Every clock drives the inputs while the clock is low, lets the logic settle, reads the outputs,
// and raises the clock.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "Vtop.h"
#include "verilated.h"

namespace {

class Block {
  public:
    explicit Block(uint32_t mutant) : top_{&context_} {
        std::memset(top_.given.data(), 0, sizeof top_.given);
        top_.mutant = mutant;
        top_.rst = 0;
        top_.clk = 0;
        top_.eval();
    }

    ~Block() { top_.final(); }

    void clock(bool reset, const uint8_t* given, uint8_t* shown) {
        if (given) std::memcpy(top_.given.data(), given, sizeof top_.given);
        top_.rst = reset;
        top_.clk = 0;
        top_.eval();
        if (shown) std::memcpy(shown, top_.shown.data(), sizeof top_.shown);
        top_.clk = 1;
        top_.eval();
    }

  private:
    VerilatedContext context_;
    Vtop top_;
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

// Mutant 0 is the sound block.
API Block* block_create(uint32_t mutant) { return new Block{mutant}; }
API void block_destroy(Block* block) { delete block; }

// given and shown: as many bytes as the vectors have, the lowest bits first; a null pointer leaves
// the inputs as they are, or the outputs unread.
API void block_clock(Block* block, bool reset, const uint8_t* given, uint8_t* shown) {
    block->clock(reset, given, shown);
}
