/* update.cl - optimizers, as torch.optim defines them, number by number.
 *
 *   sgd      g += decay w;  m' = momentum m + keep g;  g = m' or, NESTEROV,
 *            g + momentum m';  w' = w - rate g. keep is 1 - dampening, and 1
 *            in the first step, which has no m yet
 *   adam     m' = beta1 m + (1 - beta1) g,  v' = beta2 v + (1 - beta2) g^2,
 *            w' = w - rate (m' / (1 - beta1^t)) /
 *                     (sqrt(v' / (1 - beta2^t)) + epsilon);
 *            decay: g += decay w before, or, DECOUPLED (AdamW), w first
 *            loses rate decay w
 *   rmsprop  v' = alpha v + (1 - alpha) g^2,  q = g / (sqrt(v') + epsilon),
 *            m' = momentum m + q,  w' = w - rate m', or rate q
 *   average  e' = decay e + (1 - decay) w
 *   add      s' = s + share g
 *   mean     g' = (s + g) share, s' = 0
 *   scale    g' = g factor
 *   squares  sum of g^2 of each piece, in the order of the tensors
 *   narrow   q = p, rounded to TYPE_q
 *
 * A launch serves MANY tensors of one treatment: their arguments, of each its
 * numbers and their count, come first, one tensor behind the other. A
 * work-group takes a piece of CHUNK numbers of one of them, LANES at a time.
 * Each number is read before it is written.
 *
 *   MANY       1, or a multiple of 8 up to 64; tensors of count 0 are nothing
 *   IN_PLACE   1: what changes lies where the old numbers lie
 *   MOMENTUM, NESTEROV, DAMPENED, DECOUPLED   0 or 1
 *   FACTORED   1: optimizers take g times a factor, and where that is 0, leave
 *              all as it was
 *   ONLY       the number of the one kernel that is wanted, in the order above
 *              from 1 on; 0: all. Of many tensors, each takes long to compile
 */
#ifndef ONLY
#define ONLY 0
#endif
#ifndef MANY
#define MANY 1
#endif
#ifndef IN_PLACE
#define IN_PLACE 0
#endif
#ifndef CHUNK
#define CHUNK 1024
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef MOMENTUM
#define MOMENTUM 0
#endif
#ifndef NESTEROV
#define NESTEROV 0
#endif
#ifndef DAMPENED
#define DAMPENED 0
#endif
#ifndef DECOUPLED
#define DECOUPLED 0
#endif
#ifndef FACTORED
#define FACTORED 0
#endif

#if LANES > 1
#define NUMBERS WIDE
#define GET(p, v) GET_AS(1, p, v)
#define GET_AS(type, p, v)                                                              \
    NUMBERS v;                                                                 \
    if (n >= LANES)                                                            \
        v = VLOAD(type, p, i);                                                 \
    else                                                                       \
        LOAD_PART(type, p, i, n, v)
#define PUT(p, v) PUT_AS(1, p, v)
#define PUT_AS(type, p, v)                                                     \
    if (n >= LANES)                                                            \
        VSTORE(type, p, i, v);                                                 \
    else                                                                       \
        STORE_PART(type, p, i, n, v)
#else
#define NUMBERS float
#define GET(p, v) NUMBERS v = p[i]
#define GET_AS(type, p, v) NUMBERS v = LOAD(type, p, i)
#define PUT(p, v) p[i] = v
#define PUT_AS(type, p, v) STORE(type, p, i, v)
#endif

/* A gradient may be of another type (TYPE_g) than what it changes. */
#ifndef TYPE_g
#define TYPE_g 1
#endif
#ifndef TYPE_q
#define TYPE_q 1
#endif
typedef __global const STORAGE(TYPE_g) *gradient_in;
typedef __global const float *numbers_in;
typedef __global float *numbers_out;

/* X(0) X(1) ..., as many as there are tensors. */
#define EACH(X) OC_CAT(EACH_, MANY)(X)
#define EACH_1(X) X(0)
#define EACH_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define EACH_16(X) EACH_8(X) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define EACH_24(X) EACH_16(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)
#define EACH_32(X) EACH_24(X) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define EACH_40(X) EACH_32(X) X(32) X(33) X(34) X(35) X(36) X(37) X(38) X(39)
#define EACH_48(X) EACH_40(X) X(40) X(41) X(42) X(43) X(44) X(45) X(46) X(47)
#define EACH_56(X) EACH_48(X) X(48) X(49) X(50) X(51) X(52) X(53) X(54) X(55)
#define EACH_64(X) EACH_56(X) X(56) X(57) X(58) X(59) X(60) X(61) X(62) X(63)

