// Attention over packed sequences in a training step, each where it lies, forward and back.
//
// Scores, shares and all sums are fp32. In bf16 what is multiplied is rounded to it where the processor has a
// product of pairs, and else multiplied in fp32. A factor K of a product is float or bf16; STEP numbers along
// the sum are taken together. Left sides lie in rows [n][wide], to be summed along a row; right sides in
// pairs [n / STEP][wide][STEP], to be summed over rows, which for float is the same. Rows and their number
// are filled up with zeros to a multiple of FULL.
//
// Shapes: N pieces, B sequences, H = A heads x D; all tensors in rows, without gaps.

#include <omp.h>
#include <vector>

#include "amx.h"
#include "ending.h"
#include "numbers.h"

namespace {

constexpr int64_t BLOCK = 64;  // Rows of scores that are worked out at once, so that they stay in the cache.

typedef uint32_t word __attribute__((may_alias));  // STEP neighbours.

constexpr int64_t FULL = amx::COMPILED ? amx::BROAD : WIDE;

int64_t filled(int64_t n) { return parts(n, FULL) * FULL; }

// ---- layouts ----------------------------------------------------------------------------------------------

// One head of one sequence out of rows [N, width], as rows filled up with zeros.
template <class T, class K>
void rows_of(const T *from, int64_t width, int64_t length, int64_t depth, K *to) {
    int64_t wide = filled(depth);
    for (int64_t i = 0; i < length; i++) {
        for (int64_t d = 0; d < depth; d++) put(to[i * wide + d], from[i * width + d]);
        for (int64_t d = depth; d < wide; d++) to[i * wide + d] = K{};
    }
}

// Words [rows, columns], each of STEP neighbours, as [columns, wide].
template <class K>
void turned(const K *from, int64_t rows, int64_t columns, int64_t wide, K *to) {
    const word *in = (const word *)from;
    word *out = (word *)to;
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t i = 0; i < rows; i++) out[j * wide + i] = in[i * columns + j];
        for (int64_t i = rows; i < wide; i++) out[j * wide + i] = 0;
    }
}

inline const float *rows(const float *x, int64_t, int64_t, float *) { return x; }
inline const float *pairs(const float *rows, int64_t, int64_t, float *) { return rows; }

template <class T>
void put_rows(const float *from, int64_t length, int64_t depth, T *to, int64_t width) {
    for (int64_t i = 0; i < length; i++)
        for (int64_t d = 0; d < depth; d++) put(to[i * width + d], from[i * filled(depth) + d]);
}

// The same of columns [depth, wide].
template <class T>
void put_columns(const float *from, int64_t wide, int64_t length, int64_t depth, T *to, int64_t width) {
    for (int64_t i = 0; i < length; i++)
        for (int64_t d = 0; d < depth; d++) put(to[i * width + d], from[d * wide + i]);
}

// ---- products ---------------------------------------------------------------------------------------------

inline lanes more(const float *a, const float *b, lanes sum) { return sum + at(b) * *a; }

#ifdef __AVX512BF16__
template <class T>
using Factor = T;

inline const bf16 *rows(const float *x, int64_t length, int64_t wide, bf16 *to) {
    for (int64_t j = 0; j < length * wide; j += WIDE) put(to + j, at(x + j));
    return to;
}

inline const bf16 *pairs(const bf16 *rows, int64_t length, int64_t wide, bf16 *to) {
    for (int64_t i = 0; i < length; i += 2)
        for (int64_t j = 0; j < wide; j += WIDE) {
            words pair = __builtin_convertvector(*(const halves *)(rows + i * wide + j), words);
            if (i + 1 < length)
                pair |= __builtin_convertvector(*(const halves *)(rows + (i + 1) * wide + j), words) << 16;
            std::memcpy(to + i * wide + 2 * j, &pair, sizeof pair);
        }
    std::fill(to + parts(length, 2) * 2 * wide, to + filled(length) * wide, bf16{});
    return to;
}

inline lanes more(const bf16 *a, const bf16 *b, lanes sum) {
    return (lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(*(const word *)a),
                                   (__m512bh)_mm512_loadu_si512(b));
}
#else
template <class T>
using Factor = float;
#endif

