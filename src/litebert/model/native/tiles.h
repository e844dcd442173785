// A tile of a product: some rows by a panel of 32 columns, its sums in registers. Two units have it:
// AVX-512's vectors, and AMX, which multiplies bf16 and bytes several times as fast.
//
// Numbers of type A are multiplied: float; bf16; or unsigned bytes by signed ones. A panel is
// [steps][32][STEP], its steps filled up with zeros to whole tiles of AMX.

#pragma once

#include <immintrin.h>

#include "amx.h"
#include "numbers.h"

namespace {

typedef uint8_t byte;

constexpr int64_t BROAD = 32;  // Columns of a panel.
static_assert(BROAD == amx::BROAD);

// Steps of a panel for so many inputs.
template <class A>
int64_t deep(int64_t inputs) {
    return parts(inputs, amx::STEPS * STEP<A>) * amx::STEPS;
}

template <class A>
struct Summed {
    typedef __m512 type;
};
template <>
struct Summed<byte> {
    typedef __m512i type;
};
template <class A>
using Sum = typename Summed<A>::type;

// ---- AVX-512 ----------------------------------------------------------------------------------------------

inline __m512 more(const float *a, const char *b, __m512 sum) {
    return _mm512_fmadd_ps(_mm512_set1_ps(*a), _mm512_loadu_ps(b), sum);
}
#ifdef __AVX512BF16__
inline __m512 more(const bf16 *a, const char *b, __m512 sum) {
    int32_t pair;
    std::memcpy(&pair, a, 4);
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(pair), (__m512bh)_mm512_loadu_si512(b));
}
#endif
#ifdef __AVX512VNNI__
inline __m512i more(const byte *a, const char *b, __m512i sum) {
    int32_t four;
    std::memcpy(&four, a, 4);
    // In assembler, as compilers otherwise keep half of the sums in memory.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(_mm512_set1_epi32(four)), "v"(_mm512_loadu_si512(b)));
    return sum;
}
#endif

// sums [R, 32] = a [R, steps * STEP] by one panel. Rows are reached from every third, as addresses are
// cheap so.
template <class A, int R>
void tile(const A *a, int64_t a_row, const char *panel, int64_t steps, Sum<A> *sums, const char *ahead,
          int64_t stride) {
    Sum<A> sum[R][2];
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) sum[r][0] = sum[r][1] = Sum<A>{};
    const A *third[4] = {a, a + 3 * a_row, a + 6 * a_row, a + 9 * a_row};
    for (int64_t k = 0; k < steps; k++, panel += 4 * BROAD, ahead += stride) {
        _mm_prefetch(ahead, _MM_HINT_T1);
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) {
            sum[r][0] = more(third[r / 3] + r % 3 * a_row, panel, sum[r][0]);
            sum[r][1] = more(third[r / 3] + r % 3 * a_row, panel + 64, sum[r][1]);
        }
        for (auto &row : third) row += STEP<A>;
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) sums[2 * r] = sum[r][0], sums[2 * r + 1] = sum[r][1];
}

template <class A>
using Tile = void (*)(const A *, int64_t, const char *, int64_t, Sum<A> *, const char *, int64_t);
template <class A>
constexpr Tile<A> TILES[] = {nullptr,     tile<A, 1>,  tile<A, 2>, tile<A, 3>, tile<A, 4>,
                             tile<A, 5>,  tile<A, 6>,  tile<A, 7>, tile<A, 8>, tile<A, 9>,
                             tile<A, 10>, tile<A, 11>, tile<A, 12>};

struct Cut {  // Rows, in parts about as high as each other.
    int64_t rows, count;
    Cut(int64_t rows, int64_t most) : rows(rows), count(parts(rows, most)) {}
    int64_t from(int64_t part) const { return rows * part / count; }
    int64_t height(int64_t part) const { return from(part + 1) - from(part); }
    int64_t highest() const { return parts(rows, count); }
};

template <class A>
struct Vectors {
    static constexpr int64_t TALL = 12;     // Rows of a tile at most.
    static constexpr int64_t TOGETHER = 1;  // So many tiles, one below the other, are worked out at once.
    static constexpr bool FILLED = false;   // Whether rows must be filled up as panels are.
    struct Use {};                          // As `amx::Use`.

    int64_t steps;
    Vectors(int64_t, int64_t steps) : steps(steps) {}

    // sums [TOGETHER][TALL, 32] = a [rows, steps * STEP] by one panel, for the parts of `cut` from `part` on;
    // the next panel is fetched meanwhile.
    void multiply(const Cut &cut, int64_t part, const A *a, int64_t a_row, const char *panel,
                  Sum<A> *sums) const {
        const int64_t bytes = deep<A>(steps * STEP<A>) * 4 * BROAD, stride = 128 / cut.count;
        TILES<A>[cut.height(part)](a + cut.from(part) *a_row, a_row, panel, steps, sums,
                                   panel + bytes + part *(bytes / cut.count), stride);
    }
};

// ---- AMX --------------------------------------------------------------------------------------------------

template <class A>
struct Matrices {
    static constexpr int64_t TALL = amx::TALL;
    static constexpr int64_t TOGETHER = 5;
    static constexpr bool FILLED = true;
    typedef amx::Use Use;

    int64_t blocks;
    Matrices(int64_t rows, int64_t steps) : blocks(parts(steps, amx::STEPS)) { amx::shape(rows); }

    // Parts that are lower than the highest have a row too many worked out: sums have a place for it. Some
    // blocks of the panel at a time, which then stay in the cache next to the registers.
    void multiply(const Cut &cut, int64_t part, const A *a, int64_t a_row, const char *panel,
                  Sum<A> *sums) const {
        constexpr int64_t line = 4 * BROAD, block = amx::STEPS * STEP<A>;
        const int64_t passes = parts(blocks, 12), last = std::min(cut.count, part + TOGETHER);
        for (int64_t pass = 0; pass < passes; pass++) {
            const int64_t from = blocks * pass / passes, count = blocks * (pass + 1) / passes - from;
            for (int64_t t = part; t < last; t++)
                amx::multiply<A>(a + cut.from(t) * a_row + from * block, a_row * sizeof(A),
                                 panel + from * amx::STEPS * line, line, sums + (t - part) * TALL * 2, line,
                                 count, pass > 0);
        }
    }
};

}  // namespace