/* What changes, p to q: the arguments of tensor k, and where this work-group
 * reads and writes. */
#if IN_PLACE
#define STATE(p, q, k) numbers_out q##k,
#define USE_STATE(p, q, k) p = q = q##k
#else
#define STATE(p, q, k) numbers_in p##k, numbers_out q##k,
#define USE_STATE(p, q, k) p = p##k, q = q##k
#endif
#define STATE_IN_USE(p, q)                                                     \
    numbers_in p = 0;                                                          \
    numbers_out q = 0

/* Finds this work-group's piece; USE(k) turns to tensor k. */
#define PIECES(count) ((count) / CHUNK + ((count) % CHUNK > 0))
#define TRY(k)                                                                 \
    if (piece >= 0 && piece < PIECES(count##k)) {                              \
        USE(k);                                                                \
        from = piece * CHUNK;                                                  \
        to = min(from + CHUNK, count##k);                                      \
    }                                                                          \
    piece -= PIECES(count##k);
#define FIND_PIECE                                                             \
    int piece = (int)get_group_id(0), from = 0, to = 0;                        \
    EACH(TRY)                                                                  \
    const int stride = LANES * (int)get_local_size(0);                         \
    from += LANES * (int)get_local_id(0)
#define PIECE for (int i = from, n = to - i; i < to; i += stride, n -= stride)

#if MOMENTUM
#define MOMENTUM_STATE(k) STATE(pm, qm, k)
#define USE_MOMENTUM(k) USE_STATE(pm, qm, k)
#define LEAVE_MOMENTUM LEAVE(pm, qm)
#else
#define MOMENTUM_STATE(k)
#define USE_MOMENTUM(k)
#define LEAVE_MOMENTUM
#endif

/* The step is skipped: LEAVE is said of each state. */
#if IN_PLACE
#define LEAVE(p, q)
#else
#define LEAVE(p, q)                                                            \
    {                                                                          \
        GET(p, v_);                                                            \
        PUT(q, v_);                                                            \
    }
#endif
#if FACTORED
#define OR_LEAVE(states)                                                       \
    const float factor = factors[0];                                           \
    if (factor == 0.0f) {                                                      \
        PIECE                                                                  \
        {                                                                      \
            states                                                             \
        }                                                                      \
        return;                                                                \
    }
#define TIMES_FACTOR(g) g *= factor
#else
#define OR_LEAVE(states)
#define TIMES_FACTOR(g)
#endif

#define SGD_TENSOR(k)                                                          \
    STATE(pw, qw, k) gradient_in pg##k, MOMENTUM_STATE(k) int count##k,
#define USE(k)                                                                 \
    USE_STATE(pw, qw, k);                                                      \
    pg = pg##k;                                                                \
    USE_MOMENTUM(k)

#if ONLY == 0 || ONLY == 1
__kernel void
sgd(EACH(SGD_TENSOR) numbers_in rate, numbers_in steps, numbers_in factors,
    float momentum, float rest, float decay)
{
    const float step = rate[0];
    gradient_in pg = 0;
    STATE_IN_USE(pw, qw);
#if MOMENTUM
    const float keep = DAMPENED && steps[0] <= 1.0f ? 1.0f : rest;
    STATE_IN_USE(pm, qm);
#endif

    FIND_PIECE;
    OR_LEAVE(LEAVE(pw, qw) LEAVE_MOMENTUM)
    PIECE
    {
        GET(pw, w);
        GET_AS(TYPE_g, pg, g);
        TIMES_FACTOR(g);
        g += decay * w;
#if MOMENTUM
        GET(pm, m);
        m = momentum * m + keep * g;
        PUT(qm, m);
#if NESTEROV
        g += momentum * m;
#else
        g = m;
#endif
#endif
        w -= step * g;
        PUT(qw, w);
    }
}
#endif

#define ADAM_TENSOR(k)                                                         \
    STATE(pw, qw, k) gradient_in pg##k, STATE(pm, qm, k) STATE(pv, qv, k)       \
        int count##k,
#undef USE
#define USE(k)                                                                 \
    USE_STATE(pw, qw, k);                                                      \
    pg = pg##k;                                                                \
    USE_STATE(pm, qm, k);                                                      \
    USE_STATE(pv, qv, k)

#if ONLY == 0 || ONLY == 2
__kernel void
adam(EACH(ADAM_TENSOR) numbers_in rate, numbers_in steps, numbers_in factors,
     float beta1, float rest1, float log1, float beta2, float rest2, float log2,
     float epsilon, float decay)
{
    const float t = steps[0], step = rate[0];
    const float scale = step / -expm1(t * log1);
    const float root = sqrt(-expm1(t * log2));
    gradient_in pg = 0;
    STATE_IN_USE(pw, qw);
    STATE_IN_USE(pm, qm);
    STATE_IN_USE(pv, qv);

    FIND_PIECE;
    OR_LEAVE(LEAVE(pw, qw) LEAVE(pm, qm) LEAVE(pv, qv))
    PIECE
    {
        GET(pw, w);
        GET_AS(TYPE_g, pg, g);
        TIMES_FACTOR(g);
        GET(pm, m);
        GET(pv, v);
#if DECOUPLED
        w -= step * decay * w;
#else
        g += decay * w;
#endif
        m = beta1 * m + rest1 * g;
        v = beta2 * v + rest2 * g * g;
        w -= scale * m / (sqrt(v) / root + epsilon);
        PUT(qm, m);
        PUT(qv, v);
        PUT(qw, w);
    }
}
#endif

#define RMSPROP_TENSOR(k)                                                      \
    STATE(pw, qw, k) gradient_in pg##k, STATE(pv, qv, k) MOMENTUM_STATE(k)      \
        int count##k,
#undef USE
#define USE(k)                                                                 \
    USE_STATE(pw, qw, k);                                                      \
    pg = pg##k;                                                                \
    USE_STATE(pv, qv, k);                                                      \
    USE_MOMENTUM(k)

#if ONLY == 0 || ONLY == 3
__kernel void
rmsprop(EACH(RMSPROP_TENSOR) numbers_in rate, numbers_in factors, float alpha,
        float rest, float epsilon, float momentum, float decay)
{
    const float step = rate[0];
    gradient_in pg = 0;
    STATE_IN_USE(pw, qw);
    STATE_IN_USE(pv, qv);
#if MOMENTUM
    STATE_IN_USE(pm, qm);
#endif

    FIND_PIECE;
    OR_LEAVE(LEAVE(pw, qw) LEAVE(pv, qv) LEAVE_MOMENTUM)
    PIECE
    {
        GET(pw, w);
        GET_AS(TYPE_g, pg, g);
        TIMES_FACTOR(g);
        GET(pv, v);
        g += decay * w;
        v = alpha * v + rest * g * g;
        g /= sqrt(v) + epsilon;
#if MOMENTUM
        GET(pm, m);
        g += momentum * m;
        PUT(qm, g);
#endif
        w -= step * g;
        PUT(qv, v);
        PUT(qw, w);
    }
}
#endif

#define AVERAGE_TENSOR(k) STATE(pe, qe, k) numbers_in pw##k, int count##k,
#undef USE
#define USE(k)                                                                 \
    USE_STATE(pe, qe, k);                                                      \
    pw = pw##k

#if ONLY == 0 || ONLY == 4
__kernel void
average(EACH(AVERAGE_TENSOR) numbers_in keeps)
{
    const float keep = keeps[0];
    numbers_in pw = 0;
    STATE_IN_USE(pe, qe);

    FIND_PIECE;
    PIECE
    {
        GET(pe, e);
        GET(pw, w);
        e = keep * e + (1.0f - keep) * w;
        PUT(qe, e);
    }
}
#endif

#define ADD_TENSOR(k) STATE(ps, qs, k) gradient_in pg##k, int count##k,
#undef USE
#define USE(k)                                                                 \
    USE_STATE(ps, qs, k);                                                      \
    pg = pg##k

#if ONLY == 0 || ONLY == 5
__kernel void
add(EACH(ADD_TENSOR) float share)
{
    gradient_in pg = 0;
    STATE_IN_USE(ps, qs);

    FIND_PIECE;
    PIECE
    {
        GET(ps, s);
        GET_AS(TYPE_g, pg, g);
        s += share * g;
        PUT(qs, s);
    }
}
#endif

#define MEAN_TENSOR(k) STATE(pg, qg, k) STATE(ps, qs, k) int count##k,
#undef USE
#define USE(k)                                                                 \
    USE_STATE(pg, qg, k);                                                      \
    USE_STATE(ps, qs, k)

#if ONLY == 0 || ONLY == 6
__kernel void
mean(EACH(MEAN_TENSOR) float share)
{
    STATE_IN_USE(pg, qg);
    STATE_IN_USE(ps, qs);

    FIND_PIECE;
    PIECE
    {
        GET(ps, s);
        GET(pg, g);
        g = (s + g) * share;
        s = 0.0f;
        PUT(qg, g);
        PUT(qs, s);
    }
}
#endif

#define SCALE_TENSOR(k) STATE(pg, qg, k) int count##k,
#undef USE
#define USE(k) USE_STATE(pg, qg, k)

#if ONLY == 0 || ONLY == 7
__kernel void
scale(EACH(SCALE_TENSOR) numbers_in factors)
{
    const float factor = factors[0];
    STATE_IN_USE(pg, qg);

    FIND_PIECE;
    PIECE
    {
        GET(pg, g);
        g *= factor;
        PUT(qg, g);
    }
}
#endif

#define SQUARES_TENSOR(k) gradient_in pg##k, int count##k,
#undef USE
#define USE(k) pg = pg##k

#if ONLY == 0 || ONLY == 8
__kernel void
squares(EACH(SQUARES_TENSOR) numbers_out sums, int first,
        __local float *part)
{
    const int id = (int)get_local_id(0);
    NUMBERS sum = 0.0f;
    gradient_in pg = 0;

    FIND_PIECE;
    PIECE
    {
        GET_AS(TYPE_g, pg, g);
        sum += g * g;
    }
#if LANES > 1
    float lane[LANES];
    OC_CAT(vstore, LANES)(sum, 0, lane);
    part[id] = 0.0f;
    for (int k = 0; k < LANES; k++)
        part[id] += lane[k];
#else
    part[id] = sum;
#endif
    for (int half_ = (int)get_local_size(0) / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (id < half_)
            part[id] += part[id + half_];
    }
    if (id == 0)
        sums[first + (int)get_group_id(0)] = part[0];
}
#endif

/* good and scale of the loss before and after this step, of whose gradients,
 * scaled, the squares' sum is known; the factor that the optimizer takes them
 * times: 1 / scale, less where the norm is clipped, and 0 where it is none. */
#if ONLY == 0 || ONLY == 9
__kernel void
loss_scale(numbers_in scales, numbers_in goods, numbers_in sums,
           numbers_out new_scales, numbers_out new_goods, numbers_out factors,
           float growth, float backoff, float interval, float clip)
{
    const float scale = scales[0], good = goods[0], sum = sums[0];
    const int finite = sum - sum == 0.0f;
    const int grows = finite && good + 1.0f >= interval;
    const float norm = sqrt(sum) / scale;
    const float share = clip > 0.0f ? fmin(1.0f, clip / (norm + 1e-6f)) : 1.0f;
    const float larger = scale * growth;

    if (get_global_id(0) > 0)
        return;
    new_scales[0] = !finite ? scale * backoff
                    : grows && larger - larger == 0.0f ? larger
                                                       : scale;
    new_goods[0] = finite && !grows ? good + 1.0f : 0.0f;
    factors[0] = finite ? share / scale : 0.0f;
}
#endif

#define NARROW_TENSOR(k)                                                       \
    numbers_in pw##k, __global STORAGE(TYPE_q) *qw##k, int count##k,
#undef USE
#define USE(k)                                                                 \
    pw = pw##k;                                                                \
    qw = qw##k

/* The last argument closes the list. */
#if ONLY == 0 || ONLY == 10
__kernel void
narrow(EACH(NARROW_TENSOR) int unused)
{
    numbers_in pw = 0;
    __global STORAGE(TYPE_q) *qw = 0;

    FIND_PIECE;
    PIECE
    {
        GET(pw, w);
        PUT_AS(TYPE_q, qw, w);
    }
}
#endif
