// Numbers in fp32 and bf16, one by one and a vector at a time, for all kernels.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

constexpr int64_t WIDE = 16;  // Numbers in a vector.

template <class T>
constexpr int64_t STEP = 4 / sizeof(T);  // Neighbours along a sum that one instruction takes together.

inline int64_t parts(int64_t n, int64_t most) { return (n + most - 1) / most; }

typedef float lanes __attribute__((vector_size(WIDE * sizeof(float)), aligned(4), may_alias));

struct bf16 {
    uint16_t bits;
};

inline float number(float x) { return x; }
inline float number(bf16 x) { return __builtin_bit_cast(float, uint32_t(x.bits) << 16); }
inline void put(float &to, float x) { to = x; }
inline void put(float &to, bf16 x) { to = number(x); }
inline void put(bf16 &to, bf16 x) { to = x; }
inline void put(bf16 &to, float x) {  // To the nearest, ties to even; not a number stays none.
    uint32_t bits = __builtin_bit_cast(uint32_t, x);
    uint32_t nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    to.bits = uint16_t(x == x ? nearest : 0x7fc0);
}

// ---- a vector at a time -----------------------------------------------------------------------------------

typedef uint16_t halves __attribute__((vector_size(WIDE * sizeof(uint16_t)), aligned(2), may_alias));
typedef uint32_t words __attribute__((vector_size(WIDE * sizeof(uint32_t)), may_alias));

inline lanes at(const float *x) { return *(const lanes *)x; }
inline lanes at(const bf16 *x) { return (lanes)(__builtin_convertvector(*(const halves *)x, words) << 16); }

inline void put(float *to, lanes x) { *(lanes *)to = x; }
inline void put(bf16 *to, lanes x) {  // As one by one.
#ifdef __AVX512BF16__
    *(halves *)to = (halves)_mm512_cvtneps_pbh((__m512)x);
#else
    const words bits = (words)x, nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    *(halves *)to = __builtin_convertvector(x == x ? nearest : words{} + 0x7fc0, halves);
#endif
}

// Only the first `count` numbers, `rest` in place of the others.
template <class T>
inline lanes at(const T *x, int64_t count, float rest) {
    if (count == WIDE) return at(x);
    float whole[WIDE];
    for (int64_t i = 0; i < WIDE; i++) whole[i] = i < count ? number(x[i]) : rest;
    return at(whole);
}
template <class T>
inline void put(T *to, lanes x, int64_t count) {
    if (count == WIDE) return put(to, x);
    T whole[WIDE];
    put(whole, x);
    std::memcpy(to, whole, count * sizeof(T));
}

// f(j, n) for each vector of a row: that from j on, of which n numbers are there.
template <class F>
inline void vectors(int64_t count, F f) {
    int64_t j = 0;
    for (; j + WIDE <= count; j += WIDE) f(j, std::integral_constant<int64_t, WIDE>());
    if (j < count) f(j, count - j);
}

// What is not a number stays so.
inline lanes within(lanes x, float least, float most) {
    x = x > most ? lanes{} + most : x;
    return x < least ? lanes{} + least : x;
}

constexpr float ROUND = 12582912;  // 3 * 2^22: what it is added to has its whole number in the last bits.

// 2^n, where n was added to ROUND; 0 for -127.
inline lanes power(lanes shifted) { return (lanes)(((words)shifted << 23) + 0x3f800000); }

inline lanes exponential(lanes x) {  // Cephes' expf, to 2e-7 of the value; 0 below -87, e^88 above 88.
    x = within(x, -88, 88);
    const lanes shifted = x * 1.44269504f + ROUND, n = shifted - ROUND;
    const lanes f = x - n * 0.693359375f + n * 2.12194440e-4f;
    lanes p = f * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    return (p * f * f + f + 1) * power(shifted);
}

inline lanes power_of_2(lanes y) {  // To 4e-5 of the value, for bf16; 0 below -126, 2^126 above.
    y = within(y, -127, 126);
    const lanes shifted = y + ROUND, f = y - (shifted - ROUND);
    lanes p = f * 9.6181291e-3f + 5.5504109e-2f;
    p = p * f + 0.24022651f;
    p = p * f + 0.69314718f;
    return (p * f + 1) * power(shifted);
}

// exp(scale * x - less), as exactly as T can tell
template <class T>
inline lanes exponential(lanes x, float scale, float less) {
    constexpr float E = 1.44269504f;  // The logarithm of e to the base of 2.
    if constexpr (std::is_same_v<T, bf16>) return power_of_2(x * (E * scale) - E * less);
    return exponential(x * scale - less);
}

template <class T>
inline lanes inverse(lanes x) {  // 1 / x, as exactly as T can tell
#ifdef __AVX512F__
    if constexpr (std::is_same_v<T, bf16>) return (lanes)_mm512_rcp14_ps((__m512)x);
#endif
    return 1 / x;
}

// ---- the sum and the highest of a row, in an order of its own that allows vectors -------------------------

inline float sum_of(lanes x) {
    float part[WIDE];
    std::memcpy(part, &x, sizeof x);
    for (int64_t n = WIDE / 2; n; n /= 2)
        for (int64_t i = 0; i < n; i++) part[i] += part[i + n];
    return part[0];
}

template <class T>
inline float highest_of(const T *x, int64_t count) {
    lanes most = lanes{} - INFINITY;
    vectors(count, [&](int64_t j, auto n) {
        const lanes y = at(x + j, n, -INFINITY);
        most = y > most ? y : most;
    });
    float highest = most[0];
    for (int64_t i = 1; i < WIDE; i++) highest = std::max(highest, most[i]);
    return highest;
}

// ---- dropout by counter, as `dropout.kept` has it ---------------------------------------------------------

inline bool kept(int32_t row, int32_t column, int32_t least) {
    uint32_t h = uint32_t(row ^ column) * 2654435761u;
    h = (h ^ (h >> 15)) * 2246822519u;
    h ^= h >> 13;
    return int32_t(h & 0x7fffffff) >= least;
}

}  // namespace
