/* type.c - element types and their conversion.
 *
 * Elements are read and written bytewise, so data need not be aligned. A
 * number that does not fit an integer type becomes the nearest that does; NaN
 * becomes 0.
 */
#include "base/type.h"

#include <math.h>
#include <string.h>

#include "base/status.h"

struct row {
    const char *name;
    size_t size;
    int is_float;
    int bits; /* integers: width, negative where signed */
};

static const struct row rows[] = {
    [OCELLUS_UNDEFINED] = {"undefined", 0, 0, 0},
    [OCELLUS_FLOAT] = {"float32", 4, 1, 0},
    [OCELLUS_UINT8] = {"uint8", 1, 0, 8},
    [OCELLUS_INT8] = {"int8", 1, 0, -8},
    [OCELLUS_UINT16] = {"uint16", 2, 0, 16},
    [OCELLUS_INT16] = {"int16", 2, 0, -16},
    [OCELLUS_INT32] = {"int32", 4, 0, -32},
    [OCELLUS_INT64] = {"int64", 8, 0, -64},
    [OCELLUS_STRING] = {"string", 0, 0, 0},
    [OCELLUS_BOOL] = {"bool", 1, 0, 0},
    [OCELLUS_FLOAT16] = {"float16", 2, 1, 0},
    [OCELLUS_DOUBLE] = {"float64", 8, 1, 0},
    [OCELLUS_UINT32] = {"uint32", 4, 0, 32},
    [OCELLUS_UINT64] = {"uint64", 8, 0, 64},
    [OCELLUS_BFLOAT16] = {"bfloat16", 2, 1, 0},
};

static const struct row *
row_of(ocellus_type type)
{
    if ((int)type < 0 || (size_t)type >= OC_COUNT(rows) || !rows[type].name)
        return &rows[OCELLUS_UNDEFINED];
    return &rows[type];
}

size_t
oc_type_size(ocellus_type type)
{
    return row_of(type)->size;
}

const char *
oc_type_name(ocellus_type type)
{
    return row_of(type)->name;
}

int
oc_type_is_float(ocellus_type type)
{
    return row_of(type)->is_float;
}

int
oc_type_is_integer(ocellus_type type)
{
    return row_of(type)->bits != 0;
}

/* --------------------------------------------------------------- integers */

static uint64_t
load_bits(const void *data, size_t i, size_t size)
{
    const unsigned char *at = (const unsigned char *)data + i * size;
    uint64_t bits = 0;

    for (size_t k = size; k-- > 0;)
        bits = bits << 8 | at[k];
    return bits;
}

static void
store_bits(void *data, size_t i, size_t size, uint64_t bits)
{
    unsigned char *at = (unsigned char *)data + i * size;

    for (size_t k = 0; k < size; k++)
        at[k] = (unsigned char)(bits >> 8 * k & 0xff);
}

static int64_t
lowest(const struct row *row)
{
    return row->bits < 0 ? -(INT64_MAX >> (64 + row->bits)) - 1 : 0;
}

static uint64_t
highest(const struct row *row)
{
    return row->bits < 0 ? (uint64_t)INT64_MAX >> (64 + row->bits)
                         : UINT64_MAX >> (64 - row->bits);
}

static uint64_t
integer_of(const struct row *row, double value)
{
    /* 2^63 and 2^64 are doubles, INT64_MAX and UINT64_MAX are not. */
    if (isnan(value))
        return 0;
    if (value >= (double)highest(row))
        return highest(row);
    if (value <= (double)lowest(row))
        return (uint64_t)lowest(row);
    return value < 0 ? (uint64_t)(int64_t)value : (uint64_t)value;
}

/* -------------------------------------------------------------- elements */

static double
load_float(ocellus_type type, const void *data, size_t i)
{
    uint64_t bits = load_bits(data, i, oc_type_size(type));
    uint32_t low = (uint32_t)bits;
    double wide;
    float narrow;

    if (type == OCELLUS_FLOAT16)
        return (double)oc_half_to_float((uint16_t)bits);
    if (type == OCELLUS_BFLOAT16)
        return (double)oc_bfloat16_to_float((uint16_t)bits);
    if (type == OCELLUS_FLOAT) {
        memcpy(&narrow, &low, sizeof(narrow));
        return (double)narrow;
    }
    memcpy(&wide, &bits, sizeof(wide));
    return wide;
}

