/* stroke.c - paths cut into short pieces, and pieces drawn by distance: a
 * pixel is covered by how far the pen's edge reaches beyond its middle. */
#include "data/stroke.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define LINE_PIECES 6
#define CURVE_PIECES 12

static const char *const glyphs[10][4] = {
    {"M 52 8 C 20 8 18 92 50 92 C 84 92 82 8 52 8",
     "M 62 14 C 30 0 14 50 26 76 C 38 100 72 94 77 56 C 80 24 62 6 44 12",
     "M 60 10 C 34 10 24 90 46 90 C 70 90 78 10 60 10"},
    {"M 50 6 L 50 94", "M 32 26 L 54 7 L 54 94",
     "M 32 26 L 52 7 L 52 93 M 30 94 L 74 94", "M 60 6 L 40 94"},
    {"M 24 26 C 30 2 76 0 74 32 C 72 56 34 74 24 92 L 78 92",
     "M 26 24 C 36 2 76 4 72 34 C 68 60 40 82 28 88 "
     "C 18 90 24 74 36 80 C 52 88 60 96 80 86",
     "M 24 14 C 50 6 72 8 70 22 C 60 48 38 70 24 90 C 44 86 62 88 80 92"},
    {"M 26 18 C 36 2 74 4 70 28 C 68 44 52 47 42 47 "
     "C 60 47 78 54 76 72 C 72 98 34 98 22 80",
     "M 24 10 L 72 10 L 46 42 C 66 40 80 54 76 72 C 70 98 34 98 22 80",
     "M 28 14 C 56 0 76 18 62 36 C 56 44 48 46 44 46 "
     "C 70 46 82 66 68 82 C 56 96 34 94 24 86"},
    {"M 34 8 C 30 28 24 44 22 58 L 80 56 M 64 34 L 60 94",
     "M 62 94 L 62 6 L 18 64 L 82 64",
     "M 30 10 L 26 52 C 44 56 62 52 72 48 M 70 8 L 66 94"},
    {"M 74 10 L 34 10 L 29 44 C 50 34 78 44 75 68 C 72 96 36 98 22 82",
     "M 34 12 L 30 46 C 54 34 80 50 74 72 C 66 98 34 96 22 84 "
     "M 34 12 L 76 8",
     "M 76 12 C 50 4 32 12 30 26 C 28 46 74 46 72 70 C 70 96 34 96 24 84"},
    {"M 66 8 C 36 20 22 56 26 74 C 32 98 74 96 74 70 C 74 46 34 46 27 70",
     "M 46 6 C 34 30 24 54 28 76 C 36 98 76 94 72 68 C 66 50 36 54 28 74",
     "M 74 16 C 50 -2 22 34 24 66 C 26 100 78 100 76 70 C 74 46 34 44 25 66"},
    {"M 22 10 L 78 10 L 44 94", "M 22 10 L 78 10 L 44 94 M 34 52 L 70 50",
     "M 22 16 C 40 6 62 12 78 10 C 66 34 50 60 48 94",
     "M 24 24 L 24 12 L 76 12 C 60 40 52 66 46 94"},
    {"M 68 20 C 54 0 24 8 30 28 C 36 46 72 50 74 72 "
     "C 74 98 28 98 26 74 C 26 52 72 42 70 22",
     "M 50 48 C 22 48 24 8 50 8 C 78 8 76 48 50 48 "
     "C 18 48 20 93 50 93 C 82 93 80 48 50 48",
     "M 72 14 C 40 0 22 22 38 40 C 50 52 74 58 72 76 "
     "C 66 100 24 96 30 70 C 36 50 70 40 72 14"},
    {"M 72 28 C 66 2 26 6 26 32 C 26 56 68 54 72 28 L 68 94",
     "M 72 30 C 70 2 24 4 26 34 C 30 56 68 52 72 30 C 78 60 66 94 32 92",
     "M 70 18 C 48 -2 22 20 28 40 C 36 58 66 46 70 18 C 72 40 66 70 60 94"},
};

int
oc_glyph_styles(int digit)
{
    int styles = 0;

    while (styles < 4 && glyphs[digit][styles] != NULL)
        styles++;
    return styles;
}