// c [R, V * WIDE] = a [R, steps * STEP] b [steps * STEP, V * WIDE], or added to it.
template <int R, int V, class K>
inline void tile(const K *a, int64_t a_row, const K *b, float *c, int64_t row, int64_t steps, bool add) {
    lanes sum[R][V];
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) sum[r][v] = add ? at(c + r * row + v * WIDE) : lanes{};
    for (int64_t k = 0; k < steps; k++)
#pragma GCC unroll 12
        for (int r = 0; r < R; r++)
#pragma GCC unroll 4
            for (int v = 0; v < V; v++)
                sum[r][v] = more(a + r * a_row + k * STEP<K>, b + (k * row + v * WIDE) * STEP<K>, sum[r][v]);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) *(lanes *)(c + r * row + v * WIDE) = sum[r][v];
}

template <int V, class K>
inline void strip(int64_t m, const K *a, int64_t a_row, const K *b, float *c, int64_t row, int64_t steps,
                  bool add) {
    constexpr int TALL = V == 4 ? 6 : 12;
    int64_t i = 0;
    for (; i + TALL <= m; i += TALL) tile<TALL, V>(a + i * a_row, a_row, b, c + i * row, row, steps, add);
    for (; i + 4 <= m; i += 4) tile<4, V>(a + i * a_row, a_row, b, c + i * row, row, steps, add);
    for (; i < m; i++) tile<1, V>(a + i * a_row, a_row, b, c + i * row, row, steps, add);
}

inline bool by_amx(const float *) { return false; }
inline bool by_amx(const bf16 *) { return amx::granted(); }

// c [m, n] = a [m, depth] b [depth, n], or added to it; a in rows, b in pairs, n a multiple of FULL.
template <class K>
void multiply(int64_t m, int64_t n, int64_t depth, const K *a, int64_t a_row, const K *b, float *c,
              bool add = false) {
    if (by_amx(a)) {
        const int64_t blocks = parts(depth, amx::STEPS * STEP<K>);
        for (int64_t i = 0; i < m; i += amx::TALL) {
            amx::shape(std::min(amx::TALL, m - i));
            for (int64_t j = 0; j < n; j += amx::BROAD)
                amx::multiply<K>(a + i * a_row, a_row * sizeof(K), b + j * STEP<K>, n * 4, c + i * n + j,
                                 n * 4, blocks, add);
        }
        return;
    }
    const int64_t steps = parts(depth, STEP<K>);
    int64_t j = 0;
    for (; j + 4 * WIDE <= n; j += 4 * WIDE) strip<4>(m, a, a_row, b + j * STEP<K>, c + j, n, steps, add);
    for (; j + 2 * WIDE <= n; j += 2 * WIDE) strip<2>(m, a, a_row, b + j * STEP<K>, c + j, n, steps, add);
    for (; j < n; j += WIDE) strip<1>(m, a, a_row, b + j * STEP<K>, c + j, n, steps, add);
}

// ---- one head of one sequence -----------------------------------------------------------------------------

struct Noise {  // Dropout by counter.
    const int32_t *rows, *columns;  // [N, A], [N]; rows are null where nothing is dropped.
    int32_t least;
    float scale;
};

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

struct Head {  // Of which sequence, and where its first piece is.
    const Shape &s;
    int64_t number, start, length, wide, deep;

    Head(const Shape &s, int64_t task)
        : s(s), number(task % s.heads), start(s.starts[task / s.heads]),
          length(s.starts[task / s.heads + 1] - start), wide(filled(length)), deep(filled(s.depth)) {}

    int64_t hidden() const { return s.heads * s.depth; }
    int64_t seen(int64_t i) const { return s.causal ? i + 1 : length; }
    int64_t place(int64_t i) const { return (start + i) * s.heads + number; }
    template <class T>
    T *in(T *tensor, int64_t which, int64_t of) const {  // Of the `of` tensors side by side in its rows.
        return tensor + start * of * hidden() + which * hidden() + number * s.depth;
    }
};

