// What a training step does between its matrix products, each in one pass over memory.
//
// Compiled once on the machine that it runs on (`compiling.py`); torch's own operators are the fallback and
// the judge. Every sum is in fp32 and in an order that depends on nothing but the number of threads.
//
// Shapes: N pieces, B sequences, H = A heads x D; all tensors in rows, without gaps.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int64_t WIDE = 16;   // Numbers in a vector.
constexpr int64_t BLOCK = 64;  // Rows of scores that are worked out at once, so that they stay in the cache.

typedef float lanes __attribute__((vector_size(WIDE * sizeof(float)), aligned(4), may_alias));

struct bf16 {
    uint16_t bits;
};

inline float number(float x) { return x; }
inline float number(bf16 x) { return __builtin_bit_cast(float, uint32_t(x.bits) << 16); }
inline void put(float &to, float x) { to = x; }
inline void put(bf16 &to, float x) {  // To the nearest, ties to even; not a number stays none.
    uint32_t bits = __builtin_bit_cast(uint32_t, x);
    uint32_t nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    to.bits = uint16_t(x == x ? nearest : 0x7fc0);
}

inline float exponential(float x) {  // Cephes' expf, to 2e-7 of the value; 0 below -87, e^88 above 88.
    x = std::max(std::min(x, 88.f), -88.f);  // In this order what is not a number stays so.
    constexpr float ROUND = 12582912;  // 3 * 2^22: what it is added to has its whole number in the last bits.
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

// ---- the sum and the highest of a row, in an order of its own that allows vectors -----------------------------

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

// ---- products of small matrices, in fp32 --------------------------------------------------------------------

struct Left {  // a(i, k) = at[i * row + k * column]
    const float *at;
    int64_t row, column;
};

template <int R, int V>
inline void tile(Left a, const float *b, int64_t b_row, float *c, int64_t c_row, int64_t depth, bool add) {
    lanes sum[R][V];
    for (int r = 0; r < R; r++)
        for (int v = 0; v < V; v++) sum[r][v] = add ? *(const lanes *)(c + r * c_row + v * WIDE) : lanes{};
    for (int64_t k = 0; k < depth; k++)
        for (int r = 0; r < R; r++) {
            float x = a.at[r * a.row + k * a.column];
            for (int v = 0; v < V; v++) sum[r][v] += *(const lanes *)(b + k * b_row + v * WIDE) * x;
        }
    for (int r = 0; r < R; r++)
        for (int v = 0; v < V; v++) *(lanes *)(c + r * c_row + v * WIDE) = sum[r][v];
}

template <int V>
inline void strip(int64_t m, Left a, const float *b, int64_t b_row, float *c, int64_t c_row, int64_t depth, bool add) {
    int64_t i = 0;
    auto left = [&] { return Left{a.at + i * a.row, a.row, a.column}; };
    for (; i + 6 <= m; i += 6) tile<6, V>(left(), b, b_row, c + i * c_row, c_row, depth, add);
    for (; i + 2 <= m; i += 2) tile<2, V>(left(), b, b_row, c + i * c_row, c_row, depth, add);
    for (; i < m; i++) tile<1, V>(left(), b, b_row, c + i * c_row, c_row, depth, add);
}

// c [m, n] = a [m, depth] b [depth, n], or added to it; n is a multiple of WIDE.
void multiply(int64_t m, int64_t n, int64_t depth, Left a, const float *b, float *c, bool add = false) {
    int64_t j = 0;
    for (; j + 4 * WIDE <= n; j += 4 * WIDE) strip<4>(m, a, b + j, n, c + j, n, depth, add);
    for (; j + 2 * WIDE <= n; j += 2 * WIDE) strip<2>(m, a, b + j, n, c + j, n, depth, add);
    for (; j < n; j += WIDE) strip<1>(m, a, b + j, n, c + j, n, depth, add);
}

int64_t filled(int64_t n) { return (n + WIDE - 1) / WIDE * WIDE; }

// ---- attention ----------------------------------------------------------------------------------------------

struct Noise {  // Dropout by counter: kept where a hash of row ^ column is at least `least`.
    const int32_t *rows, *columns;  // [N, A], [N]; rows are null where nothing is dropped.
    int32_t least;
    float scale;
};

inline bool kept(int32_t row, int32_t column, int32_t least) {  // As `dropout.kept`.
    uint32_t h = uint32_t(row ^ column) * 2654435761u;
    h = (h ^ (h >> 15)) * 2246822519u;
    h ^= h >> 13;
    return int32_t(h & 0x7fffffff) >= least;
}

struct Shape {
    const int64_t *starts;  // [B + 1]
    int64_t sequences, heads, depth, threads, causal;
    float scale;

    int64_t longest() const {
        int64_t most = 0;
        for (int64_t b = 0; b < sequences; b++) most = std::max(most, starts[b + 1] - starts[b]);
        return most;
    }
};

// One head of one sequence out of rows [N, width], as fp32 rows filled up with zeros.
template <class T>
void rows_of(const T *from, int64_t width, int64_t length, int64_t depth, float *to) {
    int64_t wide = filled(depth);
    for (int64_t i = 0; i < length; i++) {
        for (int64_t d = 0; d < depth; d++) to[i * wide + d] = number(from[i * width + d]);
        for (int64_t d = depth; d < wide; d++) to[i * wide + d] = 0;
    }
}

// The same turned, [D, length] filled up with zeros.
void turned(const float *rows, int64_t length, int64_t depth, float *to) {
    int64_t wide = filled(length), deep = filled(depth);
    for (int64_t i = 0; i < length; i++)
        for (int64_t d = 0; d < depth; d++) to[d * wide + i] = rows[i * deep + d];
    for (int64_t d = 0; d < depth; d++)
        for (int64_t i = length; i < wide; i++) to[d * wide + i] = 0;
}

template <class T>
void put_rows(const float *from, int64_t length, int64_t depth, T *to, int64_t width) {
    for (int64_t i = 0; i < length; i++)
        for (int64_t d = 0; d < depth; d++) put(to[i * width + d], from[i * filled(depth) + d]);
}

// x becomes exp(scale * x - ceiling); the sum of them.
inline float exponentials(float *x, int64_t wide, float scale, float ceiling) {
    lanes sum{};
    for (int64_t j = 0; j < wide; j += WIDE) {
        for (int64_t i = j; i < j + WIDE; i++) x[i] = exponential(scale * x[i] - ceiling);
        sum += at(x + j);
    }
    return sum_of(sum);
}

inline void drop(float *x, int64_t seen, int64_t row, const int32_t *columns, Noise noise) {
    for (int64_t j = 0; j < seen; j++) x[j] = kept(row, columns[j], noise.least) ? x[j] * noise.scale : 0;
}

template <class T>
void attend_forward(Shape s, const T *qkv, T *out, float *logs, Noise noise) {
    int64_t hidden = s.heads * s.depth, deep = filled(s.depth), most = s.longest(), widest = filled(most);
#pragma omp parallel num_threads(s.threads)
    {
        std::vector<float> q(most * deep), k(s.depth * widest), v(most * deep), x(BLOCK * widest), o(BLOCK * deep);
        float shares[BLOCK];
#pragma omp for schedule(dynamic, 1)
        for (int64_t task = 0; task < s.sequences * s.heads; task++) {
            int64_t b = task / s.heads, head = task % s.heads, start = s.starts[b];
            int64_t length = s.starts[b + 1] - start, wide = filled(length);
            const T *first = qkv + start * 3 * hidden + head * s.depth;
            rows_of(first, 3 * hidden, length, s.depth, q.data());
            rows_of(first + hidden, 3 * hidden, length, s.depth, v.data());
            turned(v.data(), length, s.depth, k.data());
            rows_of(first + 2 * hidden, 3 * hidden, length, s.depth, v.data());
            for (int64_t done = 0; done < length; done += BLOCK) {
                int64_t m = std::min(BLOCK, length - done);
                multiply(m, wide, s.depth, {q.data() + done * deep, deep, 1}, k.data(), x.data());
                for (int64_t i = 0; i < m; i++) {
                    float *row = x.data() + i * wide;
                    int64_t seen = s.causal ? done + i + 1 : length, place = (start + done + i) * s.heads + head;
                    std::fill(row + seen, row + wide, -INFINITY);
                    float highest = highest_of(row, wide);
                    float sum = exponentials(row, wide, s.scale, s.scale * highest);
                    shares[i] = 1 / sum;
                    logs[place] = s.scale * highest + std::log(sum);
                    if (noise.rows) drop(row, seen, noise.rows[place], noise.columns + start, noise);
                }
                multiply(m, deep, length, {x.data(), wide, 1}, v.data(), o.data());
                for (int64_t i = 0; i < m; i++)
                    for (int64_t d = 0; d < deep; d++) o[i * deep + d] *= shares[i];
                put_rows(o.data(), m, s.depth, out + (start + done) * hidden + head * s.depth, hidden);
            }
        }
    }
}

template <class T>
void attend_backward(Shape s, const T *qkv, const float *logs, const T *dout, T *dqkv, Noise noise) {
    int64_t hidden = s.heads * s.depth, deep = filled(s.depth), most = s.longest(), widest = filled(most);
#pragma omp parallel num_threads(s.threads)
    {
        std::vector<float> q(most * deep), k(most * deep), kt(s.depth * widest), vt(s.depth * widest), o(most * deep);
        std::vector<float> x(BLOCK * widest), dx(BLOCK * widest), dq(BLOCK * deep), dk(most * deep), dv(most * deep);
#pragma omp for schedule(dynamic, 1)
        for (int64_t task = 0; task < s.sequences * s.heads; task++) {
            int64_t b = task / s.heads, head = task % s.heads, start = s.starts[b];
            int64_t length = s.starts[b + 1] - start, wide = filled(length);
            const T *first = qkv + start * 3 * hidden + head * s.depth;
            T *to = dqkv + start * 3 * hidden + head * s.depth;
            rows_of(first, 3 * hidden, length, s.depth, q.data());
            rows_of(first + hidden, 3 * hidden, length, s.depth, k.data());
            turned(k.data(), length, s.depth, kt.data());
            rows_of(first + 2 * hidden, 3 * hidden, length, s.depth, o.data());
            turned(o.data(), length, s.depth, vt.data());
            rows_of(dout + start * hidden + head * s.depth, hidden, length, s.depth, o.data());
            for (int64_t done = 0; done < length; done += BLOCK) {
                int64_t m = std::min(BLOCK, length - done);
                multiply(m, wide, s.depth, {q.data() + done * deep, deep, 1}, kt.data(), x.data());
                multiply(m, wide, s.depth, {o.data() + done * deep, deep, 1}, vt.data(), dx.data());
                for (int64_t i = 0; i < m; i++) {
                    float *row = x.data() + i * wide, *drow = dx.data() + i * wide;
                    int64_t seen = s.causal ? done + i + 1 : length, place = (start + done + i) * s.heads + head;
                    std::fill(row + seen, row + wide, -INFINITY);
                    exponentials(row, wide, s.scale, logs[place]);
                    if (noise.rows) drop(drow, seen, noise.rows[place], noise.columns + start, noise);
                    lanes along{};
                    for (int64_t j = 0; j < wide; j += WIDE) along += at(row + j) * at(drow + j);
                    float mean = sum_of(along);
                    for (int64_t j = 0; j < wide; j++) drow[j] = row[j] * (drow[j] - mean) * s.scale;
                    if (noise.rows) drop(row, seen, noise.rows[place], noise.columns + start, noise);
                }
                multiply(m, deep, length, {dx.data(), wide, 1}, k.data(), dq.data());
                multiply(length, deep, m, {dx.data(), 1, wide}, q.data() + done * deep, dk.data(), done > 0);
                multiply(length, deep, m, {x.data(), 1, wide}, o.data() + done * deep, dv.data(), done > 0);
                put_rows(dq.data(), m, s.depth, to + done * 3 * hidden, 3 * hidden);
            }
            put_rows(dk.data(), length, s.depth, to + hidden, 3 * hidden);
            put_rows(dv.data(), length, s.depth, to + 2 * hidden, 3 * hidden);
        }
    }
}

// ---- the norm of a sum --------------------------------------------------------------------------------------

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
void norm_backward(int64_t rows, int64_t width, int64_t threads, const T *dz, const T *sum, const float *weight,
                   const float *seen, T *dsum, float *dweight, float *dbias) {
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

// ---- how likely words are ------------------------------------------------------------------------------------

// scores [N, V], aims [N] -> ln p(aim) and the mean of ln p [N]; of each row the highest score, and the sum of
// the exponentials of what the others are below it.
template <class T>
void likelihood_forward(int64_t rows, int64_t width, int64_t threads, const T *scores, const int64_t *aims,
                        float *own, float *mean, float *highest, float *sums) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < rows; i++) {
        const T *x = scores + i * width;
        float most = highest_of(x, width), sum = 0, total = 0;
#pragma omp simd reduction(+ : sum, total)
        for (int64_t j = 0; j < width; j++) {
            sum += exponential(number(x[j]) - most);
            total += number(x[j]);
        }
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
#pragma omp simd
        for (int64_t j = 0; j < width; j++) put(dx[j], even - exponential(number(x[j]) - most) * scale);
        put(dx[aims[i]], even - exponential(number(x[aims[i]]) - most) * scale + down[i]);
    }
}

