// What a training step does between its matrix products but for attention, each in one pass over memory.
//
// Compiled once on the machine that it runs on (`compiling.py`); torch's own operators are the fallback and
// the judge. Every sum is in fp32 and in an order that depends on nothing but the number of threads.
//
// Shapes: N pieces, H hidden, V vocabulary; all tensors in rows, without gaps.

#include <vector>

#include "ending.h"
#include "numbers.h"

namespace {

// ---- the norm of a sum ------------------------------------------------------------------------------------

// sum [N, H] = x + y, z = norm(sum) * weight + bias; seen [N, 2] has each row's mean and 1 / deviation.
template <class T>
void norm_forward(int64_t rows, int64_t width, int64_t threads, float epsilon, const T *x, const T *y,
                  const float *weight, const float *bias, T *sum, T *z, float *seen) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        T *s = sum + i * width, *out = z + i * width;
        const T *a = x + i * width, *b = y + i * width;
        float mean = 0, square = 0;
#pragma omp simd reduction(+ : mean)
        for (int64_t j = 0; j < width; j++) {
            put(s[j], number(a[j]) + number(b[j]));
            mean += number(s[j]);
        }
        mean /= width;
#pragma omp simd reduction(+ : square)
        for (int64_t j = 0; j < width; j++) square += (number(s[j]) - mean) * (number(s[j]) - mean);
        float scale = 1 / std::sqrt(square / width + epsilon);
#pragma omp simd
        for (int64_t j = 0; j < width; j++) put(out[j], (number(s[j]) - mean) * scale * weight[j] + bias[j]);
        seen[2 * i] = mean, seen[2 * i + 1] = scale;
    }
}

// dz [N, H] -> dsum [N, H]; dweight, dbias [H], fp32.
template <class T>
void norm_backward(int64_t rows, int64_t width, int64_t threads, const T *dz, const T *sum,
                   const float *weight, const float *seen, T *dsum, float *dweight, float *dbias) {
    std::vector<float> parts(threads * 2 * width);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int64_t part = 0; part < threads; part++) {
        float *dw = parts.data() + part * 2 * width, *db = dw + width;
        for (int64_t i = rows * part / threads; i < rows * (part + 1) / threads; i++) {
            const T *d = dz + i * width, *s = sum + i * width;
            T *out = dsum + i * width;
            float mean = seen[2 * i], scale = seen[2 * i + 1], all = 0, along = 0;
#pragma omp simd reduction(+ : all, along)
            for (int64_t j = 0; j < width; j++) {
                float g = number(d[j]), x = (number(s[j]) - mean) * scale;
                dw[j] += g * x;
                db[j] += g;
                all += g * weight[j];
                along += g * weight[j] * x;
            }
            all /= width, along /= width;
#pragma omp simd
            for (int64_t j = 0; j < width; j++) {
                float x = (number(s[j]) - mean) * scale;
                put(out[j], (number(d[j]) * weight[j] - all - x * along) * scale);
            }
        }
    }
    for (int64_t j = 0; j < width; j++) {
        dweight[j] = dbias[j] = 0;
        for (int64_t part = 0; part < threads; part++) {
            dweight[j] += parts[part * 2 * width + j];
            dbias[j] += parts[part * 2 * width + width + j];
        }
    }
}

// ---- how likely words are ---------------------------------------------------------------------------------

// Whether every aim is a word.
bool named(int64_t rows, int64_t width, const int64_t *aims) {
    return std::all_of(aims, aims + rows, [&](int64_t aim) { return 0 <= aim && aim < width; });
}

// scores [N, V], aims [N] -> ln p(aim) and the mean of ln p [N]; of each row the highest score, and the sum
// of the exponentials of what the others are below it.
template <class T>
void likelihood_forward(int64_t rows, int64_t width, int64_t threads, const T *scores, const int64_t *aims,
                        float *own, float *mean, float *highest, float *sums) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        const T *x = scores + i * width;
        const float most = highest_of(x, width);
        lanes below{}, all{};
        vectors(width, [&](int64_t j, auto n) {
            below += exponential<T>(at(x + j, n, -INFINITY), 1, most);
            all += at(x + j, n, 0);
        });
        const float sum = sum_of(below), total = sum_of(all);
        float logarithm = std::log(sum) + most;
        own[i] = number(x[aims[i]]) - logarithm;
        mean[i] = total / width - logarithm;
        highest[i] = most, sums[i] = sum;
    }
}

template <class T>
void likelihood_backward(int64_t rows, int64_t width, int64_t threads, const T *scores, const int64_t *aims,
                         const float *highest, const float *sums, const float *down, const float *dmean,
                         T *dscores) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        const T *x = scores + i * width;
        T *dx = dscores + i * width;
        float most = highest[i], scale = (down[i] + dmean[i]) / sums[i], even = dmean[i] / width;
        const auto slope = [&](lanes y) { return even - exponential<T>(y, 1, most) * scale; };
        vectors(width, [&](int64_t j, auto n) { put(dx + j, slope(at(x + j, n, 0)), n); });
        put(dx[aims[i]], slope(lanes{} + number(x[aims[i]]))[0] + down[i]);
    }
}

