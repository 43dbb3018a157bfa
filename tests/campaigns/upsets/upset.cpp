// A Verilated rig (rig.py) whose state can be upset: byte streams, or serial pins with the host's
// end of the line, and bits that are inverted between two clocks.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "Vtop.h"
#include "verilated.h"

namespace {

struct Bit {
    uint32_t place, word, bit;
};

// The host's end of the line, at a rate that need not be the board's.
class Line {
  public:
    bool level(double period) {
        if (!left_ && bytes.empty()) return true;
        if (!left_) {
            frame_ = 0x200u | unsigned{bytes.front()} << 1;
            left_ = 10;
            due_ = period;
            bytes.pop_front();
        }
        const bool now = frame_ & 1;
        if (--due_ <= 0) {
            due_ += period;
            frame_ >>= 1;
            --left_;
        }
        return now;
    }
    void hear(bool level, double period) {
        const bool fell = before_ && !level;
        before_ = level;
        if (!bits_) {
            if (fell) {
                bits_ = 9;
                wait_ = 1.5 * period;
            }
            return;
        }
        if (--wait_ > 0) return;
        wait_ += period;
        if (--bits_) byte_ = static_cast<uint8_t>(byte_ >> 1 | level << 7);
        else heard.push_back(byte_);
    }

    bool idle() const { return !left_ && bytes.empty(); }

    std::deque<uint8_t> bytes, heard;

  private:
    unsigned frame_ = 0, left_ = 0, bits_ = 0;
    uint8_t byte_ = 0;
    double due_ = 0, wait_ = 0;
    bool before_ = true;
};

class Rig {
  public:
    Rig() : top_{&context_} {
        top_.clk = top_.rst = top_.upset_strobe = top_.restart = 0;
        top_.rx = top_.direct = 1;
        drive(false, 0, false);
        top_.eval();
    }
    ~Rig() { top_.final(); }

    bool transfer(const uint8_t* tx, size_t ntx, uint8_t* rx, size_t nrx, uint64_t max_idle,
                  size_t* sent, size_t* received) {
        size_t in = 0, out = 0;
        for (uint64_t idle = 0; (in < ntx || out < nrx) && idle < max_idle; ++idle) {
            for (; out < nrx && !unasked.empty(); unasked.pop_front(), idle = 0)
                rx[out++] = unasked.front();
            if (in == ntx && out == nrx) break;
            drive(in < ntx, in < ntx ? tx[in] : 0, true);
            if (clock()) {
                ++in;
                idle = 0;
            }
        }
        *sent = in;
        *received = out;
        return in == ntx && out == nrx;
    }

    void run(uint64_t cycles, bool restart) {
        drive(false, 0, true);
        top_.restart = restart;
        for (uint64_t i = 0; i < cycles; ++i) clock();
        top_.restart = 0;
    }

    void set_direct(bool direct) {
        top_.direct = direct;
        if (direct) top_.rx = 1;
        drive(false, 0, direct);
    }

    // Clocks until a byte has been heard, or for so many cycles.
    size_t read(uint8_t* data, size_t size, uint64_t cycles) {
        for (uint64_t i = 0; i < cycles && line.heard.empty(); ++i) clock();
        size_t count = 0;
        for (; count < size && !line.heard.empty(); line.heard.pop_front())
            data[count++] = line.heard.front();
        return count;
    }

    void write(const uint8_t* data, size_t size, double period) {
        line.bytes.insert(line.bytes.end(), data, data + size);
        while (!line.idle() && period != period_) clock();  // a new rate waits for the old
        period_ = period;
    }

    bool strobe(Bit at, bool flip) {
        top_.upset_place = at.place;
        top_.upset_word = at.word;
        top_.upset_bit = at.bit;
        top_.upset_flip = flip;
        top_.upset_strobe = 1;
        top_.eval();
        top_.upset_strobe = 0;
        top_.eval();
        return top_.upset_was;
    }

    uint64_t cycles() const { return cycles_; }

    std::multimap<uint64_t, Bit> flips;  // by the clock after which they happen
    std::deque<uint8_t> unasked;
    Line line;

  private:
    void drive(bool valid, uint8_t payload, bool ready) {
        top_.i___05Fvalid = valid;
        top_.i___05Fpayload = payload;
        top_.o___05Fready = ready;
    }

    // Returns whether the byte that is offered was taken.
    bool clock() {
        if (!top_.direct) top_.rx = line.level(period_);
        top_.clk = 0;
        top_.eval();
        const bool taken = top_.i___05Fvalid && top_.i___05Fready;
        if (top_.o___05Fvalid && top_.o___05Fready) unasked.push_back(top_.o___05Fpayload);
        if (!top_.direct) line.hear(top_.tx, period_);
        top_.clk = 1;
        top_.eval();
        ++cycles_;
        for (; !flips.empty() && flips.begin()->first <= cycles_; flips.erase(flips.begin()))
            strobe(flips.begin()->second, true);
        return taken;
    }

    VerilatedContext context_;
    Vtop top_;
    double period_ = 5;
    uint64_t cycles_ = 0;
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Rig* rig_create() { return new Rig; }
API void rig_destroy(Rig* rig) { delete rig; }
API uint64_t rig_cycles(const Rig* rig) { return rig->cycles(); }
API void rig_run(Rig* rig, uint64_t cycles, bool restart) { rig->run(cycles, restart); }
API void rig_direct(Rig* rig, bool direct) { rig->set_direct(direct); }
API size_t rig_unasked(const Rig* rig) { return rig->unasked.size(); }
API void rig_forget(Rig* rig) { rig->unasked.clear(); }

// Clocks until all of tx is accepted and nrx bytes have come, or until max_idle cycles in a row
// moved no byte either way. Returns whether all moved; sent and received say how much did.
API bool rig_transfer(Rig* rig, const uint8_t* tx, size_t ntx, uint8_t* rx, size_t nrx,
                      uint64_t max_idle, size_t* sent, size_t* received) {
    return rig->transfer(tx, ntx, rx, nrx, max_idle, sent, received);
}

// Inverts a bit after the clock whose number is `cycle`, counted from 1.
API void rig_flip(Rig* rig, uint64_t cycle, uint32_t place, uint32_t word, uint32_t bit) {
    rig->flips.insert({cycle, {place, word, bit}});
}
API void rig_calm(Rig* rig) { rig->flips.clear(); }

// Returns a bit as it is, and inverts it where asked to.
API bool rig_bit(Rig* rig, uint32_t place, uint32_t word, uint32_t bit, bool flip) {
    return rig->strobe({place, word, bit}, flip);
}

// The line to the link's pins; `period` is the host's time of a bit, in clocks.
API void rig_write(Rig* rig, const uint8_t* data, size_t size, double period) {
    rig->write(data, size, period);
}
API size_t rig_read(Rig* rig, uint8_t* data, size_t size, uint64_t cycles) {
    return rig->read(data, size, cycles);
}