static void
store_float(ocellus_type type, void *data, size_t i, double value)
{
    float narrow = (float)value;
    uint64_t bits = 0;
    uint32_t low;

    if (type == OCELLUS_FLOAT16)
        bits = oc_float_to_half(narrow);
    else if (type == OCELLUS_BFLOAT16)
        bits = oc_float_to_bfloat16(narrow);
    else if (type == OCELLUS_FLOAT) {
        memcpy(&low, &narrow, sizeof(low));
        bits = low;
    } else
        memcpy(&bits, &value, sizeof(bits));
    store_bits(data, i, oc_type_size(type), bits);
}

int64_t
oc_element_get_int(ocellus_type type, const void *data, size_t i)
{
    const struct row *row = row_of(type);
    uint64_t bits;

    if (row->is_float)
        return (int64_t)integer_of(&rows[OCELLUS_INT64],
                                   load_float(type, data, i));
    bits = load_bits(data, i, row->size);
    /* A set top bit of a signed type stands for -2^(width - 1). */
    if (row->bits < 0 && bits > highest(row))
        bits |= (uint64_t)lowest(row);
    return (int64_t)bits;
}

double
oc_element_get(ocellus_type type, const void *data, size_t i)
{
    if (row_of(type)->is_float)
        return load_float(type, data, i);
    if (type == OCELLUS_UINT64)
        return (double)load_bits(data, i, sizeof(uint64_t));
    return (double)oc_element_get_int(type, data, i);
}

void
oc_element_set(ocellus_type type, void *data, size_t i, double value)
{
    const struct row *row = row_of(type);

    if (row->is_float)
        store_float(type, data, i, value);
    else if (row->bits)
        store_bits(data, i, row->size, integer_of(row, value));
    else
        store_bits(data, i, row->size, value != 0);
}

void
oc_element_set_int(ocellus_type type, void *data, size_t i, int64_t value)
{
    const struct row *row = row_of(type);

    if (row->is_float) {
        store_float(type, data, i, (double)value);
        return;
    }
    if (!row->bits)
        value = value != 0;
    else if (value < lowest(row))
        value = lowest(row);
    else if (value > 0 && (uint64_t)value > highest(row))
        value = (int64_t)highest(row);
    store_bits(data, i, row->size, (uint64_t)value);
}

/* --------------------------------------------------------- narrow floats */

static uint32_t
bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static float
float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

float
oc_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f;
    uint32_t fraction = half & 0x3ff;
    float small;

    if (exponent == 0x1f)
        return float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent > 0)
        return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    small = (float)fraction * 0x1p-24f;
    return sign ? -small : small;
}

/* Drops the lower `shift` bits of `bits` to the nearest, ties to even. */
static uint32_t
round_off(uint32_t bits, unsigned shift)
{
    uint32_t half = UINT32_C(1) << (shift - 1);

    return (bits + (half - 1) + (bits >> shift & 1)) >> shift;
}

uint16_t
oc_float_to_half(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t size = bits & 0x7fffffff;
    uint32_t half;

    if (size > 0x7f800000) /* NaN stays one, quiet */
        half = 0x7e00 | (size >> 13 & 0x3ff);
    else if (size >= 0x477ff000) /* 65520 and more round to infinity */
        half = 0x7c00;
    else if (size >= 0x38800000) /* 2^-14: normal */
        half = round_off(size - (UINT32_C(112) << 23), 13);
    else if (size < 0x33000000) /* below 2^-25 */
        half = 0;
    else /* subnormal: the fraction in units of 2^-24 */
        half = round_off((size & 0x7fffff) | 0x800000, 126 - (size >> 23));
    return (uint16_t)(sign | half);
}

float
oc_bfloat16_to_float(uint16_t value)
{
    return float_of((uint32_t)value << 16);
}

uint16_t
oc_float_to_bfloat16(float value)
{
    uint32_t bits = bits_of(value);

    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)round_off(bits, 16);
}
