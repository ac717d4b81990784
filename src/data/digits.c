/* digits.c - a data set that needs no file: digits written by a wobbling pen,
 * rotated, sheared, scaled, shifted, bent elastically (Simard, Steinkraus &
 * Platt 2003), drawn with strokes of changing width and strength, with scraps
 * of other strokes and noise.
 *
 * It is meant to be hard for a linear model (below 90%) and easy for a small
 * convolutional net (above 97%). A digit is a function of (seed, split,
 * index). */
#include "data/dataset.h"
#include "data/stroke.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/thread.h"

#define SIDE 28
#define MOST_DIGITS 10000000
#define BLOCK 128
#define PI 3.14159265f

/* The elastic field has a point every second pixel. */
#define FIELD 14

struct field {
    float dx[FIELD * FIELD], dy[FIELD * FIELD];
};

static float
within(struct oc_random *random, float low, float high)
{
    return low + (high - low) * oc_random_uniform(random);
}

static float
interpolate(const float *field, float x, float y)
{
    float fx = fminf(fmaxf(x / 2, 0), FIELD - 1.001f);
    float fy = fminf(fmaxf(y / 2, 0), FIELD - 1.001f);
    int ix = (int)fx, iy = (int)fy;
    const float *at = field + iy * FIELD + ix;

    fx -= (float)ix;
    fy -= (float)iy;
    return (1 - fy) * ((1 - fx) * at[0] + fx * at[1]) +
           fy * ((1 - fx) * at[FIELD] + fx * at[FIELD + 1]);
}

/* From the 100 x 100 units of a glyph to pixels. */
static void
place(struct oc_random *random, const struct field *field,
      struct oc_strokes *strokes)
{
    float angle = within(random, -15, 15) * PI / 180;
    float shear = within(random, -0.35f, 0.35f);
    float wide = within(random, 0.14f, 0.23f);
    float high = within(random, 0.16f, 0.23f);
    float left = within(random, -3, 3), top = within(random, -3, 3);
    float c = cosf(angle), s = sinf(angle);

    for (int i = 0; i < strokes->count; i++) {
        struct oc_point *point = &strokes->point[i];
        float v = (point->y - 50) * high;
        float u = (point->x - 50) * wide - shear * v;
        float x = c * u - s * v + left + (SIDE - 1) / 2.0f;
        float y = s * u + c * v + top + (SIDE - 1) / 2.0f;

        point->x = x + interpolate(field->dx, x, y);
        point->y = y + interpolate(field->dy, x, y);
    }
}

/* The pen is pressed harder here and there. */
static void
press(struct oc_random *random, struct oc_strokes *strokes)
{
    float radius = within(random, 0.55f, 1.45f);
    float phase = within(random, 0, 2 * PI), change = within(random, 0, 0.3f);

    for (int i = 0; i < strokes->count; i++)
        strokes->point[i].radius =
            radius * (1 + change * sinf(phase + 0.15f * (float)i));
}

/* A scrap of a stroke that comes in from the edge. */
static void
add_scrap(struct oc_random *random, float *ink)
{
    struct oc_strokes scrap = {.count = 2};
    float scraps[SIDE * SIDE] = {0}, strength = within(random, 0.4f, 0.9f);
    float around = within(random, 0, 2 * PI), turn;
    struct oc_point *a = &scrap.point[0], *b = &scrap.point[1];

    turn = around + PI + within(random, -1.2f, 1.2f);
    a->x = (SIDE - 1) / 2.0f + 18 * cosf(around);
    a->y = (SIDE - 1) / 2.0f + 18 * sinf(around);
    b->x = a->x + within(random, 5, 10) * cosf(turn);
    b->y = a->y + within(random, 5, 10) * sinf(turn);
    a->radius = b->radius = within(random, 0.5f, 1.2f);
    oc_strokes_draw(&scrap, SIDE, SIDE, scraps);
    for (int i = 0; i < SIDE * SIDE; i++)
        if (strength * scraps[i] > ink[i])
            ink[i] = strength * scraps[i];
}

