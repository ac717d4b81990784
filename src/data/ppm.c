/* ppm.c - PGM and PPM images, binary (P5, P6), as netpbm's ppm(5) says: three
 * numbers in ASCII with comments between, one white space, then the samples,
 * two bytes each with the high one first where the largest value is above
 * 255. */
#include "data/image.h"

#include <string.h>

struct cursor {
    const uint8_t *at, *end;
};

static int
is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void
skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end) {
        if (*cursor->at == '#')
            while (cursor->at < cursor->end && *cursor->at != '\n')
                cursor->at++;
        else if (!is_space(*cursor->at))
            break;
        else
            cursor->at++;
    }
}

static ocellus_status
read_number(struct cursor *cursor, const char *what, int *number)
{
    int64_t value = 0;
    int digits = 0;

    skip_space(cursor);
    while (cursor->at < cursor->end && *cursor->at >= '0' &&
           *cursor->at <= '9' && value <= INT32_MAX) {
        value = value * 10 + (*cursor->at++ - '0');
        digits++;
    }
    if (digits == 0)
        return oc_fail(OCELLUS_BAD_DATA, "the header has no number for its %s",
                       what);
    if (value > INT32_MAX)
        return oc_fail(OCELLUS_BAD_DATA, "the header's %s is absurdly large",
                       what);
    *number = (int)value;
    return OCELLUS_OK;
}

static ocellus_status
read_header(struct cursor *cursor, struct oc_pixels *pixels)
{
    int largest;

    OC_TRY(read_number(cursor, "width", &pixels->width));
    OC_TRY(read_number(cursor, "height", &pixels->height));
    OC_TRY(read_number(cursor, "largest value", &largest));
    OC_TRY(oc_pixels_check((uint64_t)pixels->height, (uint64_t)pixels->width));
    if (largest < 1 || largest > 65535)
        return oc_fail(OCELLUS_BAD_DATA,
                       "the largest value is %d; 1 to 65535 are possible",
                       largest);
    if (cursor->at == cursor->end || !is_space(*cursor->at))
        return oc_fail(OCELLUS_BAD_DATA,
                       "no white space between the header and the samples");
    cursor->at++;
    pixels->largest = (unsigned)largest;
    pixels->bytes_each = largest > 255 ? 2 : 1;
    return OCELLUS_OK;
}

/* Values above the largest one are damage; they count as the largest. */
static void
copy_samples(struct oc_pixels *pixels, const uint8_t *from, size_t count)
{
    uint8_t *narrow = pixels->data;
    uint16_t *wide = pixels->data;

    for (size_t i = 0; i < count; i++) {
        unsigned value = from[i];

        if (pixels->bytes_each == 2)
            value = (unsigned)from[2 * i] << 8 | from[2 * i + 1];
        if (value > pixels->largest)
            value = pixels->largest;
        if (pixels->bytes_each == 2)
            wide[i] = (uint16_t)value;
        else
            narrow[i] = (uint8_t)value;
    }
}

ocellus_status
oc_ppm_decode(const uint8_t *data, size_t bytes, int header_only,
              struct oc_pixels *pixels)
{
    struct cursor cursor = {data + 2, data + bytes};
    size_t need, left;

    if (data[1] != '5' && data[1] != '6')
        return oc_fail(OCELLUS_BAD_DATA,
                       "a netpbm file of kind P%c; P5 and P6 are read",
                       data[1]);
    pixels->channels = data[1] == '6' ? 3 : 1;
    OC_TRY(read_header(&cursor, pixels));
    if (header_only)
        return OCELLUS_OK;
    need = (size_t)pixels->height * (size_t)pixels->width *
           (size_t)pixels->channels;
    left = (size_t)(cursor.end - cursor.at);
    if (left / (size_t)pixels->bytes_each < need)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%d x %d pixels need %zu bytes, but %zu are there",
                       pixels->height, pixels->width,
                       need * (size_t)pixels->bytes_each, left);
    OC_TRY(oc_pixels_alloc(pixels, bytes, 1));
    copy_samples(pixels, cursor.at, need);
    return OCELLUS_OK;
}