const char *
oc_glyph(int digit, int style)
{
    return glyphs[digit][style];
}

/* Where a path is read and what the wobble comes from. */
struct pen {
    const char *at;
    float wobble;
    struct oc_random *random;
    float x, y;
};

static float
next_number(struct pen *pen)
{
    char *end;
    long value = strtol(pen->at, &end, 10);

    pen->at = end;
    return (float)value + pen->wobble * oc_random_normal(pen->random);
}

static void
add(struct oc_strokes *strokes, float x, float y, int lifted)
{
    struct oc_point *point;

    if (strokes->count == OC_MOST_POINTS)
        return;
    point = &strokes->point[strokes->count++];
    point->x = x;
    point->y = y;
    point->radius = 1;
    point->lifted = lifted;
}

static void
draw_line(struct pen *pen, struct oc_strokes *strokes)
{
    float x = next_number(pen), y = next_number(pen);

    for (int i = 1; i <= LINE_PIECES; i++) {
        float t = (float)i / LINE_PIECES;

        add(strokes, pen->x + t * (x - pen->x), pen->y + t * (y - pen->y), 0);
    }
    pen->x = x;
    pen->y = y;
}

static void
draw_curve(struct pen *pen, struct oc_strokes *strokes)
{
    float x[4], y[4];

    x[0] = pen->x;
    y[0] = pen->y;
    for (int k = 1; k < 4; k++) {
        x[k] = next_number(pen);
        y[k] = next_number(pen);
    }
    for (int i = 1; i <= CURVE_PIECES; i++) {
        float t = (float)i / CURVE_PIECES, s = 1 - t;
        float w[4] = {s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t};

        add(strokes, w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + w[3] * x[3],
            w[0] * y[0] + w[1] * y[1] + w[2] * y[2] + w[3] * y[3], 0);
    }
    pen->x = x[3];
    pen->y = y[3];
}

void
oc_strokes_from_path(const char *path, float wobble, struct oc_random *random,
                     struct oc_strokes *strokes)
{
    struct pen pen = {path, wobble, random, 0, 0};

    strokes->count = 0;
    while (*pen.at != '\0') {
        char command = *pen.at++;

        if (command == 'M') {
            pen.x = next_number(&pen);
            pen.y = next_number(&pen);
            add(strokes, pen.x, pen.y, 1);
        } else if (command == 'L') {
            draw_line(&pen, strokes);
        } else if (command == 'C') {
            draw_curve(&pen, strokes);
        }
    }
}

/* How far the pen's edge at the nearest place of a-b reaches beyond (x, y). */
static float
reach_beyond(const struct oc_point *a, const struct oc_point *b, float x,
             float y)
{
    float ux = b->x - a->x, uy = b->y - a->y, length = ux * ux + uy * uy;
    float t = length > 0 ? ((x - a->x) * ux + (y - a->y) * uy) / length : 0;
    float dx, dy;

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    dx = x - (a->x + t * ux);
    dy = y - (a->y + t * uy);
    return a->radius + t * (b->radius - a->radius) - sqrtf(dx * dx + dy * dy);
}

static int
bound(float value, int most)
{
    return value < 0 ? 0 : value > (float)most ? most : (int)value;
}

void
oc_strokes_draw(const struct oc_strokes *strokes, int height, int width,
                float *ink)
{
    for (int i = 1; i < strokes->count; i++) {
        const struct oc_point *a = &strokes->point[i - 1], *b = a + 1;
        float margin = fmaxf(a->radius, b->radius) + 1;
        int top = bound(floorf(fminf(a->y, b->y) - margin), height - 1);
        int bottom = bound(ceilf(fmaxf(a->y, b->y) + margin), height - 1);
        int left = bound(floorf(fminf(a->x, b->x) - margin), width - 1);
        int right = bound(ceilf(fmaxf(a->x, b->x) + margin), width - 1);

        if (b->lifted)
            continue;
        for (int y = top; y <= bottom; y++) {
            for (int x = left; x <= right; x++) {
                float *cell = &ink[y * width + x];
                float cover = reach_beyond(a, b, (float)x, (float)y) + 0.5f;

                cover = cover > 1 ? 1 : cover;
                if (cover > *cell)
                    *cell = cover;
            }
        }
    }
}
