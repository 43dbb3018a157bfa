// A Verilated board behind a terminal: a clock, the two serial pins, and the line between them and
// the host, which may be a bad one.
//
// The host's half of the line runs at the rate that the host has set on its terminal, the board's
// half at whatever the board makes of its clock: where the two differ, both sides read garbage.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

#include <poll.h>
#include <unistd.h>
#ifdef __linux__
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <sys/ioctl.h>
#else
#include <termios.h>
#endif

#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr int kSlice = 256;             // clocks between two looks at the terminal
constexpr size_t kQueueBytes = 4096;    // what the host's system holds of what it has written
constexpr double kSettleSeconds = 0.6;  // of the board's clock; then all of its own waits are over
constexpr double kDefaultBaud = 1e6;

// SplitMix64: any seed is a good one.
class Random {
  public:
    explicit Random(uint64_t seed) : state_{seed} {}
    uint64_t word() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    bool happens(double chance) {
        return chance > 0 && static_cast<double>(word() >> 11) * 0x1p-53 < chance;
    }

  private:
    uint64_t state_;
};

}  // namespace

// What goes wrong in one direction; chances per bit (flip) or per byte, lengths in bits.
struct Faults {
    uint64_t seed;
    double flip, drop, twice, stall, burst;
    uint32_t stall_bits, burst_bits;
};

struct Counts {
    uint64_t bytes, flips, drops, doubles, stalls, bursts, lost;
};

namespace {

// The faults of one direction, drawn bit by bit and byte by byte.
class Trouble {
  public:
    void set(const Faults& faults) {
        faults_ = faults;
        random_ = Random{faults.seed};
    }
    bool drop() { return note(faults_.drop, counts.drops); }
    bool twice() { return note(faults_.twice, counts.doubles); }
    uint32_t stall() { return note(faults_.stall, counts.stalls) ? faults_.stall_bits : 0; }
    void byte() {
        ++counts.bytes;
        if (note(faults_.burst, counts.bursts)) noise_ = faults_.burst_bits;
    }
    bool bit(bool level) {
        if (noise_) {
            --noise_;
            return random_.word() & 1;
        }
        return level != note(faults_.flip, counts.flips);
    }
    bool noisy() const { return noise_ != 0; }

    Counts counts{};

  private:
    bool note(double chance, uint64_t& count) {
        const bool happens = random_.happens(chance);
        count += happens;
        return happens;
    }

    Faults faults_{};
    Random random_{0};
    uint32_t noise_ = 0;
};

// Bytes of the host to levels of the board's rx pin.
class Sender {
  public:
    bool level(double period) {
        if (!pause_ && !left_ && bytes.empty() && !trouble.noisy()) {
            due_ = 1;
            return true;
        }
        for (due_ -= 1; due_ <= 0; due_ += period) now_ = trouble.bit(next());
        return now_;
    }
    bool quiet() const { return !pause_ && !left_ && bytes.empty() && !trouble.noisy(); }

    std::deque<uint8_t> bytes;
    Trouble trouble;

  private:
    bool next() {
        if (!pause_ && !left_) start();
        if (pause_) {
            --pause_;
            return true;
        }
        if (!left_) return true;
        --left_;
        const bool bit = frame_ & 1;
        frame_ >>= 1;
        return bit;
    }
    void start() {
        while (!bytes.empty() && trouble.drop()) bytes.pop_front();
        if (bytes.empty()) return;
        frame_ = 0x200u | unsigned{bytes.front()} << 1;
        left_ = 10;
        pause_ = trouble.stall();
        trouble.byte();
        if (!trouble.twice()) bytes.pop_front();
    }

    unsigned frame_ = 0, left_ = 0;
    uint32_t pause_ = 0;
    double due_ = 1;  // clocks to the next bit
    bool now_ = true;
};

// Levels of the board's tx pin to bytes for the host, sampled in the middle of each bit. A byte
// without a stop bit is handed on, as serial ports do that are not asked to mark it.
class Receiver {
  public:
    void clock(bool level, double period) {
        if (!left_) {
            if (level || !before_) {
                before_ = level;
                return;
            }
            left_ = 9;
            due_ = 1.5 * period;
            byte_ = 0;
        }
        before_ = level;
        due_ -= 1;
        if (due_ > 0) return;
        due_ += period;
        const bool bit = trouble.bit(level);
        if (--left_) byte_ = byte_ >> 1 | bit << 7;
        else finish(period);
    }
    // Hands over a byte that has arrived, if its stall is over.
    bool take(uint64_t now, uint8_t& byte) {
        if (bytes_.empty() || now < until_) return false;
        byte = bytes_.front();
        bytes_.pop_front();
        return true;
    }
    bool quiet() const { return !left_ && bytes_.empty(); }
    void at(uint64_t now) { now_ = now; }

