// The functions of an encoder that answers, 16 numbers at a time, by AVX-512. A is what they are then rounded
// to: float, bf16 or bytes.

#pragma once

#include <immintrin.h>

#include "numbers.h"

namespace {

inline __m512 vector(const float *x, __mmask16 which = 0xffff) { return _mm512_maskz_loadu_ps(which, x); }

// What is then rounded to A, and so as exactly as A can tell: for float to 2e-7 of the value, else to 4e-5.
template <class A>
inline __m512 exponential(__m512 x) {
    x = _mm512_max_ps(_mm512_set1_ps(-104), x);  // 0 below. In this order what is not a number stays so.
    const __m512 y = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), n = _mm512_roundscale_ps(y, 8);
    if constexpr (std::is_same_v<A, float>) {  // Cephes' expf.
        const __m512 f = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f),
                                          _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x));
        __m512 p = _mm512_set1_ps(1.9875691500e-4f);
        for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                        5.0000001201e-1f, 1.f, 1.f})
            p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(c));
        return _mm512_scalef_ps(p, n);
    } else {  // The series of 2^f.
        const __m512 f = _mm512_sub_ps(y, n);
        __m512 p = _mm512_set1_ps(9.6181291e-3f);
        for (float c : {5.5504109e-2f, 0.24022651f, 0.69314718f, 1.f})
            p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(c));
        return _mm512_scalef_ps(p, n);
    }
}

inline __m512 over(__m512 x) {  // 1 / x
    const __m512 y = _mm512_rcp14_ps(x);
    return _mm512_mul_ps(y, _mm512_fnmadd_ps(x, y, _mm512_set1_ps(2)));
}

inline __m512 gelu_new(__m512 x) {  // x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))
    const __m512 cubic = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(0.044715f), _mm512_set1_ps(1));
    const __m512 steep = _mm512_mul_ps(_mm512_mul_ps(x, _mm512_set1_ps(-1.5957691216057308f)), cubic);
    const __m512 below = exponential<float>(_mm512_min_ps(steep, _mm512_set1_ps(80)));
    return _mm512_mul_ps(x, over(_mm512_add_ps(_mm512_set1_ps(1), below)));
}

inline __m512 gelu(__m512 x) {  // x (1 + erf(x / sqrt 2)) / 2; erf by Abramowitz and Stegun 7.1.26, to 2e-7.
    const __m512 z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678f)), one = _mm512_set1_ps(1);
    const __m512 t = over(_mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911f), one));
    __m512 p = _mm512_set1_ps(1.061405429f);
    for (float c : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f})
        p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(c));
    const __m512 rest = _mm512_mul_ps(
        _mm512_mul_ps(p, t), exponential<float>(_mm512_mul_ps(_mm512_sub_ps(_mm512_setzero_ps(), z), z)));
    const __m512 half = _mm512_mul_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.5f)), rest);
    return _mm512_mask_sub_ps(half, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GE_OQ), x, half);
}

// What GELU is below max(0, x), by |x|: 32 parabolas through three points each of a form of GELU, to 2e-5.
struct Below {
    static constexpr int64_t PARTS = 32;
    static constexpr float END = 5.25f, WIDTH = END / PARTS;  // 0 from there on.
    alignas(64) float by[3][PARTS]{};                         // 1, |x| and its square.

    explicit Below(double (*share)(double)) {
        for (int64_t part = 0; part < PARTS - 1; part++) {  // The one around its multiple of WIDTH.
            double x[3], y[3];
            for (int64_t i = 0; i < 3; i++) {
                x[i] = (part ? part + 0.433 * (i - 1) : 0.25 * i) * WIDTH;
                y[i] = x[i] * (1 - share(x[i]));
            }
            const double first = (y[1] - y[0]) / (x[1] - x[0]), second = (y[2] - y[1]) / (x[2] - x[1]);
            const double square = (second - first) / (x[2] - x[0]);
            by[2][part] = square, by[1][part] = first - square * (x[0] + x[1]);
            by[0][part] = y[0] - x[0] * (first - square * x[1]);
        }
    }
};
const Below BELOW[] = {
    Below([](double x) { return 1 / (1 + std::exp(-1.5957691216057308 * (x + 0.044715 * x * x * x))); }),
    Below([](double x) { return (1 + std::erf(x * 0.70710678118654752)) / 2; }),
};

enum { GELU_NEW, GELU, RELU };

template <class A>
struct Activated {  // As exactly as A can tell.
    int64_t which;
    __m512 by[3][2];

    explicit Activated(int64_t which) : which(which) {
        if (which != RELU)
            for (int64_t i = 0; i < 6; i++) by[i / 2][i % 2] = vector(BELOW[which].by[i / 2] + i % 2 * WIDE);
    }
    __m512 operator()(__m512 x) const {
        const __m512 positive = _mm512_max_ps(_mm512_setzero_ps(), x);
        if (which == RELU) return positive;
        if constexpr (std::is_same_v<A, float>) return which == GELU ? gelu(x) : gelu_new(x);
        const __m512 u = _mm512_min_ps(_mm512_set1_ps(Below::END - Below::WIDTH), _mm512_abs_ps(x));
        const __m512i part =
            (__m512i)_mm512_fmadd_ps(u, _mm512_set1_ps(1 / Below::WIDTH), _mm512_set1_ps(ROUND));
        const auto c = [&](int64_t i) { return _mm512_permutex2var_ps(by[i][0], part, by[i][1]); };
        return _mm512_sub_ps(positive, _mm512_fmadd_ps(_mm512_fmadd_ps(c(2), u, c(1)), u, c(0)));
    }
};

inline __m512 tangent(__m512 x) {  // tanh x = 1 - 2 / (1 + exp 2x)
    // In this order of `min` what is not a number stays so.
    const __m512 one = _mm512_set1_ps(1), two = _mm512_set1_ps(2);
    const __m512 up = exponential<float>(_mm512_min_ps(_mm512_set1_ps(80), _mm512_mul_ps(two, x)));
    return _mm512_fnmadd_ps(two, over(_mm512_add_ps(one, up)), one);
}

}  // namespace
