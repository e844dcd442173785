// An encoder for one packed batch in one call, from pieces through all layers to the pooler: beside its
// multiplications answering then costs little, for nothing leaves the cache between two of them, and there is
// one call in place of seventy.
//
// A thread takes some whole sequences, about a block of rows, through all layers. Where there are fewer of
// these than keep the threads busy, each takes its share of the pieces, and waits for the others once a
// layer, before it reads their keys and values. No sum depends on what shares a batch, a block or a thread
// with it: a sequence alone has the answer that it has in any batch, bit for bit.
//
// Numbers of type A are multiplied, by a Unit (`tiles.h`): float; bf16; or unsigned bytes, each with its
// scale and zero, by signed ones. Between products the states are fp32. Rows of H numbers lie filled up to a
// multiple of 32, with zeros. Weights come in panels of 32 outputs: [outputs / 32][steps][32][STEP], as
// `layers.py` packs them.

#include <type_traits>
#include <vector>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#include <omp.h>

#include "curves.h"
#include "ending.h"
#include "numbers.h"
#include "tiles.h"

namespace {

constexpr int64_t BLOCK = 144;  // Rows that go from product to product in the cache.

struct Scale {  // A byte u stands for (u - zero) * scale.
    float scale, zero;
};
struct Matrix {  // scales, sums [outputs]: of bytes alone.
    const void *weight;
    const float *bias, *scales, *sums;
};
struct Attention {
    Matrix query, key, value, output;
    const float *weight, *bias;  // Of the norm.
};
struct FeedForward {
    Matrix up, down;
    const float *weight, *bias;
};
struct Layer {  // And what reaches its matrices.
    const Attention *attention;
    const FeedForward *feedforward;
    Scale qkv, output, up, down;
};
struct Table {
    const float *rows;
    int64_t count;
};
struct Embedding {
    Table words, positions, segments;
    const float *weight, *bias;  // Of the norm.
    Matrix factor;               // Without a weight where there is none.
    int64_t width, late;         // Late: words alone go through the factor, to where the others are added.
};
struct Shape {
    int64_t pieces, sequences, layers, hidden, heads, depth, inside, threads, activation, first;
    float epsilon;
    const Layer *each;
    const Embedding *embedding;  // None where states are given.
    const Matrix *pooler;        // None where nobody asks.
    const int64_t *starts, *ids, *positions, *segments;
    const float *given;  // [N, H]
    float *out;          // [N, H], or of first pieces [B, H]
    float *pooled;       // [B, H]
};

int64_t filled(int64_t n) { return (n + BROAD - 1) / BROAD * BROAD; }
__mmask16 some(int64_t n) { return n >= WIDE ? 0xffff : n <= 0 ? 0 : (1u << n) - 1; }

// ---- numbers in memory ------------------------------------------------------------------------------------

// STEP neighbours of each column, of which `count` are there
inline __m512i neighbours(const float *x, int64_t, int64_t count, __mmask16 which) {
    return _mm512_maskz_loadu_epi32(count > 0 ? which : 0, x);
}
#ifdef __AVX512BF16__
inline __m512 vector(const bf16 *x, __mmask16 which = 0xffff) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(which, x)), 16));
}
inline __m512i neighbours(const bf16 *x, int64_t x_row, int64_t count, __mmask16 which) {
    const __mmask16 first = count > 0 ? which : 0, second = count > 1 ? which : 0;
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first, x));
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(second, x + x_row));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}
#endif

template <class A>
struct Put {  // Numbers as A, wherever they go.
    explicit Put(Scale = {}) {}
    void operator()(float *to, __m512 x, __mmask16 which = 0xffff) const {
        _mm512_mask_storeu_ps(to, which, x);
    }
#ifdef __AVX512BF16__
    void operator()(bf16 *to, __m512 x, __mmask16 which = 0xffff) const {
        _mm256_mask_storeu_epi16(to, which, (__m256i)_mm512_cvtneps_pbh(x));
    }
#endif
};

