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
 *
 * A work-item takes `chunk` numbers, LANES at a time. New and old values may
 * share a place: each number is read before it is written.
 *
 *   MOMENTUM, NESTEROV, DAMPENED, DECOUPLED   0 or 1
 */
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

#if LANES > 1
#define NUMBERS WIDE
#define GET(p, v)                                                              \
    NUMBERS v;                                                                 \
    if (n >= LANES)                                                            \
        v = VLOAD(1, p, i);                                                    \
    else                                                                       \
        LOAD_PART(1, p, i, n, v)
#define PUT(p, v)                                                              \
    if (n >= LANES)                                                            \
        VSTORE(1, p, i, v);                                                    \
    else                                                                       \
        STORE_PART(1, p, i, n, v)
#else
#define NUMBERS float
#define GET(p, v) NUMBERS v = p[i]
#define PUT(p, v) p[i] = v
#endif

#define PIECES                                                                 \
    const int from = (int)get_global_id(0) * chunk;                            \
    const int to = min(from + chunk, count);                                   \
    for (int i = from, n = to - i; i < to; i += LANES, n -= LANES)

typedef __global const float *numbers_in;
typedef __global float *numbers_out;

__kernel void
sgd(numbers_in pw, numbers_in pg, numbers_in rate, numbers_in pm,
    numbers_in steps, numbers_out qw, numbers_out qm, float momentum,
    float rest, float decay, int count, int chunk)
{
    const float step = rate[0];
#if MOMENTUM
    const float keep = DAMPENED && steps[0] <= 1.0f ? 1.0f : rest;
#endif

    PIECES
    {
        GET(pw, w);
        GET(pg, g);
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

__kernel void
adam(numbers_in pw, numbers_in pg, numbers_in rate, numbers_in pm,
     numbers_in pv, numbers_in steps, numbers_out qw, numbers_out qm,
     numbers_out qv, float beta1, float rest1, float log1, float beta2,
     float rest2, float log2, float epsilon, float decay, int count, int chunk)
{
    const float t = steps[0], step = rate[0];
    const float scale = step / -expm1(t * log1);
    const float root = sqrt(-expm1(t * log2));

    PIECES
    {
        GET(pw, w);
        GET(pg, g);
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

__kernel void
rmsprop(numbers_in pw, numbers_in pg, numbers_in rate, numbers_in pv,
        numbers_in pm, numbers_out qw, numbers_out qv, numbers_out qm,
        float alpha, float rest, float epsilon, float momentum, float decay,
        int count, int chunk)
{
    const float step = rate[0];

    PIECES
    {
        GET(pw, w);
        GET(pg, g);
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

__kernel void
average(numbers_in pe, numbers_in pw, numbers_in keeps, numbers_out qe,
        int count, int chunk)
{
    const float keep = keeps[0];

    PIECES
    {
        GET(pe, e);
        GET(pw, w);
        e = keep * e + (1.0f - keep) * w;
        PUT(qe, e);
    }
}