// x becomes exp(scale * x - ceiling), and 0 from `seen` on; the sum of them.
template <class K>
inline float exponentials(float *x, int64_t seen, int64_t wide, float scale, float ceiling) {
    std::fill(x + seen, x + wide, -INFINITY);
    lanes sum{};
    for (int64_t j = 0; j < wide; j += WIDE) {
        const lanes y = exponential<K>(at(x + j), scale, ceiling);
        put(x + j, y);
        sum += y;
    }
    return sum_of(sum);
}

// Row i of what a head is multiplied by, or of its gradient.
inline void drop(const Head &h, int64_t i, float *x, Noise noise) {
    if (!noise.rows) return;
    const int32_t row = noise.rows[h.place(i)], *columns = noise.columns + h.start;
    for (int64_t j = 0; j < h.seen(i); j++)
        x[j] = kept(row, columns[j], noise.least) ? x[j] * noise.scale : 0;
}

template <class T>
struct Forward {
    using K = Factor<T>;
    std::vector<K> q, k, kt, v, vp, shares;
    std::vector<float> x, o;

    Forward(int64_t most, int64_t depth)
        : q(filled(most) * filled(depth)), k(q), kt(q), v(q), vp(q), shares(BLOCK * filled(most)),
          x(shares.size()), o(BLOCK * filled(depth)) {}

    void operator()(const Head &h, const T *qkv, T *out, float *logs, Noise noise) {
        const Shape &s = h.s;
        rows_of(h.in(qkv, 0, 3), 3 * h.hidden(), h.length, s.depth, q.data());
        rows_of(h.in(qkv, 1, 3), 3 * h.hidden(), h.length, s.depth, k.data());
        rows_of(h.in(qkv, 2, 3), 3 * h.hidden(), h.length, s.depth, v.data());
        turned(k.data(), h.length, h.deep / STEP<K>, h.wide, kt.data());
        const K *values = pairs(v.data(), h.length, h.deep, vp.data());
        for (int64_t done = 0; done < h.length; done += BLOCK) {
            int64_t m = std::min(BLOCK, h.length - done);
            multiply(m, h.wide, s.depth, q.data() + done * h.deep, h.deep, kt.data(), x.data());
            float whole[BLOCK];
            for (int64_t i = 0; i < m; i++) whole[i] = share(h, done + i, x.data() + i * h.wide, logs, noise);
            const K *left = rows(x.data(), m, h.wide, shares.data());
            multiply(m, h.deep, h.length, left, h.wide, values, o.data());
            for (int64_t i = 0; i < m; i++)
                for (int64_t d = 0; d < h.deep; d++) o[i * h.deep + d] /= whole[i];
            put_rows(o.data(), m, s.depth, h.in(out, 0, 1) + done * h.hidden(), h.hidden());
        }
    }

    // A row of scores becomes its shares, but for what they are divided by, which is returned.
    static float share(const Head &h, int64_t i, float *row, float *logs, Noise noise) {
        float highest = highest_of(row, h.seen(i)), scale = h.s.scale;
        float sum = exponentials<K>(row, h.seen(i), h.wide, scale, scale * highest);
        logs[h.place(i)] = scale * highest + std::log(sum);
        drop(h, i, row, noise);
        return sum;
    }
};

template <class T>
struct Backward {
    using K = Factor<T>;
    std::vector<K> q, k, v, o, kp, kt, vt, qt, ot, turning, left, right;
    std::vector<float> x, dx, dq, dkt, dvt;

    Backward(int64_t most, int64_t depth)
        : q(filled(most) * filled(depth)), k(q), v(q), o(q), kp(q), kt(q), vt(q), qt(q), ot(q), turning(q),
          left(BLOCK * filled(most)), right(left), x(left.size()), dx(x), dq(BLOCK * filled(depth)),
          dkt(q.size()), dvt(dkt) {}

    void read(const Head &h, const T *qkv, const T *dout) {
        const int64_t depth = h.s.depth, across = h.deep / STEP<K>;
        rows_of(h.in(qkv, 0, 3), 3 * h.hidden(), h.length, depth, q.data());
        rows_of(h.in(qkv, 1, 3), 3 * h.hidden(), h.length, depth, k.data());
        rows_of(h.in(qkv, 2, 3), 3 * h.hidden(), h.length, depth, v.data());
        rows_of(h.in(dout, 0, 1), h.hidden(), h.length, depth, o.data());
        turned(k.data(), h.length, across, h.wide, kt.data());
        turned(v.data(), h.length, across, h.wide, vt.data());
        columns(h, q.data(), qt.data());
        columns(h, o.data(), ot.data());
    }