template <>
struct Put<byte> {
    __m512 inverse, zero;
    explicit Put(Scale s) : inverse(_mm512_set1_ps(1 / s.scale)), zero(_mm512_set1_ps(s.zero)) {}
    void operator()(byte *to, __m512 x, __mmask16 which = 0xffff) const {
        const __m512 below = _mm512_min_ps(_mm512_fmadd_ps(x, inverse, zero), _mm512_set1_ps(255));
        const __m512i whole = _mm512_cvtps_epi32(below);  // What is too great for it would be the least.
        const __m512i positive = _mm512_max_epi32(whole, _mm512_setzero_si512());
        _mm_mask_storeu_epi8(to, which, _mm512_cvtusepi32_epi8(positive));
    }
};

// ---- products ---------------------------------------------------------------------------------------------

// A panel after another; at(column) gives what takes (row, sums), a vector of each row of each tile.
template <class Unit, class A, class At>
inline void tiles(int64_t rows, int64_t columns, int64_t inputs, const A *a, int64_t a_row,
                  const void *panels, At at) {
    alignas(64) Sum<A> sums[Unit::TOGETHER * Unit::TALL * 2];
    const Cut cut(rows, Unit::TALL);
    const Unit unit(cut.highest(), parts(inputs, STEP<A>));
    for (int64_t j = 0; j < columns; j += BROAD)
        for (int64_t part = 0; part < cut.count; part += Unit::TOGETHER) {
            unit.multiply(cut, part, a, a_row, (const char *)panels + j * deep<A>(inputs) * 4, sums);
            for (int64_t v = 0; v < 2; v++) {
                const auto take = at(j + v * WIDE);
                for (int64_t t = part; t < std::min(cut.count, part + Unit::TOGETHER); t++)
                    for (int64_t r = 0; r < cut.height(t); r++)
                        take(cut.from(t) + r, sums[((t - part) * Unit::TALL + r) * 2 + v]);
            }
        }
}

template <class A>
struct Real {  // A matrix's sums as real numbers, bias and all, in some columns.
    __m512 bias;
    Real(const Matrix &m, Scale, int64_t column) : bias(vector(m.bias + column)) {}
    __m512 operator()(__m512 sum) const { return _mm512_add_ps(sum, bias); }
};
template <>
struct Real<byte> {
    __m512 bias, scale, zeros;
    Real(const Matrix &m, Scale s, int64_t column)
        : bias(vector(m.bias + column)),
          scale(_mm512_mul_ps(vector(m.scales + column), _mm512_set1_ps(s.scale))),
          zeros(_mm512_mul_ps(vector(m.sums + column), _mm512_set1_ps(s.zero))) {}
    __m512 operator()(__m512i sum) const {
        return _mm512_fmadd_ps(_mm512_sub_ps(_mm512_cvtepi32_ps(sum), zeros), scale, bias);
    }
};

template <class Unit, class A, class Then>
inline void multiply(const Matrix &m, Scale s, int64_t rows, int64_t columns, int64_t inputs, const A *a,
                     int64_t a_row, Then then) {
    tiles<Unit>(rows, columns, inputs, a, a_row, m.weight, [&](int64_t column) {
        return [&then, column, real = Real<A>(m, s, column)](int64_t row, Sum<A> sum) {
            then(row, column, real(sum));
        };
    });
}

// ---- memory that stays with its thread --------------------------------------------------------------------

struct Arena {
    std::vector<char> held;
    int64_t used = 0;
    template <class T>
    T *take(int64_t count) {  // At a cache line.
        char *at = held.data() + used;
        used += (count * int64_t(sizeof(T)) + 127) / 64 * 64;
        return (T *)((uintptr_t(at) + 63) / 64 * 64);
    }
    void begin(int64_t bytes) {  // Throws std::bad_alloc.
        used = 0;
        if (int64_t(held.size()) < bytes) held.assign(bytes, 0);
    }
};

// ---- the encoder ------------------------------------------------------------------------------------------

template <class A, template <class> class Unit>
struct Encoder {
    using K = std::conditional_t<std::is_same_v<A, byte>, bf16, A>;  // What attention multiplies.
    static constexpr int64_t TALL = Unit<K>::TALL;