static void
finish(struct oc_random *random, const float *ink, uint8_t *image)
{
    float strength = within(random, 0.6f, 1), noise = within(random, 0, 0.1f);

    for (int i = 0; i < SIDE * SIDE; i++) {
        float value = strength * ink[i] + noise * oc_random_normal(random);

        value = value < 0 ? 0 : value > 1 ? 1 : value;
        image[i] = (uint8_t)(255 * value + 0.5f);
    }
}

static ocellus_status
draw_digit(struct oc_random *random, int digit, uint8_t *image)
{
    uint32_t style = oc_random_below(random, (uint32_t)oc_glyph_styles(digit));
    float ink[SIDE * SIDE] = {0};
    struct oc_strokes strokes;
    struct field field;

    OC_TRY(oc_elastic_field(random, FIELD, FIELD, within(random, 1, 3), 2,
                            field.dx, field.dy));
    oc_strokes_from_path(oc_glyph(digit, (int)style), 2.5f, random, &strokes);
    place(random, &field, &strokes);
    press(random, &strokes);
    oc_strokes_draw(&strokes, SIDE, SIDE, ink);
    for (uint32_t scraps = oc_random_below(random, 3); scraps > 0; scraps--)
        add_scrap(random, ink);
    finish(random, ink, image);
    return OCELLUS_OK;
}

struct drawing {
    struct oc_store *store;
    uint64_t seed, stream;
};

static ocellus_status
draw_block(void *context, int block)
{
    struct drawing *drawing = context;
    struct oc_store *store = drawing->store;
    int64_t first = (int64_t)block * BLOCK, end = first + BLOCK;

    if (end > store->count)
        end = store->count;
    for (int64_t i = first; i < end; i++) {
        struct oc_random random;

        oc_random_start(&random, drawing->seed,
                        oc_hash(drawing->stream, &i, sizeof i));
        store->label[i] = (int32_t)(i % 10);
        OC_TRY(
            draw_digit(&random, (int)(i % 10), store->bytes + i * SIDE * SIDE));
    }
    return OCELLUS_OK;
}

static ocellus_status
draw_store(struct oc_store *store, int64_t count, uint64_t seed,
           const char *name)
{
    static const int chw[3] = {1, SIDE, SIDE};
    struct drawing drawing = {store, seed, oc_hash_text(OC_HASH_START, name)};

    OC_TRY(oc_store_labels(store, count));
    store->bytes = malloc((size_t)count * SIDE * SIDE + 1);
    if (store->bytes == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for %lld digits",
                       (long long)count);
    store->read = oc_store_read_bytes;
    store->count = count;
    memcpy(store->chw, chw, sizeof chw);
    return oc_parallel(oc_thread_count(), (int)((count + BLOCK - 1) / BLOCK),
                       draw_block, &drawing);
}

ocellus_status
ocellus_dataset_digits(int64_t train, int64_t test,
                       const ocellus_dataset_options *given,
                       ocellus_dataset **dataset)
{
    ocellus_dataset_options options;
    ocellus_status status;

    *dataset = NULL;
    if (train < 0 || train > MOST_DIGITS || test < 0 || test > MOST_DIGITS)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%lld and %lld digits; 0 to %d are drawn",
                       (long long)train, (long long)test, MOST_DIGITS);
    OC_TRY(oc_dataset_create(given, &options, dataset));
    if (options.test == 0 && test == 0)
        options.test = -1;
    (*dataset)->format = "digits";
    (*dataset)->classes = 10;
    status = draw_store(&(*dataset)->store[OCELLUS_TRAIN], train, options.seed,
                        "train");
    if (status == OCELLUS_OK)
        status = draw_store(&(*dataset)->store[OCELLUS_TEST], test,
                            options.seed, "test");
    if (status == OCELLUS_OK)
        status = oc_dataset_finish(*dataset, &options);
    if (status != OCELLUS_OK) {
        ocellus_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}