    // [length, deep] as rows [deep, wide].
    void columns(const Head &h, const K *from, K *to) {
        const K *pair = pairs(from, h.length, h.deep, turning.data());
        turned(pair, parts(h.length, STEP<K>), h.deep, h.wide / STEP<K>, to);
    }

    void operator()(const Head &h, const T *qkv, const float *logs, const T *dout, T *dqkv, Noise noise) {
        const Shape &s = h.s;
        read(h, qkv, dout);
        const K *keys = pairs(k.data(), h.length, h.deep, kp.data());
        for (int64_t done = 0; done < h.length; done += BLOCK) {
            int64_t m = std::min(BLOCK, h.length - done);
            multiply(m, h.wide, s.depth, q.data() + done * h.deep, h.deep, kt.data(), x.data());
            multiply(m, h.wide, s.depth, o.data() + done * h.deep, h.deep, vt.data(), dx.data());
            for (int64_t i = 0; i < m; i++)
                slope(h, done + i, x.data() + i * h.wide, dx.data() + i * h.wide, logs, noise);
            const K *shares = pairs(rows(x.data(), m, h.wide, left.data()), m, h.wide, right.data());
            multiply(s.depth, h.wide, m, ot.data() + done, h.wide, shares, dvt.data(), done > 0);
            const K *slopes = rows(dx.data(), m, h.wide, left.data());
            multiply(m, h.deep, h.length, slopes, h.wide, keys, dq.data());
            slopes = pairs(slopes, m, h.wide, right.data());
            multiply(s.depth, h.wide, m, qt.data() + done, h.wide, slopes, dkt.data(), done > 0);
            put_rows(dq.data(), m, s.depth, h.in(dqkv, 0, 3) + done * 3 * h.hidden(), 3 * h.hidden());
        }
        put_columns(dkt.data(), h.wide, h.length, s.depth, h.in(dqkv, 1, 3), 3 * h.hidden());
        put_columns(dvt.data(), h.wide, h.length, s.depth, h.in(dqkv, 2, 3), 3 * h.hidden());
    }

    // A row of scores becomes the shares that were used, and what comes back to them the scores' slope.
    static void slope(const Head &h, int64_t i, float *row, float *drow, const float *logs, Noise noise) {
        exponentials<K>(row, h.seen(i), h.wide, h.s.scale, logs[h.place(i)]);
        drop(h, i, drow, noise);
        lanes together{};
        for (int64_t j = 0; j < h.wide; j += WIDE) together += at(row + j) * at(drow + j);
        float mean = sum_of(together);
        for (int64_t j = 0; j < h.wide; j++) drow[j] = row[j] * (drow[j] - mean) * h.s.scale;
        drop(h, i, row, noise);
    }
};

// Each head of each sequence by itself. Work has the memory of one thread, taken before there are several:
// nobody could catch what one of them throws.
template <class Work, class... Given>
void each(Shape s, Given... given) {
    std::vector<Work> works;
    const int64_t most = s.longest();
    for (int64_t t = 0; t < s.threads; t++) works.emplace_back(most, s.depth);
#pragma omp parallel num_threads(s.threads)
    {
        Work &work = works[omp_get_thread_num()];
        [[maybe_unused]] const amx::Use use;
#pragma omp for schedule(dynamic, 1)
        for (int64_t task = 0; task < s.sequences * s.heads; task++) work(Head(s, task), given...);
    }
}

}  // namespace

#define ATTENTION(T)                                                                                         \
    int attend_forward_##T(Shape s, const T *qkv, T *out, float *logs, Noise noise) {                        \
        return ended([&] { each<Forward<T>>(s, qkv, out, logs, noise); });                                   \
    }                                                                                                        \
    int attend_backward_##T(Shape s, const T *qkv, const float *logs, const T *dout, T *dqkv, Noise noise) { \
        return ended([&] { each<Backward<T>>(s, qkv, logs, dout, dqkv, noise); });                           \
    }

extern "C" {
ATTENTION(float)
ATTENTION(bf16)
}