    const Shape &s;
    const int64_t depth, gathered;     // Of a head, and of all of them.
    const int64_t row, part, qkv_row;  // Of states; of queries, keys or values; of all three.
    const int64_t inside_row, longest;
    const bool together;  // Whether other threads work on other pieces of the same sequences.

    float *states{}, *first_states{};  // [N, row], [B, row]
    A *first_rows{};                   // [B, row]: of first pieces, what reaches the last layer's queries.
    K *qkv[2]{};                       // [N, qkv_row], of a layer and the next.

    struct Scratch {
        A *rows, *inside;  // [BLOCK, row], [BLOCK, inside_row]
        K *query, *keys, *values, *weights;
        float *scores, *queries;  // Of first pieces [BLOCK, row].
        float *words;             // [BLOCK, filled(E)]
        K *embedded;              // The same, to be multiplied.
        int64_t packed = -1;      // Of which layer and sequence keys and values are packed.
    };

    int64_t key_size() const { return filled(longest) * filled(depth); }

    Scratch scratch(Arena &arena) const {
        const int64_t packs = s.heads * key_size(), scores = TALL * filled(longest),
                      query = Unit<K>::FILLED ? TALL * filled(depth) : 0, first = s.first ? BLOCK * row : 0,
                      words = s.embedding ? BLOCK * filled(s.embedding->width) : 0;
        arena.begin(BLOCK * (row + inside_row) * sizeof(A) +
                    (query + 2 * packs + scores + words) * sizeof(K) + (scores + first + words) * 4 + 2048);
        Scratch x;
        x.rows = arena.take<A>(BLOCK * row), x.inside = arena.take<A>(BLOCK * inside_row);
        x.query = arena.take<K>(query), x.keys = arena.take<K>(packs), x.values = arena.take<K>(packs),
        x.weights = arena.take<K>(scores);
        x.scores = arena.take<float>(scores), x.queries = arena.take<float>(first);
        x.words = arena.take<float>(words), x.embedded = arena.take<K>(words);
        return x;
    }

    bool last(int64_t layer) const { return s.first && layer == s.layers - 1; }
    int64_t begun(int64_t piece) const {  // How many sequences begin before a piece.
        return std::lower_bound(s.starts, s.starts + s.sequences, piece) - s.starts;
    }

    template <class T>
    static void copied(int64_t count, const float *x, T *to, Scale scale) {
        const Put<T> put(scale);
        for (int64_t i = 0; i < count; i += WIDE) put(to + i, vector(x + i));
    }

