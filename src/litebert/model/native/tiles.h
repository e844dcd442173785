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

template <class A>
constexpr int64_t STEP = 4 / sizeof(A);  // Neighbours along the inputs that one instruction takes together.

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

template <class A>
struct Vectors {
    static constexpr int64_t TALL = 12;    // Rows of a tile at most.
    static constexpr bool FILLED = false;  // Whether rows must be filled up as panels are.
    struct Use {};                         // As `amx::Use`.

    int64_t steps;
    Vectors(int64_t, int64_t steps) : steps(steps) {}

    // sums [height, 32] = a [height, steps * STEP] by one panel; what lies `ahead` is fetched, `stride` bytes
    // a step.
    void multiply(int64_t height, const A *a, int64_t a_row, const char *panel, Sum<A> *sums,
                  const char *ahead, int64_t stride) const {
        TILES<A>[height](a, a_row, panel, steps, sums, ahead, stride);
    }
};

// ---- AMX --------------------------------------------------------------------------------------------------

template <class A>
struct Matrices {
    static constexpr int64_t TALL = amx::TALL;
    static constexpr bool FILLED = true;
    typedef amx::Use Use;

    int64_t steps;
    Matrices(int64_t rows, int64_t steps) : steps(steps) { amx::shape(rows); }

    // All rows are worked out, though fewer may be asked for: a, and sums, must have them.
    void multiply(int64_t, const A *a, int64_t a_row, const char *panel, Sum<A> *sums, const char *,
                  int64_t) const {
        constexpr int64_t line = 4 * BROAD;
        amx::multiply<A>(a, a_row * sizeof(A), panel, line, sums, line, parts(steps, amx::STEPS));
    }
};

}  // namespace
