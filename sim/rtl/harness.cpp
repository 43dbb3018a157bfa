// A Verilated core behind a C interface: two byte streams and a clock.
//
// Every clock cycle drives the inputs while the clock is low, lets the logic settle (a ready may
// depend on the other stream's ready, a valid on the other's valid), notes what the coming edge
// transfers, and raises the clock.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "Vtop.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr size_t kQueueBytes = size_t{1} << 24;  // beyond it the core is held back
constexpr uint64_t kPeriodPicoseconds = 10'000;

// SplitMix64: any seed is a good one.
class Random {
  public:
    explicit Random(uint64_t seed) : state_{seed} {}
    uint8_t byte() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return static_cast<uint8_t>(z >> 56);
    }

  private:
    uint64_t state_;
};

class Core {
  public:
    explicit Core(uint32_t power_up) : top_{seeded(context_, power_up)} {
#if VM_TRACE
        context_.traceEverOn(true);
#endif
        top_.clk = 0;
        top_.rst = 0;
        top_.i___05Fvalid = 0;
        top_.i___05Fpayload = 0;
        top_.o___05Fready = 0;
        top_.eval();
    }

    ~Core() {
        trace_close();
        top_.final();
    }

    void run(uint64_t cycles) {
        for (uint64_t i = 0; i < cycles; ++i) {
            const Moved moved = clock(false, noise(), take());
            if (moved.out) queue_.push_back(moved.payload);
        }
    }

    bool transfer(const uint8_t* tx, size_t ntx, uint8_t* rx, size_t nrx, uint64_t max_idle,
                  size_t* sent, size_t* received) {
        size_t in = 0, out = 0;
        for (; out < nrx && !queue_.empty(); queue_.pop_front()) rx[out++] = queue_.front();
        bool offering = false;
        uint64_t idle = 0;
        while ((in < ntx || out < nrx) && idle < max_idle) {
            // A byte once offered stays until it is taken: that is the streams' rule.
            offering = offering || (in < ntx && !stalled(stall_in_));
            const Moved moved = clock(offering, offering ? tx[in] : noise(), take());
            if (moved.in) {
                ++in;
                offering = false;
            }
            if (moved.out) {
                if (out < nrx) rx[out++] = moved.payload;
                else queue_.push_back(moved.payload);
            }
            idle = moved.in || moved.out ? 0 : idle + 1;
        }
        *sent = in;
        *received = out;
        return in == ntx && out == nrx;
    }

    void stalls(uint64_t seed, unsigned in_per_256, unsigned out_per_256) {
        random_ = Random{seed};
        stall_in_ = in_per_256;
        stall_out_ = out_per_256;
    }

    uint64_t cycles() const { return cycles_; }
    bool busy() const { return top_.busy; }

    bool trace_open(const char* path) {
#if VM_TRACE
        trace_close();
        trace_ = std::make_unique<VerilatedVcdC>();  // one file each: it remembers its last time
        top_.trace(trace_.get(), 99);
        trace_->open(path);
        return trace_->isOpen();
#else
        (void)path;
        return false;
#endif
    }

    void trace_close() {
#if VM_TRACE
        dump(0);  // the state that the last edge led to
        trace_.reset();
#endif
    }

  private:
    struct Moved {
        bool in, out;
        uint8_t payload;
    };

    Moved clock(bool valid, uint8_t payload, bool ready) {
        top_.i___05Fvalid = valid;
        top_.i___05Fpayload = payload;
        top_.o___05Fready = ready;
        top_.clk = 0;
        top_.eval();
        dump(0);
        const Moved moved{valid && top_.i___05Fready, ready && top_.o___05Fvalid,
                          static_cast<uint8_t>(top_.o___05Fpayload)};
        top_.clk = 1;
        top_.eval();
        dump(kPeriodPicoseconds / 2);
        ++cycles_;
        return moved;
    }

    // Before the top exists: what it starts at, where that is nowhere said, comes from the seed.
    static VerilatedContext* seeded(VerilatedContext& context, uint32_t power_up) {
        context.randReset(2);
        context.randSeed(static_cast<int>(power_up % 0x7fffffff + 1));  // 0 is no seed
        return &context;
    }

    void dump(uint64_t picoseconds) {
#if VM_TRACE
        if (trace_ && trace_->isOpen()) trace_->dump(cycles_ * kPeriodPicoseconds + picoseconds);
#else
        (void)picoseconds;
#endif
    }

    bool stalled(unsigned per_256) { return per_256 && random_.byte() < per_256; }
    bool take() { return queue_.size() < kQueueBytes && !stalled(stall_out_); }
    // What lies on the payload while nothing is offered: where stalls shake the core, rubbish.
    uint8_t noise() { return stall_in_ ? random_.byte() : 0; }

    VerilatedContext context_;
    Vtop top_;
    std::deque<uint8_t> queue_;  // replies nobody has asked for yet
    Random random_{0};
    unsigned stall_in_ = 0, stall_out_ = 0;
    uint64_t cycles_ = 0;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> trace_;
#endif
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

// power_up seeds what memories and registers without a reset value start at, and what a model of a
// memory answers where silicon promises nothing; a core built as RTL starts at 0.
API Core* core_create(uint32_t power_up) { return new Core{power_up}; }
API void core_destroy(Core* core) { delete core; }
API void core_run(Core* core, uint64_t cycles) { core->run(cycles); }
API uint64_t core_cycles(const Core* core) { return core->cycles(); }
API bool core_busy(const Core* core) { return core->busy(); }

// Random stalls from now on, of each 256 cycles on the average; 0 and 0 end them.
API void core_stalls(Core* core, uint64_t seed, unsigned in_per_256, unsigned out_per_256) {
    core->stalls(seed, in_per_256, out_per_256);
}

// Clocks until all of tx is accepted and nrx bytes have come, or until max_idle cycles in a row
// moved no byte either way. Returns whether all moved; sent and received say how much did.
API bool core_transfer(Core* core, const uint8_t* tx, size_t ntx, uint8_t* rx, size_t nrx,
                       uint64_t max_idle, size_t* sent, size_t* received) {
    return core->transfer(tx, ntx, rx, nrx, max_idle, sent, received);
}

API bool core_can_trace() { return VM_TRACE; }
API bool core_trace_open(Core* core, const char* path) { return core->trace_open(path); }
API void core_trace_close(Core* core) { core->trace_close(); }