    // Rows of so many numbers, filled up.
    void normalised(int64_t rows, int64_t width, float *x, const float *weight, const float *bias) const {
        const int64_t wide = filled(width);
        for (int64_t i = 0; i < rows; i++, x += wide) {
            __m512 total = _mm512_setzero_ps(), square = _mm512_setzero_ps();
            for (int64_t j = 0; j < wide; j += WIDE) total = _mm512_add_ps(total, vector(x + j));
            const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(total) / width);
            for (int64_t j = 0; j < wide; j += WIDE) {
                const __m512 away = _mm512_maskz_sub_ps(some(width - j), vector(x + j), mean);
                square = _mm512_fmadd_ps(away, away, square);
            }
            const __m512 scale =
                _mm512_set1_ps(1 / std::sqrt(_mm512_reduce_add_ps(square) / width + s.epsilon));
            for (int64_t j = 0; j < wide; j += WIDE) {
                const __m512 z = _mm512_mul_ps(_mm512_sub_ps(vector(x + j), mean), scale);
                _mm512_storeu_ps(x + j, _mm512_fmadd_ps(z, vector(weight + j), vector(bias + j)));
            }
        }
    }

    // Of pieces [from, to) the words' rows.
    void looked_up(int64_t from, int64_t to, float *y) const {
        const int64_t width = s.embedding->width;
        for (int64_t i = from; i < to; i++, y += filled(width))
            for (int64_t j = 0; j < filled(width); j += WIDE)
                _mm512_storeu_ps(y + j,
                                 vector(s.embedding->words.rows + s.ids[i] * width + j, some(width - j)));
    }

    // What their places and segments say added to that, and the norm.
    void placed(int64_t from, int64_t to, int64_t width, float *y) const {
        const Embedding &e = *s.embedding;
        for (int64_t i = from; i < to; i++)
            for (int64_t j = 0; j < width; j += WIDE) {
                float *at = y + (i - from) * filled(width) + j;
                const float *place = e.positions.rows + s.positions[i] * width + j,
                            *segment = e.segments.rows + s.segments[i] * width + j;
                const __m512 sum = _mm512_add_ps(vector(at), vector(place, some(width - j)));
                _mm512_storeu_ps(at, _mm512_add_ps(sum, vector(segment, some(width - j))));
            }
        normalised(to - from, width, y, e.weight, e.bias);
    }

    // The states of pieces [from, to) before the first layer.
    void embed(Scratch &x, int64_t from, int64_t to) const {
        const Embedding &e = *s.embedding;
        const int64_t wide = filled(e.width);
        float *y = states + from * row, *words = e.factor.weight ? x.words : y;
        looked_up(from, to, words);
        if (!e.late) placed(from, to, e.width, words);
        if (e.factor.weight) {
            copied(wide * (to - from), words, x.embedded, {});
            multiply<Unit<K>>(e.factor, {}, to - from, row, e.width, x.embedded, wide,
                              [&](int64_t i, int64_t j, __m512 z) { _mm512_storeu_ps(y + i * row + j, z); });
        }
        if (e.late) placed(from, to, s.hidden, y);
    }

    void take(int64_t from, int64_t to) const {
        for (int64_t i = from; i < to; i++)
            for (int64_t j = 0; j < row; j += WIDE)
                _mm512_storeu_ps(states + i * row + j,
                                 vector(s.given + i * s.hidden + j, some(s.hidden - j)));
    }

    // Pieces [from, to) into a layer's queries, keys and values; in the last, queries of first pieces alone.
    void read(Scratch &x, int64_t layer, int64_t from, int64_t to) const {
        const Layer &l = s.each[layer];
        const Matrix *parts[] = {&l.attention->query, &l.attention->key, &l.attention->value};
        copied((to - from) * row, states + from * row, x.rows, l.qkv);
        for (int64_t which = last(layer); which < 3; which++) {
            K *at = qkv[layer % 2] + from * qkv_row + which * part;
            multiply<Unit<A>>(*parts[which], l.qkv, to - from, part, s.hidden, x.rows, row,
                              [&](int64_t i, int64_t j, __m512 y) { Put<K>()(at + i * qkv_row + j, y); });
        }
        if (!last(layer)) return;
        for (int64_t b = begun(from); b < begun(to); b++) {
            std::memcpy(first_rows + b * row, x.rows + (s.starts[b] - from) * row, row * sizeof(A));
            std::memcpy(first_states + b * row, states + s.starts[b] * row, row * sizeof(float));
        }
    }

    // A sequence's keys and values as panels for each head, as `tiles` reads them.
    void pack(Scratch &x, int64_t layer, int64_t b) const {
        if (x.packed == layer * s.sequences + b) return;
        x.packed = layer * s.sequences + b;
        const int64_t length = s.starts[b + 1] - s.starts[b], across = deep<K>(depth),
                      along = deep<K>(length);
        for (int64_t head = 0; head < s.heads; head++) {
            const K *key = qkv[layer % 2] + s.starts[b] * qkv_row + part + head * depth, *value = key + part;
            uint32_t *keys = (uint32_t *)(x.keys + head * key_size());
            for (int64_t j = 0; j < length; j++)
                for (int64_t d = 0; d < parts(depth, STEP<K>); d++)
                    std::memcpy(keys + (j / BROAD * across + d) * BROAD + j % BROAD,
                                key + j * qkv_row + d * STEP<K>, 4);
            if constexpr (Unit<K>::FILLED)
                for (int64_t j = 0; j < filled(length); j += BROAD)
                    std::fill_n(keys + j * across + parts(depth, STEP<K>) * BROAD,
                                (across - parts(depth, STEP<K>)) * BROAD, 0);
            K *values = x.values + head * key_size();
            const int64_t steps = Unit<K>::FILLED ? along : parts(length, STEP<K>);
            for (int64_t d = 0; d < depth; d += WIDE)
                for (int64_t i = 0; i < steps; i++)
                    _mm512_storeu_si512(values + ((d / BROAD * along + i) * BROAD + d % BROAD) * STEP<K>,
                                        neighbours(value + i * STEP<K> * qkv_row + d, qkv_row,
                                                   length - i * STEP<K>, some(depth - d)));
        }
    }

    // Each panel's tile where it is, which spares taking it elsewhere.
    void scored(int64_t rows, int64_t wide, const K *query, int64_t query_row, const K *keys,
                float *scores) const {
        const Unit<K> unit(rows, parts(depth, STEP<K>));
        for (int64_t j = 0; j < wide; j += BROAD) {
            const char *panel = (const char *)keys + j * deep<K>(depth) * 4;
            unit.multiply(Cut(rows, TALL), 0, query, query_row, panel, (Sum<K> *)(scores + j * TALL));
        }
    }

    // Some rows of a head's queries, where they lie or, filled up, in `to`; and from one to the next.
    std::pair<const K *, int64_t> queries(int64_t rows, const K *from, K *to) const {
        if constexpr (!Unit<K>::FILLED) return {from, qkv_row};
        const int64_t wide = filled(depth);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t d = 0; d < wide; d += BROAD) {
                const __mmask32 own = depth - d >= BROAD ? ~0u : (1u << (depth - d)) - 1;
                _mm512_storeu_si512(to + i * wide + d, _mm512_maskz_loadu_epi16(own, from + i * qkv_row + d));
            }
        return {to, wide};
    }

    // scores [filled(length) / 32][TALL][32] -> weights [rows, filled(length)], to be multiplied
    // by `shares`
    void soft(int64_t rows, int64_t length, const float *scores, K *weights, float *shares) const {
        const __m512 scale = _mm512_set1_ps(1 / std::sqrt(float(depth)));
        const int64_t wide = filled(length);
        for (int64_t i = 0; i < rows; i++) {
            const auto x = [&](int64_t j) {
                return vector(scores + j / BROAD * BROAD * TALL + i * BROAD + j % BROAD);
            };
            __m512 most = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
            for (int64_t j = 0; j < length; j += WIDE)
                most = _mm512_mask_max_ps(most, some(length - j), most, x(j));
            most = _mm512_set1_ps(_mm512_reduce_max_ps(most));
            for (int64_t j = 0; j < wide; j += WIDE) {
                const __m512 y = exponential<K>(_mm512_mul_ps(_mm512_sub_ps(x(j), most), scale));
                const __m512 own = _mm512_maskz_mov_ps(some(length - j), y);
                sum = _mm512_add_ps(sum, own);
                Put<K>()(weights + i * wide + j, own);
            }
            shares[i] = 1 / _mm512_reduce_add_ps(sum);
        }
    }

    // Rows to be multiplied, of which heads have been written, filled up.
    void fill(int64_t rows, A *x) const {
        if constexpr (Unit<A>::FILLED)
            for (int64_t i = 0; i < rows; i++) std::fill(x + i * row + gathered, x + (i + 1) * row, A{});
    }

    // What pieces [from, to) gather from their sequences, into x.rows.
    void gather(Scratch &x, int64_t layer, int64_t from, int64_t to) const {
        const Put<A> put(s.each[layer].output);
        fill(to - from, x.rows);
        for (int64_t b = begun(from + 1) - 1; b < s.sequences && s.starts[b] < to; b++) {
            const int64_t begin = std::max(from, s.starts[b]), end = std::min(to, s.starts[b + 1]);
            const int64_t length = s.starts[b + 1] - s.starts[b], wide = filled(length),
                          count = parts(end - begin, TALL);
            pack(x, layer, b);
            for (int64_t head = 0; head < s.heads; head++)
                for (int64_t t = 0; t < count; t++) {
                    const int64_t i = begin + (end - begin) * t / count,
                                  next = begin + (end - begin) * (t + 1) / count;
                    const K *query = qkv[layer % 2] + i * qkv_row + head * depth;
                    A *to_rows = x.rows + (i - from) * row + head * depth;
                    float shares[TALL];
                    const auto [filled_up, from_row] = queries(next - i, query, x.query);
                    scored(next - i, wide, filled_up, from_row, x.keys + head * key_size(), x.scores);
                    soft(next - i, length, x.scores, x.weights, shares);
                    tiles<Unit<K>>(next - i, filled(depth), length, x.weights, wide,
                                   x.values + head * key_size(), [&](int64_t d) {
                                       return [&, d](int64_t r, __m512 y) {
                                           put(to_rows + r * row + d,
                                               _mm512_mul_ps(y, _mm512_set1_ps(shares[r])), some(depth - d));
                                       };
                                   });
                }
        }
    }

    // The weights of one query's keys, but for their sum, which is returned.
    float weighed(const float *query, const K *keys, int64_t length, float *weights) const {
        const float scale = 1 / std::sqrt(float(depth));
        float most = -INFINITY, sum = 0;
        for (int64_t i = 0; i < length; i++) {
            __m512 along = _mm512_setzero_ps();
            for (int64_t d = 0; d < depth; d += WIDE) {
                const __mmask16 own = some(depth - d);
                along = _mm512_fmadd_ps(vector(query + d, own), vector(keys + i * qkv_row + d, own), along);
            }
            weights[i] = scale * _mm512_reduce_add_ps(along);
            most = std::max(most, weights[i]);
        }
        for (int64_t i = 0; i < length; i += WIDE) {
            const __mmask16 own = some(length - i);
            const __m512 y = exponential<K>(_mm512_sub_ps(vector(weights + i, own), _mm512_set1_ps(most)));
            _mm512_mask_storeu_ps(weights + i, own, y);
            sum += _mm512_mask_reduce_add_ps(own, y);
        }
        return sum;
    }

    // What first pieces of sequences [from, to) gather, each one row of queries [to - from, row], into
    // x.rows.
    void gather_first(Scratch &x, int64_t layer, int64_t from, int64_t to, const float *queries) const {
        const Put<A> put(s.each[layer].output);
        fill(to - from, x.rows);
        for (int64_t b = from; b < to; b++)
            for (int64_t head = 0; head < s.heads; head++) {
                const float *query = queries + (b - from) * row + head * depth;
                const K *key = qkv[layer % 2] + s.starts[b] * qkv_row + part + head * depth,
                        *value = key + part;
                const int64_t length = s.starts[b + 1] - s.starts[b];
                const float *weights = x.scores, sum = weighed(query, key, length, x.scores);
                for (int64_t d = 0; d < depth; d += WIDE) {
                    __m512 total = _mm512_setzero_ps();
                    for (int64_t i = 0; i < length; i++)
                        total = _mm512_fmadd_ps(_mm512_set1_ps(weights[i]),
                                                vector(value + i * qkv_row + d, some(depth - d)), total);
                    put(x.rows + (b - from) * row + head * depth + d,
                        _mm512_div_ps(total, _mm512_set1_ps(sum)), some(depth - d));
                }
            }
    }

    // The rest of a layer for states y [rows, row], in place; x.rows has what they gathered.
    void finish(Scratch &x, int64_t layer, int64_t rows, float *y) const {
        const Layer &l = s.each[layer];
        const Put<A> inside(l.down);
        const Activated<A> activated(s.activation);
        const auto added = [&](int64_t i, int64_t j, __m512 more) {
            _mm512_storeu_ps(y + i * row + j, _mm512_add_ps(vector(y + i * row + j), more));
        };
        multiply<Unit<A>>(l.attention->output, l.output, rows, row, gathered, x.rows, row, added);
        normalised(rows, s.hidden, y, l.attention->weight, l.attention->bias);
        copied(rows * row, y, x.rows, l.up);
        multiply<Unit<A>>(
            l.feedforward->up, l.up, rows, inside_row, s.hidden, x.rows, row,
            [&](int64_t i, int64_t j, __m512 z) { inside(x.inside + i * inside_row + j, activated(z)); });
        multiply<Unit<A>>(l.feedforward->down, l.down, rows, row, s.inside, x.inside, inside_row, added);
        normalised(rows, s.hidden, y, l.feedforward->weight, l.feedforward->bias);
    }

    void give(int64_t from, int64_t to, const float *y) const {
        for (int64_t i = from; i < to; i++, y += row)
            std::memcpy(s.out + i * s.hidden, y, s.hidden * sizeof(float));
    }

    // Of sequences [from, to), whose first pieces' states are y.
    void pool(int64_t from, int64_t to, const float *y) const {
        if (!s.pooler) return;
        float *pooled = s.pooled + from * s.hidden;
        multiply<Vectors<float>>(
            *s.pooler, {}, to - from, row, s.hidden, y, row, [&](int64_t i, int64_t j, __m512 z) {
                _mm512_mask_storeu_ps(pooled + i * s.hidden + j, some(s.hidden - j), tangent(z));
            });
    }

    // The last layer for the sequences that begin in [from, to).
    void first_of(Scratch &x, int64_t from, int64_t to) const {
        const int64_t layer = s.layers - 1, end = begun(to);
        const Layer &l = s.each[layer];
        for (int64_t b = begun(from); b < end; b += BLOCK) {
            const int64_t count = std::min(BLOCK, end - b);
            multiply<Unit<A>>(
                l.attention->query, l.qkv, count, part, s.hidden, first_rows + b * row, row,
                [&](int64_t i, int64_t j, __m512 y) { _mm512_storeu_ps(x.queries + i * row + j, y); });
            gather_first(x, layer, b, b + count, x.queries);
            finish(x, layer, count, first_states + b * row);
            give(b, b + count, first_states + b * row);
            pool(b, b + count, first_states + b * row);
        }
    }

    // A thread's pieces [from, to), through all layers.
    void through(Scratch &x, int64_t from, int64_t to) const {
        [[maybe_unused]] const typename Unit<A>::Use use;
        const int64_t count = parts(to - from, BLOCK);
        const auto each = [&](auto what) {
            for (int64_t t = 0; t < count; t++)
                what(from + (to - from) * t / count, from + (to - from) * (t + 1) / count);
        };
        each([&](int64_t begin, int64_t end) {
            if (s.embedding)
                embed(x, begin, end);
            else
                take(begin, end);
            read(x, 0, begin, end);
        });
        for (int64_t layer = 0; layer < s.layers; layer++) {
            if (together) {
#pragma omp barrier
            }
            if (last(layer)) return first_of(x, from, to);
            each([&](int64_t begin, int64_t end) {
                gather(x, layer, begin, end);
                finish(x, layer, end - begin, states + begin * row);
                if (layer + 1 < s.layers)
                    read(x, layer + 1, begin, end);
                else
                    give(begin, end, states + begin * row);
            });
        }
    }
};