// ---- GELU's tanh form ---------------------------------------------------------------------------------------

constexpr float STEEP = 1.5957691216057308f, CUBIC = 0.044715f;  // 2 sqrt(2 / pi)

inline float share(float x) { return 1 / (1 + exponential(-STEEP * (x + CUBIC * x * x * x))); }

template <class T>
void gelu_forward(int64_t count, int64_t threads, const T *x, T *y) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; i++) put(y[i], number(x[i]) * share(number(x[i])));
}

template <class T>
void gelu_backward(int64_t count, int64_t threads, const T *x, const T *dy, T *dx) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; i++) {
        float v = number(x[i]), s = share(v);
        put(dx[i], number(dy[i]) * (s + v * s * (1 - s) * STEEP * (1 + 3 * CUBIC * v * v)));
    }
}

// ---- dropout ------------------------------------------------------------------------------------------------

template <class T>
void dropout(int64_t rows, int64_t width, int64_t threads, int64_t least, float scale, const int32_t *row,
             const int32_t *column, const T *x, T *y) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < rows; i++)
#pragma omp simd
        for (int64_t j = 0; j < width; j++)
            put(y[i * width + j], kept(row[i], column[j], int32_t(least)) ? number(x[i * width + j]) * scale : 0.f);
}

}  // namespace

