/* common.cl - put before every kernel file: storage types, masks, random
 * numbers. OpenCL C 1.2.
 *
 * Each tensor argument x of a kernel has a storage type of its own, given by
 * -DTYPE_x=N (ONNX's number; 1, float, when the option is absent: a file says
 * `#ifndef TYPE_x` for itself). A file then writes
 *
 *     __kernel void f(__global const STORAGE(TYPE_x) *x, ...)
 *     ... ACC v = LOAD(TYPE_x, x, i);  STORE(TYPE_y, y, i, v);
 *
 * and works for float, half, bfloat16 (stored as ushort), double where the
 * device has it, and integers. half is only ever stored: vload_half needs no
 * extension. ACC is what sums are kept in (float unless -DACC=double).
 */
#ifndef ACC
#define ACC float
#endif

#define OC_CAT_(a, b) a##b
#define OC_CAT(a, b) OC_CAT_(a, b)

#define STORAGE(type) OC_CAT(OC_STORAGE_, type)
#define OC_STORAGE_1 float
#define OC_STORAGE_2 uchar
#define OC_STORAGE_3 char
#define OC_STORAGE_4 ushort
#define OC_STORAGE_5 short
#define OC_STORAGE_6 int
#define OC_STORAGE_7 long
#define OC_STORAGE_9 uchar
#define OC_STORAGE_10 half
#define OC_STORAGE_11 double
#define OC_STORAGE_12 uint
#define OC_STORAGE_13 ulong
#define OC_STORAGE_16 ushort

/* What a number of that type is computed in. */
#define VALUE(type) OC_CAT(OC_VALUE_, type)
#define OC_VALUE_1 float
#define OC_VALUE_2 uchar
#define OC_VALUE_3 char
#define OC_VALUE_4 ushort
#define OC_VALUE_5 short
#define OC_VALUE_6 int
#define OC_VALUE_7 long
#define OC_VALUE_9 int
#define OC_VALUE_10 float
#define OC_VALUE_11 double
#define OC_VALUE_12 uint
#define OC_VALUE_13 ulong
#define OC_VALUE_16 float

#define LOAD(type, p, i) OC_CAT(OC_LOAD_, type)(p, i)
#define OC_LOAD_1(p, i) ((p)[i])
#define OC_LOAD_2(p, i) ((p)[i])
#define OC_LOAD_3(p, i) ((p)[i])
#define OC_LOAD_4(p, i) ((p)[i])
#define OC_LOAD_5(p, i) ((p)[i])
#define OC_LOAD_6(p, i) ((p)[i])
#define OC_LOAD_7(p, i) ((p)[i])
#define OC_LOAD_9(p, i) ((p)[i])
#define OC_LOAD_10(p, i) vload_half((size_t)(i), p)
#define OC_LOAD_11(p, i) ((p)[i])
#define OC_LOAD_12(p, i) ((p)[i])
#define OC_LOAD_13(p, i) ((p)[i])
#define OC_LOAD_16(p, i) as_float((uint)(p)[i] << 16)

#define STORE(type, p, i, v) OC_CAT(OC_STORE_, type)(p, i, v)
#define OC_STORE_1(p, i, v) ((p)[i] = (float)(v))
#define OC_STORE_2(p, i, v) ((p)[i] = (uchar)(v))
#define OC_STORE_3(p, i, v) ((p)[i] = (char)(v))
#define OC_STORE_4(p, i, v) ((p)[i] = (ushort)(v))
#define OC_STORE_5(p, i, v) ((p)[i] = (short)(v))
#define OC_STORE_6(p, i, v) ((p)[i] = (int)(v))
#define OC_STORE_7(p, i, v) ((p)[i] = (long)(v))
#define OC_STORE_9(p, i, v) ((p)[i] = (uchar)((v) != 0))
#define OC_STORE_10(p, i, v) vstore_half_rte((float)(v), (size_t)(i), p)
#define OC_STORE_11(p, i, v) ((p)[i] = (double)(v))
#define OC_STORE_12(p, i, v) ((p)[i] = (uint)(v))
#define OC_STORE_13(p, i, v) ((p)[i] = (ulong)(v))
#define OC_STORE_16(p, i, v) ((p)[i] = oc_bfloat16(v))

/* To nearest even; a NaN stays a quiet NaN. */
static inline ushort
oc_bfloat16(float v)
{
    uint bits = as_uint(v);
    if (isnan(v))
        return (ushort)((bits >> 16) | 0x40u);
    return (ushort)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* Philox4x32-10, the same numbers as oc_philox() of src/base/random.c. */
static inline uint4
oc_philox(uint2 key, uint4 counter)
{
    for (int round = 0; round < 10; round++) {
        uint hi0 = mul_hi(0xD2511F53u, counter.x);
        uint lo0 = 0xD2511F53u * counter.x;
        uint hi1 = mul_hi(0xCD9E8D57u, counter.z);
        uint lo1 = 0xCD9E8D57u * counter.z;
        counter = (uint4)(hi1 ^ counter.y ^ key.x, lo1,
                          hi0 ^ counter.w ^ key.y, lo0);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

/* With -DLANES=4, 8 or 16: vectors of that many floats, loaded from and stored
 * to any place of a tensor of float, half or bfloat16. */
#if defined(LANES) && LANES > 1
#define WIDE OC_CAT(float, LANES)
#define WIDE_INT OC_CAT(int, LANES)
#define VLOAD(type, p, i) OC_CAT(VLOAD_, type)(p, i)
#define VLOAD_1(p, i) OC_CAT(vload, LANES)(0, (p) + (i))
#define VLOAD_10(p, i) oc_load_halves((p) + (i))
#define VLOAD_16(p, i)                                                         \
    OC_CAT(as_float, LANES)                                                    \
    (OC_CAT(convert_uint, LANES)(OC_CAT(vload, LANES)(0, (p) + (i))) << 16)
#define VSTORE(type, p, i, v) OC_CAT(VSTORE_, type)(p, i, v)
#define VSTORE_1(p, i, v) OC_CAT(vstore, LANES)(v, 0, (p) + (i))
#define VSTORE_10(p, i, v) STORE_PART(10, p, i, LANES, v)
#define VSTORE_16(p, i, v) STORE_PART(16, p, i, LANES, v)

#if LANES == 4 || LANES == 8 || LANES == 16
/* One by one: PoCL 3.1 takes vload_half8 for a load from an aligned place, and
 * ends the process where it is none. */
static inline WIDE
oc_load_halves(__global const half *p)
{
    float part[LANES];
    for (int k = 0; k < LANES; k++)
        part[k] = vload_half((size_t)k, p);
    return OC_CAT(vload, LANES)(0, part);
}
#endif

__constant int oc_lane[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                           8, 9, 10, 11, 12, 13, 14, 15};

/* Fewer than LANES numbers: the end of a row. */
#define LOAD_PART(type, p, i, n, v)                                            \
    do {                                                                       \
        float part[LANES];                                                     \
        for (int k = 0; k < LANES; k++)                                        \
            part[k] = k < (n) ? LOAD(type, p, (i) + k) : 0.0f;                 \
        v = OC_CAT(vload, LANES)(0, part);                                     \
    } while (0)
#define STORE_PART(type, p, i, n, v)                                           \
    do {                                                                       \
        float part[LANES];                                                     \
        OC_CAT(vstore, LANES)(v, 0, part);                                     \
        for (int k = 0; k < (n); k++)                                          \
            STORE(type, p, (i) + k, part[k]);                                  \
    } while (0)
#endif