// A batch, or some sequences of it: memory for all of them, and their states.
template <class A, template <class> class Unit>
Encoder<A, Unit> prepared(const Shape &s, Arena &arena, bool together) {
    int64_t longest = 1;
    for (int64_t b = 0; b < s.sequences; b++) longest = std::max(longest, s.starts[b + 1] - s.starts[b]);
    const int64_t row = filled(s.hidden), gathered = s.heads * s.depth, part = filled(gathered);
    Encoder<A, Unit> e{s, s.depth, gathered, row, part, 3 * part, filled(s.inside), longest, together};
    using K = typename Encoder<A, Unit>::K;
    arena.begin((s.pieces + s.sequences) * row * 4 + s.sequences * row * sizeof(A) +
                2 * s.pieces * e.qkv_row * sizeof(K) + 1024);
    e.states = arena.take<float>(s.pieces * row), e.first_states = arena.take<float>(s.sequences * row);
    e.first_rows = arena.take<A>(s.sequences * row);
    for (K *&half : e.qkv) half = arena.take<K>(s.pieces * e.qkv_row);
    return e;
}

// Few sequences, all threads on each. Memory is taken before: nobody could catch what one of them throws.
template <class A, template <class> class Unit>
void together(const Shape &s) {
    thread_local Arena shared;
    thread_local std::vector<Arena> arenas;
    const Encoder<A, Unit> e = prepared<A, Unit>(s, shared, true);
    if (int64_t(arenas.size()) < s.threads) arenas.resize(s.threads);
    std::vector<typename Encoder<A, Unit>::Scratch> own;
    for (int64_t t = 0; t < s.threads; t++) own.push_back(e.scratch(arenas[t]));
#pragma omp parallel num_threads(s.threads)
    {
        const int64_t t = omp_get_thread_num(), count = omp_get_num_threads();
        e.through(own[t], s.pieces * t / count, s.pieces * (t + 1) / count);
    }
}

