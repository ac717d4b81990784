/* transform.c - the words of a transform, their numbers, and the order in
 * which steps are done. The steps are in crop.c, warp.c and colour.c. */
#include "data/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum form {
    ALONE,  /* flip */
    NUMBER, /* rotate=10 */
    EXTENT, /* pad-crop=4: a whole number */
    SIZE,   /* crop=224, resize=32x32 */
    AREA,   /* random-resized-crop=224,0.08,1 */
    FIELD   /* elastic=2,4 */
};

enum shape_rule { SAME, SHORT_SIDE, FIXED, ONE_CHANNEL, THREE_CHANNELS };

struct oc_step_kind {
    const char *name;
    enum form form;
    enum shape_rule shape;
    int is_random;
    float least, most; /* of the first number */
    int slot;          /* of a warp's number */
    ocellus_status (*run)(const struct oc_step *, struct oc_canvas *);
};

#define MOST_SIDE 16384.0f

static const struct oc_step_kind kinds[] = {
    {"resize", SIZE, SHORT_SIDE, 0, 1, MOST_SIDE, 0, oc_resize},
    {"crop", SIZE, FIXED, 0, 1, MOST_SIDE, 0, oc_crop},
    {"gray", ALONE, ONE_CHANNEL, 0, 0, 0, 0, oc_gray},
    {"rgb", ALONE, THREE_CHANNELS, 0, 0, 0, 0, oc_rgb},
    {"random-resized-crop", AREA, FIXED, 1, 1, MOST_SIDE, 0,
     oc_random_resized_crop},
    {"pad-crop", EXTENT, SAME, 1, 0, 1024, 0, oc_pad_crop},
    {"flip", ALONE, SAME, 1, 0, 0, 0, oc_flip},
    {"vflip", ALONE, SAME, 1, 0, 0, 0, oc_vflip},
    {"rotate", NUMBER, SAME, 1, 0, 180, OC_ROTATE, oc_warp},
    {"shear", NUMBER, SAME, 1, 0, 60, OC_SHEAR, oc_warp},
    {"shift", NUMBER, SAME, 1, 0, 1024, OC_SHIFT, oc_warp},
    {"scale", NUMBER, SAME, 1, 0, 0.9f, OC_SCALE, oc_warp},
    {"elastic", FIELD, SAME, 1, 0, 1024, OC_ELASTIC, oc_warp},
    {"brightness", NUMBER, SAME, 1, 0, 1, 0, oc_brightness},
    {"contrast", NUMBER, SAME, 1, 0, 1, 0, oc_contrast},
    {"saturation", NUMBER, SAME, 1, 0, 1, 0, oc_saturation},
    {"noise", NUMBER, SAME, 1, 0, 1, 0, oc_noise},
    {"cutout", EXTENT, SAME, 1, 0, 1024, 0, oc_cutout},
    {"mixup", NUMBER, SAME, 1, 0, 100, 0, NULL},
    {"cutmix", NUMBER, SAME, 1, 0, 100, 0, NULL},
};

static const struct oc_step_kind *
find_kind(const char *word, size_t length)
{
    for (size_t k = 0; k < OC_COUNT(kinds); k++)
        if (strlen(kinds[k].name) == length &&
            memcmp(kinds[k].name, word, length) == 0)
            return &kinds[k];
    return NULL;
}

/* A number in decimal, whatever the locale says: strtof would not do. */
static int
scan_number(const char **at, float *number)
{
    double value = 0, unit = 1;
    int digits = 0, behind = 0;

    for (;; (*at)++) {
        if (**at == '.' && !behind) {
            behind = 1;
            continue;
        }
        if (**at < '0' || **at > '9' || ++digits > 30)
            break;
        value = value * 10 + (**at - '0');
        if (behind)
            unit *= 10;
    }
    *number = (float)(value / unit);
    return digits > 0 && digits <= 30;
}

static int
scan_size(const char **at, struct oc_step *step, float most)
{
    float height, width = 0;

    if (!scan_number(at, &height) || height > most)
        return 0;
    if (**at == 'x') {
        (*at)++;
        if (!scan_number(at, &width) || width > most || width < 1 ||
            width != floorf(width))
            return 0;
    }
    step->height = (int)height;
    step->width = (int)width;
    step->value[0] = height;
    return height == floorf(height);
}

/* ",0.08,1" */
static int
scan_area(const char **at, struct oc_step *step)
{
    float *low = &step->value[1], *high = &step->value[2];

    *low = 0.08f;
    *high = 1.0f;
    if (**at == ',' && (++*at, !scan_number(at, low)))
        return 0;
    if (**at == ',' && (++*at, !scan_number(at, high)))
        return 0;
    return *low > 0 && *low <= *high && *high <= 1;
}

static int
scan_values(const char **at, struct oc_step *step)
{
    const struct oc_step_kind *kind = step->kind;
    float *first = &step->value[kind->slot];

    if (kind->form == ALONE)
        return 1;
    if (*(*at)++ != '=')
        return 0;
    if (kind->form == SIZE || kind->form == AREA) {
        if (!scan_size(at, step, kind->most))
            return 0;
        if (kind->form == AREA && !scan_area(at, step))
            return 0;
    } else if (!scan_number(at, first)) {
        return 0;
    }
    if (kind->form == EXTENT && *first != floorf(*first))
        return 0;
    if (kind->form == FIELD) {
        step->value[OC_SMOOTH] = 4;
        if (**at == ',' && (++*at, !scan_number(at, &step->value[OC_SMOOTH])))
            return 0;
        if (step->value[OC_SMOOTH] < 0.5f || step->value[OC_SMOOTH] > 100)
            return 0;
    }
    return *first >= kind->least && *first <= kind->most;
}