// ---- GELU's tanh form -------------------------------------------------------------------------------------

constexpr float STEEP = 1.5957691216057308f, CUBIC = 0.044715f;  // 2 sqrt(2 / pi)

// 1 / (1 + exp(-z)); kept from what is not normal, which some processors are slow at.
template <class T>
inline lanes share(lanes x) {
    const lanes z = within(STEEP * (x + CUBIC * x * x * x), -80, 80);
    return inverse<T>(1 + exponential<T>(z, -1, 0));
}

// f(i, n) for all vectors of a tensor.
template <class F>
void each(int64_t count, int64_t threads, F f) {
    constexpr int64_t BLOCK = 1024;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; i += BLOCK)
        vectors(std::min(BLOCK, count - i), [&](int64_t j, auto n) { f(i + j, n); });
}

template <class T>
void gelu_forward(int64_t count, int64_t threads, const T *x, T *y) {
    each(count, threads, [=](int64_t i, auto n) {
        const lanes v = at(x + i, n, 0);
        put(y + i, v * share<T>(v), n);
    });
}

template <class T>
void gelu_backward(int64_t count, int64_t threads, const T *x, const T *dy, T *dx) {
    each(count, threads, [=](int64_t i, auto n) {
        const lanes v = at(x + i, n, 0), s = share<T>(v), d = at(dy + i, n, 0);
        put(dx + i, d * (s + v * s * (1 - s) * STEEP * (1 + 3 * CUBIC * v * v)), n);
    });
}

// ---- dropout ----------------------------------------------------------------------------------------------

template <class T>
void dropout(int64_t rows, int64_t width, int64_t threads, int64_t least, float scale, const int32_t *row,
             const int32_t *column, const T *x, T *y) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < rows; i++)
#pragma omp simd
        for (int64_t j = 0; j < width; j++)
            put(y[i * width + j],
                kept(row[i], column[j], int32_t(least)) ? number(x[i * width + j]) * scale : 0.f);
}

}  // namespace

#define KERNELS(T)                                                                                          \
    int norm_forward_##T(int64_t rows, int64_t width, int64_t threads, float epsilon, const T *x,           \
                         const T *y, const float *weight, const float *bias, T *sum, T *z, float *seen) {   \
        return ended(                                                                                       \
            [&] { norm_forward(rows, width, threads, epsilon, x, y, weight, bias, sum, z, seen); });        \
    }                                                                                                       \
    int norm_backward_##T(int64_t rows, int64_t width, int64_t threads, const T *dz, const T *sum,          \
                          const float *weight, const float *seen, T *dsum, float *dweight, float *dbias) {  \
        return ended(                                                                                       \
            [&] { norm_backward(rows, width, threads, dz, sum, weight, seen, dsum, dweight, dbias); });     \
    }                                                                                                       \
    int likelihood_forward_##T(int64_t rows, int64_t width, int64_t threads, const T *scores,               \
                               const int64_t *aims, float *own, float *mean, float *highest, float *sums) { \
        if (!named(rows, width, aims)) return UNKNOWN;                                                      \
        return ended(                                                                                       \
            [&] { likelihood_forward(rows, width, threads, scores, aims, own, mean, highest, sums); });     \
    }                                                                                                       \
    int likelihood_backward_##T(int64_t rows, int64_t width, int64_t threads, const T *scores,              \
                                const int64_t *aims, const float *highest, const float *sums,               \
                                const float *down, const float *dmean, T *dscores) {                        \
        return ended([&] {                                                                                  \
            likelihood_backward(rows, width, threads, scores, aims, highest, sums, down, dmean, dscores);   \
        });                                                                                                 \
    }                                                                                                       \
    int gelu_forward_##T(int64_t count, int64_t threads, const T *x, T *y) {                                \
        return ended([&] { gelu_forward(count, threads, x, y); });                                          \
    }                                                                                                       \
    int gelu_backward_##T(int64_t count, int64_t threads, const T *x, const T *dy, T *dx) {                 \
        return ended([&] { gelu_backward(count, threads, x, dy, dx); });                                    \
    }                                                                                                       \
    int dropout_##T(int64_t rows, int64_t width, int64_t threads, int64_t least, float scale,               \
                    const int32_t *row, const int32_t *column, const T *x, T *y) {                          \
        return ended([&] { dropout(rows, width, threads, least, scale, row, column, x, y); });              \
    }

extern "C" {
KERNELS(float)
KERNELS(bf16)
}