// Sequences [from, to), by one thread.
template <class A, template <class> class Unit>
void alone(const Shape &whole, int64_t from, int64_t to) {
    thread_local Arena states, own;
    const int64_t begin = whole.starts[from];
    std::vector<int64_t> starts(whole.starts + from, whole.starts + to + 1);
    for (int64_t &start : starts) start -= begin;
    Shape s = whole;
    s.pieces = starts.back(), s.sequences = to - from, s.starts = starts.data();
    if (s.embedding)
        s.ids += begin, s.positions += begin, s.segments += begin;
    else
        s.given += begin * s.hidden;
    s.out += (s.first ? from : begin) * s.hidden;
    if (s.pooler) s.pooled += from * s.hidden;
    const Encoder<A, Unit> e = prepared<A, Unit>(s, states, false);
    typename Encoder<A, Unit>::Scratch x = e.scratch(own);
    e.through(x, 0, s.pieces);
}

template <class A, template <class> class Unit>
void layers(const Shape &s) {
    // Groups of whole sequences, about a block of rows, or less where there are too few for all threads.
    const int64_t rows = s.threads == 1 ? BLOCK : std::clamp(s.pieces / (6 * s.threads), BLOCK / 3, BLOCK);
    std::vector<int64_t> groups{0};
    for (int64_t b = 1; b < s.sequences; b++)
        if (s.starts[b + 1] - s.starts[groups.back()] > rows) groups.push_back(b);
    const int64_t count = groups.size();
    groups.push_back(s.sequences);
    if (s.threads > 1 && count < 3 * s.threads) return together<A, Unit>(s);
    bool all = true;
#pragma omp parallel for num_threads(s.threads) schedule(dynamic, 1) reduction(&& : all) if (s.threads > 1)
    for (int64_t g = 0; g < count; g++)
        all = ended([&] { alone<A, Unit>(s, groups[g], groups[g + 1]); }) == DONE && all;
    if (!all) throw std::bad_alloc();
}

// Whether every number is one of a table's rows.
bool within(const Table &table, const int64_t *numbers, int64_t count) {
    return std::all_of(numbers, numbers + count, [&](int64_t n) { return 0 <= n && n < table.count; });
}

bool known(const Shape &s) {
    const Embedding *e = s.embedding;
    return !e || (within(e->words, s.ids, s.pieces) && within(e->positions, s.positions, s.pieces) &&
                  within(e->segments, s.segments, s.pieces));
}

template <class A, template <class> class Unit>
int answered(const Shape &s) {
    return known(s) ? ended([&] { layers<A, Unit>(s); }) : UNKNOWN;
}

template <class A>
int by_the_best(const Shape &s) {
    if constexpr (amx::COMPILED)
        if (amx::granted()) return answered<A, Matrices>(s);
    return answered<A, Vectors>(s);
}

}  // namespace

extern "C" {
int layers_float(const Shape *s) { return answered<float, Vectors>(*s); }
#ifdef __AVX512BF16__
int layers_bf16(const Shape *s) { return by_the_best<bf16>(*s); }
#ifdef __AVX512VNNI__
int layers_byte(const Shape *s) { return by_the_best<byte>(*s); }
#endif
#endif
}
#endif
