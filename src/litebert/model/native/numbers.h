// Numbers in fp32 and bf16, one by one and a vector at a time, for all kernels.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

constexpr int64_t WIDE = 16;  // Numbers in a vector.

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

constexpr float ROUND = 12582912;  // 3 * 2^22: what it is added to has its whole number in the last bits.

inline float exponential(float x) {  // Cephes' expf, to 2e-7 of the value; 0 below -87, e^88 above 88.
    x = std::max(std::min(x, 88.f), -88.f);  // In this order what is not a number stays so.
    float shifted = x * 1.44269504f + ROUND, n = shifted - ROUND;
    float f = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    uint32_t power = (__builtin_bit_cast(uint32_t, shifted) << 23) + 0x3f800000;
    return (p * f * f + f + 1) * __builtin_bit_cast(float, power);
}

inline float power_of_2(float y) {  // To 4e-5 of the value, for bf16; 0 below -126, 2^126 above.
    y = std::max(std::min(y, 126.f), -127.f);
    float shifted = y + ROUND, f = y - (shifted - ROUND);
    float p = 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 0.24022651f;
    p = p * f + 0.69314718f;
    p = p * f + 1.f;
    return p * __builtin_bit_cast(float, (__builtin_bit_cast(uint32_t, shifted) << 23) + 0x3f800000);
}

// ---- the sum and the highest of a row, in an order of its own that allows vectors -------------------------

typedef uint16_t halves __attribute__((vector_size(WIDE * sizeof(uint16_t)), aligned(2), may_alias));
typedef uint32_t words __attribute__((vector_size(WIDE * sizeof(uint32_t))));

inline lanes at(const float *x) { return *(const lanes *)x; }
inline lanes at(const bf16 *x) { return (lanes)(__builtin_convertvector(*(const halves *)x, words) << 16); }

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
    int64_t j = 0;
    for (; j + WIDE <= count; j += WIDE) most = at(x + j) > most ? at(x + j) : most;
    float part[WIDE];
    std::memcpy(part, &most, sizeof most);
    for (; j < count; j++) part[0] = std::max(part[0], number(x[j]));
    for (int64_t n = WIDE / 2; n; n /= 2)
        for (int64_t i = 0; i < n; i++) part[i] = part[i] > part[i + n] ? part[i] : part[i + n];
    return part[0];
}

// ---- dropout by counter, as `dropout.kept` has it ---------------------------------------------------------

inline bool kept(int32_t row, int32_t column, int32_t least) {
    uint32_t h = uint32_t(row ^ column) * 2654435761u;
    h = (h ^ (h >> 15)) * 2246822519u;
    h ^= h >> 13;
    return int32_t(h & 0x7fffffff) >= least;
}

}  // namespace