    Trouble trouble;

  private:
    void finish(double period) {
        const uint32_t stall = trouble.stall();
        if (stall) until_ = now_ + static_cast<uint64_t>(stall * period);
        if (!trouble.drop()) bytes_.push_back(byte_);
        if (trouble.twice()) bytes_.push_back(byte_);
        trouble.byte();
    }

    std::deque<uint8_t> bytes_;
    unsigned left_ = 0, byte_ = 0;
    double due_ = 0;
    uint64_t now_ = 0, until_ = 0;
    bool before_ = true;
};

class Board {
  public:
    explicit Board(double clock_hz) : top_{&context_}, clock_hz_{clock_hz} {
        set_baud(kDefaultBaud);
        top_.clk = 0;
        top_.rx = 1;
        top_.eval();
    }
    ~Board() { top_.final(); }

    void attach(int terminal) {
        terminal_ = terminal;
        sender.bytes.clear();
    }

    // Clocks the board; sleeps up to wait_ms and returns once nothing moves any more; below 0 it
    // never sleeps.
    void run(uint64_t clocks, int wait_ms) {
        const uint64_t end = cycles_ + clocks;
        while (cycles_ < end) {
            exchange();
            if (wait_ms >= 0 && settled()) {
                pollfd look{terminal_, POLLIN, 0};  // a terminal below 0 only waits
                if (poll(&look, 1, wait_ms) <= 0 || !(look.revents & POLLIN)) return;
                continue;
            }
            for (int i = 0; i < kSlice; ++i) clock();
        }
    }

    uint64_t cycles() const { return cycles_; }
    double baud() const { return baud_; }
    bool busy() const { return top_.busy; }

    Sender sender;
    Receiver receiver;

  private:
    void clock() {
        top_.rx = sender.level(period_);
        top_.clk = 1;
        top_.eval();
        top_.clk = 0;
        top_.eval();
        receiver.clock(top_.tx, period_);
        ++cycles_;
    }

    bool settled() {
        if (!sender.quiet() || !receiver.quiet() || top_.busy || !top_.tx) moved_ = cycles_;
        return static_cast<double>(cycles_ - moved_) > kSettleSeconds * clock_hz_;
    }

    void exchange() {
        receiver.at(cycles_);
        uint8_t buffer[kQueueBytes];
        size_t count = 0;
        while (count < sizeof buffer && receiver.take(cycles_, buffer[count])) ++count;
        if (terminal_ < 0) return;
        // Nobody reads and the system's buffer is full: a serial port loses bytes then.
        const ssize_t written = count ? write(terminal_, buffer, count) : 0;
        receiver.trouble.counts.lost += count - (written > 0 ? static_cast<size_t>(written) : 0);
        const size_t room = kQueueBytes - std::min(kQueueBytes, sender.bytes.size());
        const ssize_t got = room ? read(terminal_, buffer, room) : 0;
        if (got > 0) sender.bytes.insert(sender.bytes.end(), buffer, buffer + got);
        follow_baud();  // after reading: a host sets the rate first and writes then
    }

    void follow_baud() {
#ifdef __linux__
        termios2 settings{};
        if (ioctl(terminal_, TCGETS2, &settings) == 0 && settings.c_ospeed)
            set_baud(settings.c_ospeed);
#else
        termios settings{};
        if (tcgetattr(terminal_, &settings) == 0 && cfgetospeed(&settings))
            set_baud(static_cast<double>(cfgetospeed(&settings)));
#endif
    }

    void set_baud(double baud) {
        baud_ = baud;
        period_ = clock_hz_ / baud;
    }

    VerilatedContext context_;
    Vtop top_;
    double clock_hz_, baud_ = 0, period_ = 0;
    int terminal_ = -1;
    uint64_t cycles_ = 0, moved_ = 0;
};

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Board* board_create(double clock_hz) { return new Board{clock_hz}; }
API void board_destroy(Board* board) { delete board; }

// The terminal's master side from now on, not blocking; below 0: nothing is plugged in.
API void board_attach(Board* board, int terminal) { board->attach(terminal); }
API void board_run(Board* board, uint64_t clocks, int wait_ms) { board->run(clocks, wait_ms); }
API void board_faults(Board* board, bool to_board, const Faults* faults) {
    (to_board ? board->sender.trouble : board->receiver.trouble).set(*faults);
}
API void board_counts(const Board* board, bool to_board, Counts* counts) {
    *counts = (to_board ? board->sender.trouble : board->receiver.trouble).counts;
}
API uint64_t board_cycles(const Board* board) { return board->cycles(); }
API double board_baud(const Board* board) { return board->baud(); }
API bool board_busy(const Board* board) { return board->busy(); }
