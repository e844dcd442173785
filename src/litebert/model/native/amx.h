// AMX: products of bf16, and of unsigned by signed bytes, several times as fast as by AVX-512.

#pragma once

#include "numbers.h"

#if defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AMX_INT8__)
#define AMX
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace amx {

constexpr int64_t TALL = 32, BROAD = 32;  // Of the sums that are worked out at once: two tiles by two.
constexpr int64_t STEPS = 16;             // So many words of a row are multiplied together.

#ifdef AMX

constexpr bool COMPILED = true;

// Whether the system lets this process use it: asked once, for all threads.
inline bool granted() {
    constexpr long ASK = 0x1023, DATA = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    static const bool granted = syscall(SYS_arch_prctl, ASK, DATA) == 0;
    return granted;
}

// Compilers do not see that tiles are loaded from memory: what was written must be there by then.
inline void settled(const void *at) { asm volatile("" : : "r"(at) : "memory"); }

// How many rows this thread's tiles have; 0 where nobody knows.
inline thread_local int64_t rows_now = 0;

struct Use {  // As long as it lives, its thread may multiply. What others did with tiles before is forgotten.
    Use() { rows_now = 0; }
    ~Use() {
        if (rows_now) _tile_release();
    }
    Use(const Use &) = delete;
};

// From now on so many rows, up to TALL, are multiplied. Tiles 0 to 3 are sums, two by two; 4 and 5 are the
// left side's, 6 and 7 the right side's.
inline void shape(int64_t rows) {
    if (rows == rows_now) return;
    rows_now = rows;
    struct alignas(64) {
        uint8_t palette = 1, start = 0, reserved[14] = {};
        uint16_t bytes[16] = {};
        uint8_t rows[16] = {};
    } all;
    const uint8_t upper = std::min<int64_t>(rows, 16), lower = std::max<int64_t>(rows - 16, 1);
    const uint8_t tall[] = {upper, upper, lower, lower, upper, lower, 16, 16};
    for (int t = 0; t < 8; t++) all.bytes[t] = 64, all.rows[t] = tall[t];
    settled(&all);
    _tile_loadconfig(&all);
}

#define MORE(sums, a, b)          \
    if constexpr (sizeof(A) == 1) \
        _tile_dpbusd(sums, a, b); \
    else                          \
        _tile_dpbf16ps(sums, a, b)

template <class A>
inline void upper(const char *a, int64_t a_row, const char *b, int64_t b_row, char *sums, int64_t sums_row,
                  int64_t blocks, bool add) {
    _tile_zero(0);
    _tile_zero(1);
    if (add) {
        _tile_loadd(0, sums, sums_row);
        _tile_loadd(1, sums + 64, sums_row);
    }
    for (int64_t k = 0; k < blocks; k++, a += 64, b += STEPS * b_row) {
        _tile_loadd(4, a, a_row);
        _tile_loadd(6, b, b_row);
        _tile_loadd(7, b + 64, b_row);
        MORE(0, 4, 6);
        MORE(1, 4, 7);
    }
    _tile_stored(0, sums, sums_row);
    _tile_stored(1, sums + 64, sums_row);
}

template <class A>
inline void both(const char *a, int64_t a_row, const char *b, int64_t b_row, char *sums, int64_t sums_row,
                 int64_t blocks, bool add) {
    const char *below = a + 16 * a_row;
    char *sums_below = sums + 16 * sums_row;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (add) {
        _tile_loadd(0, sums, sums_row);
        _tile_loadd(1, sums + 64, sums_row);
        _tile_loadd(2, sums_below, sums_row);
        _tile_loadd(3, sums_below + 64, sums_row);
    }
    for (int64_t k = 0; k < blocks; k++, a += 64, below += 64, b += STEPS * b_row) {
        _tile_loadd(6, b, b_row);
        _tile_loadd(4, a, a_row);
        _tile_loadd(7, b + 64, b_row);
        _tile_loadd(5, below, a_row);
        MORE(0, 4, 6);
        MORE(1, 4, 7);
        MORE(2, 5, 6);
        MORE(3, 5, 7);
    }
    _tile_stored(0, sums, sums_row);
    _tile_stored(1, sums + 64, sums_row);
    _tile_stored(2, sums_below, sums_row);
    _tile_stored(3, sums_below + 64, sums_row);
}
#undef MORE

// sums [rows, 32] = a [rows, blocks * STEPS words] b [blocks * STEPS, 32 words], or added to it: all rows of
// `shape`, words of 4 bytes, and each matrix's rows so many bytes apart.
template <class A>
inline void multiply(const void *a, int64_t a_row, const void *b, int64_t b_row, void *sums, int64_t sums_row,
                     int64_t blocks, bool add = false) {
    settled(a);
    const auto all = rows_now > 16 ? both<A> : upper<A>;
    all((const char *)a, a_row, (const char *)b, b_row, (char *)sums, sums_row, blocks, add);
}

#else

constexpr bool COMPILED = false;
inline bool granted() { return false; }
struct Use {
    Use() {}
};
inline void shape(int64_t) {}
template <class A>
inline void multiply(const void *, int64_t, const void *, int64_t, void *, int64_t, int64_t, bool = false) {}

#endif

}  // namespace amx