#define KERNELS(T)                                                                                              \
    void attend_forward_##T(Shape s, const T *qkv, T *out, float *logs, Noise noise) {                          \
        attend_forward(s, qkv, out, logs, noise);                                                               \
    }                                                                                                           \
    void attend_backward_##T(Shape s, const T *qkv, const float *logs, const T *dout, T *dqkv, Noise noise) {   \
        attend_backward(s, qkv, logs, dout, dqkv, noise);                                                       \
    }                                                                                                           \
    void norm_forward_##T(int64_t rows, int64_t width, int64_t threads, float epsilon, const T *x, const T *y,  \
                          const float *weight, const float *bias, T *sum, T *z, float *seen) {                  \
        norm_forward(rows, width, threads, epsilon, x, y, weight, bias, sum, z, seen);                          \
    }                                                                                                           \
    void norm_backward_##T(int64_t rows, int64_t width, int64_t threads, const T *dz, const T *sum,             \
                           const float *weight, const float *seen, T *dsum, float *dweight, float *dbias) {     \
        norm_backward(rows, width, threads, dz, sum, weight, seen, dsum, dweight, dbias);                       \
    }                                                                                                           \
    void likelihood_forward_##T(int64_t rows, int64_t width, int64_t threads, const T *scores,                  \
                                const int64_t *aims, float *own, float *mean, float *highest, float *sums) {    \
        likelihood_forward(rows, width, threads, scores, aims, own, mean, highest, sums);                       \
    }                                                                                                           \
    void likelihood_backward_##T(int64_t rows, int64_t width, int64_t threads, const T *scores,                 \
                                 const int64_t *aims, const float *highest, const float *sums,                  \
                                 const float *down, const float *dmean, T *dscores) {                           \
        likelihood_backward(rows, width, threads, scores, aims, highest, sums, down, dmean, dscores);           \
    }                                                                                                           \
    void gelu_forward_##T(int64_t count, int64_t threads, const T *x, T *y) {                                   \
        gelu_forward(count, threads, x, y);                                                                     \
    }                                                                                                           \
    void gelu_backward_##T(int64_t count, int64_t threads, const T *x, const T *dy, T *dx) {                    \
        gelu_backward(count, threads, x, dy, dx);                                                               \
    }                                                                                                           \
    void dropout_##T(int64_t rows, int64_t width, int64_t threads, int64_t least, float scale,                  \
                     const int32_t *row, const int32_t *column, const T *x, T *y) {                             \
        dropout(rows, width, threads, least, scale, row, column, x, y);                                         \
    }

extern "C" {
KERNELS(float)
KERNELS(bf16)
}
