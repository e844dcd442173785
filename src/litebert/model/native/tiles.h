// A tile of a product: some rows by a panel of 32 columns, its sums in registers. Two units have it:
// AVX-512's vectors, and AMX, which multiplies bf16 and bytes several times as fast.
//
// Numbers of type A are multiplied: float; bf16; or unsigned bytes by signed ones. A panel is
// [steps][32][STEP], its steps filled up with zeros to whole tiles of AMX.

#pragma once

#include <immintrin.h>

#if defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AMX_INT8__)
#define AMX
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "numbers.h"

namespace {

typedef uint8_t byte;

constexpr int64_t BROAD = 32;  // Columns of a panel.

template <class A>
constexpr int64_t STEP = 4 / sizeof(A);  // Neighbours along the inputs that one instruction takes together.

// Steps of a panel for so many inputs.
template <class A>
int64_t deep(int64_t inputs) {
    return parts(inputs, 16 * STEP<A>) * 16;
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
    struct Use {};                         // As long as it lives, its thread may multiply.

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

#ifdef AMX

// Whether the system lets this process use it: asked once, for all threads.
inline bool granted() {
    constexpr long ASK = 0x1023, DATA = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    static const bool granted = syscall(SYS_arch_prctl, ASK, DATA) == 0;
    return granted;
}

#define MORE(sums, a, b)          \
    if constexpr (sizeof(A) == 1) \
        _tile_dpbusd(sums, a, b); \
    else                          \
        _tile_dpbf16ps(sums, a, b)

constexpr int64_t LINE = 4 * BROAD;  // Bytes of a step of a panel, and of a row of sums.

// How many rows this thread's tiles have; 0 where they have none.
thread_local int64_t rows_of_tiles = 0;

template <class A>
struct Matrices {
    static constexpr int64_t TALL = 32;
    static constexpr bool FILLED = true;
    struct Use {  // Whatever was before, other libraries' tiles among it, is forgotten.
        Use() { rows_of_tiles = 0; }
        ~Use() { _tile_release(); }
        Use(const Use &) = delete;
    };

    int64_t rows, steps;

    // 0 to 3 are sums, two by two; 4 and 5 of a; 6 and 7 of a panel.
    Matrices(int64_t rows, int64_t steps) : rows(rows), steps(parts(steps, 16)) {
        if (rows == rows_of_tiles) return;
        rows_of_tiles = rows;
        struct alignas(64) {
            uint8_t palette = 1, start = 0, reserved[14] = {};
            uint16_t bytes[16] = {};
            uint8_t rows[16] = {};
        } shape;
        const uint8_t upper = std::min<int64_t>(rows, 16), lower = std::max<int64_t>(rows - 16, 1);
        const uint8_t tall[] = {upper, upper, lower, lower, upper, lower, 16, 16};
        for (int t = 0; t < 8; t++) shape.bytes[t] = 64, shape.rows[t] = tall[t];
        settled(&shape);
        _tile_loadconfig(&shape);
    }

    // All rows are worked out, though fewer may be asked for: a, and sums, must have them.
    void multiply(int64_t, const A *a, int64_t a_row, const char *panel, Sum<A> *sums, const char *,
                  int64_t) const {
        settled(a);
        if (rows > 16)
            both((const char *)a, a_row * sizeof(A), panel, sums);
        else
            upper((const char *)a, a_row * sizeof(A), panel, sums);
    }

  private:
    // Compilers do not see that tiles are loaded from memory: what was written must be there by then.
    static void settled(const void *at) { asm volatile("" : : "r"(at) : "memory"); }

    void both(const char *left, int64_t row, const char *panel, Sum<A> *sums) const {
        const char *below = left + 16 * row;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t k = 0; k < steps; k++, left += 64, below += 64, panel += 16 * LINE) {
            _tile_loadd(6, panel, LINE);
            _tile_loadd(4, left, row);
            _tile_loadd(7, panel + 64, LINE);
            _tile_loadd(5, below, row);
            MORE(0, 4, 6);
            MORE(1, 4, 7);
            MORE(2, 5, 6);
            MORE(3, 5, 7);
        }
        _tile_stored(0, sums, LINE);
        _tile_stored(1, sums + 1, LINE);
        _tile_stored(2, sums + 32, LINE);
        _tile_stored(3, sums + 33, LINE);
    }

    void upper(const char *left, int64_t row, const char *panel, Sum<A> *sums) const {
        _tile_zero(0);
        _tile_zero(1);
        for (int64_t k = 0; k < steps; k++, left += 64, panel += 16 * LINE) {
            _tile_loadd(4, left, row);
            _tile_loadd(6, panel, LINE);
            _tile_loadd(7, panel + 64, LINE);
            MORE(0, 4, 6);
            MORE(1, 4, 7);
        }
        _tile_stored(0, sums, LINE);
        _tile_stored(1, sums + 1, LINE);
    }
};
#undef MORE
#else
inline bool granted() { return false; }
template <class A>
using Matrices = Vectors<A>;
#endif

}  // namespace