static ocellus_status
fail_value(const struct oc_step_kind *kind, const char *word, size_t length)
{
    static const char *const want[] = {
        "no number",
        "a number",
        "a whole number",
        "a size such as 32 or 24x32",
        "a size and perhaps two fractions (224,0.08,1), the size",
        "one or two numbers, the second within 0.5 .. 100, the first"};

    if (kind->form == ALONE)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "transform: '%.*s': %s takes no number", (int)length,
                       word, kind->name);
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "transform: '%.*s': %s= takes %s within %g .. %g",
                   (int)length, word, kind->name, want[kind->form],
                   (double)kind->least, (double)kind->most);
}

static ocellus_status
fail_word(const char *word, size_t length)
{
    return oc_fail(OCELLUS_BAD_ARGUMENT,
                   "transform: no step is called '%.*s'; there are resize, "
                   "crop, gray, rgb, random-resized-crop, pad-crop, flip, "
                   "vflip, rotate, shear, shift, scale, elastic, brightness, "
                   "contrast, saturation, noise, cutout, mixup and cutmix",
                   (int)length, word);
}

/* Adds a parsed step, or lets a warp before it take its numbers in. */
static ocellus_status
add(struct oc_transform *transform, const struct oc_step *step)
{
    int i = transform->count > 0 ? transform->count - 1 : 0;
    struct oc_step *last = &transform->step[i];

    if (transform->count > 0 && step->kind->run == oc_warp &&
        last->kind->run == oc_warp && last->value[step->kind->slot] == 0) {
        last->value[step->kind->slot] = step->value[step->kind->slot];
        if (step->kind->slot == OC_ELASTIC)
            last->value[OC_SMOOTH] = step->value[OC_SMOOTH];
        return OCELLUS_OK;
    }
    if (transform->count == OC_MOST_STEPS)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "transform: more than %d steps",
                       OC_MOST_STEPS);
    transform->step[transform->count++] = *step;
    return OCELLUS_OK;
}

static ocellus_status
parse_word(const char *word, size_t length, struct oc_transform *transform)
{
    struct oc_step step = {.kind = find_kind(word, strcspn(word, "= \t\n,"))};
    const char *at;

    if (step.kind == NULL)
        return fail_word(word, length);
    at = word + strlen(step.kind->name);
    if (!scan_values(&at, &step) || at != word + length)
        return fail_value(step.kind, word, length);
    if (step.kind->is_random && transform->random == NULL)
        transform->random = step.kind->name;
    if (step.kind->run != NULL)
        return add(transform, &step);
    if (step.kind->name[0] == 'm')
        transform->mixup = step.value[0];
    else
        transform->cutmix = step.value[0];
    if (transform->mixup > 0 && transform->cutmix > 0)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "transform: mixup and cutmix exclude each other");
    return OCELLUS_OK;
}

ocellus_status
oc_transform_parse(const char *text, struct oc_transform *transform)
{
    memset(transform, 0, sizeof *transform);
    if (text == NULL)
        return OCELLUS_OK;
    for (;;) {
        size_t length;

        text += strspn(text, " \t\n");
        length = strcspn(text, " \t\n");
        if (length == 0)
            return OCELLUS_OK;
        OC_TRY(parse_word(text, length, transform));
        text += length;
    }
}

ocellus_status
ocellus_transform_check(const char *transform)
{
    struct oc_transform parsed;

    return oc_transform_parse(transform, &parsed);
}

static void
short_side(const struct oc_step *step, int chw[3])
{
    int shorter = chw[1] < chw[2] ? chw[1] : chw[2];

    if (step->width != 0) {
        chw[1] = step->height;
        chw[2] = step->width;
    } else if (shorter != 0) {
        double ratio = (double)step->height / shorter;

        for (int k = 1; k < 3; k++)
            chw[k] = chw[k] == shorter
                         ? step->height
                         : (int)fmin(INT32_MAX, floor(chw[k] * ratio + 0.5));
    }
}

ocellus_status
oc_transform_shape(const struct oc_transform *transform, int chw[3])
{
    for (int i = 0; i < transform->count; i++) {
        const struct oc_step *step = &transform->step[i];
        enum shape_rule rule = step->kind->shape;

        if ((rule == ONE_CHANNEL || rule == THREE_CHANNELS) && chw[0] != 1 &&
            chw[0] != 3)
            return oc_fail(OCELLUS_BAD_ARGUMENT,
                           "transform: %s is for 1 or 3 channels; there are "
                           "%d",
                           step->kind->name, chw[0]);
        if (rule == SHORT_SIDE) {
            short_side(step, chw);
        } else if (rule == FIXED) {
            chw[1] = step->height;
            chw[2] = step->width ? step->width : step->height;
        } else if (rule != SAME) {
            chw[0] = rule == ONE_CHANNEL ? 1 : 3;
        }
    }
    return OCELLUS_OK;
}

ocellus_status
oc_transform_apply(const struct oc_transform *transform,
                   struct oc_canvas *canvas)
{
    for (int i = 0; i < transform->count; i++) {
        const struct oc_step *step = &transform->step[i];

        OC_TRY(step->kind->run(step, canvas));
    }
    return OCELLUS_OK;
}

void
oc_canvas_free(struct oc_canvas *canvas)
{
    oc_image_free(&canvas->image);
    oc_image_free(&canvas->scratch);
}
