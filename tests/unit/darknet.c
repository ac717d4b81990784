/* darknet.c - Darknet's files: a small net written here, whose outputs are
 * computed by loops that follow Darknet's own; and files that are not right. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/small_net.h"

#include "tests/unit/hand_net.h"
#include "tests/unit/suite.h"

static char folder[40], cfg[64], weights[64];
static float number[4096];
static int numbers;

static void
setup(void)
{
    strcpy(folder, "/tmp/ocellus-darknet-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(cfg, sizeof cfg, "%s/net.cfg", folder);
    snprintf(weights, sizeof weights, "%s/net.weights", folder);
    numbers = 0;
}

static void
teardown(void)
{
    unlink(cfg);
    unlink(weights);
    rmdir(folder);
}

static void
write_cfg(const char *text)
{
    FILE *file = fopen(cfg, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

/* Version 0.minor.0, and the numbers. */
static void
write_weights(int major, int minor, size_t count)
{
    const int32_t head[5] = {major, minor, 0, 640, 0};
    FILE *file = fopen(weights, "wb");
    size_t n = major * 10 + minor >= 2 && major < 1000 ? 5 : 4;
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(head, 4, n, file), n);
    ck_assert_uint_eq(fwrite(number, 4, count, file), count);
    fclose(file);
}

/* The next `count` numbers of the file; positive where they are variances. */
static const float *
next(int count, int positive)
{
    static unsigned state = 7;
    float *at = number + numbers;
    for (int k = 0; k < count; k++)
        at[k] = positive ? 0.6f + some(&state) / 2 : some(&state) / 2;
    numbers += count;
    return at;
}

static struct map
image_of(int c, int h, int w)
{
    unsigned state = 3;
    struct map m = map_new(c, h, w);
    for (int k = 0; k < c * h * w; k++)
        m.x[k] = (double)some(&state);
    return m;
}

static ocellus_graph *
loaded(void)
{
    ocellus_graph *graph;
    must(ocellus_graph_load(cfg, &graph));
    return graph;
}

static void
expect_refusal(const char *words)
{
    ocellus_graph *graph = (ocellus_graph *)&graph;
    ck_assert_int_ne(ocellus_graph_load(cfg, &graph), OCELLUS_OK);
    ck_assert_ptr_null(graph);
    ck_assert_msg(strstr(ocellus_error(), words) != NULL, "%s",
                  ocellus_error());
}

/* ---- layers as Darknet's own code has them --------------------------------
 */

/* forward_maxpool_layer */
static struct map
pooled(const struct map *in, int size, int stride, int padding)
{
    struct map out = map_new(in->c, (in->h + padding - size) / stride + 1,
                             (in->w + padding - size) / stride + 1);
    for (int c = 0; c < out.c; c++)
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++) {
                double most = -INFINITY;
                for (int v = 0; v < size; v++)
                    for (int u = 0; u < size; u++)
                        most = fmax(most,
                                    map_get(in, c, y * stride + v - padding / 2,
                                            x * stride + u - padding / 2,
                                            -INFINITY));
                *map_at(&out, c, y, x) = most;
            }
    return out;
}

/* reorg_cpu(x, w, h, c, 1, stride, 0, out), and the shape it is given then */
static struct map
reorganised(const struct map *in, int stride)
{
    struct map out =
        map_new(in->c * stride * stride, in->h / stride, in->w / stride);
    int out_c = in->c / (stride * stride);
    for (int k = 0; k < in->c; k++)
        for (int j = 0; j < in->h; j++)
            for (int i = 0; i < in->w; i++) {
                int to = i + in->w * (j + in->h * k);
                int c2 = k % out_c, offset = k / out_c;
                int w2 = i * stride + offset % stride;
                int h2 = j * stride + offset / stride;
                out.x[to] =
                    in->x[w2 + in->w * stride * (h2 + in->h * stride * c2)];
            }
    return out;
}

/* forward_yolo_layer and get_yolo_box: rows of 5 + classes */
static double *
boxes_of(const struct map *t, int boxes, int classes, const double *anchor,
         double stretch, int width, int height)
{
    int each = 5 + classes;
    double *rows = malloc((size_t)(t->h * t->w * boxes * each) * sizeof *rows);
    double *row = rows;
    ck_assert_ptr_nonnull(rows);
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++)
            for (int b = 0; b < boxes; b++, row += each) {
                double v[32], minus = (stretch - 1) / 2;
                for (int k = 0; k < each; k++)
                    v[k] = *map_at(t, b * each + k, y, x);
                row[0] = (x + logistic(v[0]) * stretch - minus) / t->w;
                row[1] = (y + logistic(v[1]) * stretch - minus) / t->h;
                row[2] = exp(v[2]) * anchor[2 * b] / width;
                row[3] = exp(v[3]) * anchor[2 * b + 1] / height;
                row[4] = logistic(v[4]);
                for (int k = 5; k < each; k++)
                    row[k] = logistic(v[k]) * row[4];
            }
    return rows;
}

/* ---- nets -----------------------------------------------------------------
 */

static const char detector[] = "[net]\n"
                               "# an image of 12 x 8\n"
                               "width = 12\nheight=8\nchannels=3\nbatch=9\n"
                               "[convolutional]\n" /* 0: 4 x 8 x 12 */
                               "batch_normalize=1\nfilters=4\nsize=3\npad=1\n"
                               "activation=leaky\n"
                               "[convolutional]\n" /* 1, grouped */
                               "filters=4\ngroups=2\nsize=1\n"
                               "activation=linear\n"
                               "[shortcut]\nfrom=-2\nactivation=leaky\n" /* 2 */
                               "[maxpool]\nsize=2\nstride=1\n"           /* 3 */
                               "[dropout]\nprobability=.2\n"             /* 4 */
                               "[reorg]\nstride=2\n" /* 5: 16 x 4 x 6 */
                               "[convolutional]\n"   /* 6: 14 x 4 x 6 */
                               "filters=14\nsize=1\nactivation=linear\n"
                               "[yolo]\n" /* 7 */
                               "mask=1,2\nanchors=1,1, 3,2, 5,6\nnum=3\n"
                               "classes=2\nscale_x_y=1.2 ; wide\n"
                               "[route]\nlayers=-2\n"   /* 8 */
                               "[upsample]\nstride=2\n" /* 9: 14 x 8 x 12 */
                               "[route]\nlayers=9,-7\n" /* 10: 18 x 8 x 12 */
                               "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
                               "[convolutional]\n" /* 12: 7 x 4 x 6 */
                               "filters=7\nsize=3\nstride=2\npad=1\n"
                               "activation=linear\n"
                               "[yolo]\nmask=0\nanchors=1,1, 3,2, 5,6\n"
                               "num=3\nclasses=2\n";

/* Channels of layer 10 from 9 on: 5 of the map made larger, then 4. */
static struct map
second_half(const struct map *small, const struct map *large)
{
    struct map m = map_new(9, large->h, large->w);
    for (int c = 0; c < 9; c++)
        for (int y = 0; y < m.h; y++)
            for (int x = 0; x < m.w; x++)
                *map_at(&m, c, y, x) = c < 5
                                           ? *map_at(small, 9 + c, y / 2, x / 2)
                                           : *map_at(large, c - 5, y, x);
    return m;
}

START_TEST(detection)
{
    static const double first[] = {3, 2, 5, 6}, second[] = {1, 1};
    struct map image = image_of(3, 8, 12), a, b, c;
    const float *bias = next(4, 0), *scale = next(4, 0), *mean = next(4, 0),
                *variance = next(4, 1), *weight = next(4 * 3 * 9, 0);
    a = map_conv(&image, weight, NULL, 4, 1, 3, 1, 1);
    map_norm(&a, mean, variance, scale, bias, 1e-6);
    map_leaky(&a, 0.1);
    bias = next(4, 0);
    b = map_conv(&a, next(4 * 2, 0), bias, 4, 2, 1, 1, 0);
    for (int k = 0; k < 4 * 8 * 12; k++)
        b.x[k] += a.x[k];
    map_leaky(&b, 0.1);
    struct map pool = pooled(&b, 2, 1, 1), turned = reorganised(&pool, 2);
    bias = next(14, 0);
    c = map_conv(&turned, next(14 * 16, 0), bias, 14, 1, 1, 1, 0);
    struct map joined = second_half(&c, &pool);
    bias = next(7, 0);
    struct map d = map_conv(&joined, next(7 * 9 * 9, 0), bias, 7, 1, 3, 2, 1);
    write_cfg(detector);
    write_weights(0, 2, (size_t)numbers);
    double *rows = boxes_of(&c, 2, 2, first, 1.2, 12, 8);
    double *others = boxes_of(&d, 1, 2, second, 1, 12, 8);
    ocellus_graph *graph = loaded();
    ck_assert_int_eq(ocellus_graph_output_count(graph), 2);
    expect_output(graph, &image, "yolo_7", rows, 4 * 6 * 2 * 7);
    expect_output(graph, &image, "yolo_13", others, 4 * 6 * 7);
    ocellus_graph_destroy(graph);
    struct map all[] = {image, a, b, c, d, pool, turned, joined};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        free(all[k].x);
    free(rows);
    free(others);
}
END_TEST

static const char classifier[] =
    "[net]\nheight=5\nwidth=5\nchannels=2\n"
    "[maxpool]\nsize=3\nstride=2\npadding=1\n"
    "[connected]\noutput=6\nactivation=relu\n"
    "[connected]\noutput=4\nbatch_normalize=1\nactivation=logistic\n"
    "[softmax]\ngroups=2\n[cost]\n";

/* Weights of connected layers lie turned in files of long ago. */
static void
classify(int major, int minor, int turned)
{
    double expected[4], hidden[6], y[4];
    struct map image = image_of(2, 5, 5), pool = pooled(&image, 3, 2, 1);
    int n = pool.c * pool.h * pool.w;
    const float *bias = next(6, 0), *weight = next(6 * n, 0);
    for (int o = 0; o < 6; o++) {
        hidden[o] = (double)bias[o];
        for (int i = 0; i < n; i++)
            hidden[o] +=
                (double)weight[turned ? i * 6 + o : o * n + i] * pool.x[i];
        hidden[o] = fmax(hidden[o], 0);
    }
    bias = next(4, 0);
    weight = next(24, 0);
    const float *scale = next(4, 0), *mean = next(4, 0), *variance = next(4, 1);
    for (int o = 0; o < 4; o++) {
        double sum = 0;
        for (int i = 0; i < 6; i++)
            sum += (double)weight[turned ? i * 4 + o : o * 6 + i] * hidden[i];
        sum = (sum - (double)mean[o]) / sqrt((double)variance[o] + 1e-6);
        y[o] = exp(logistic(sum * (double)scale[o] + (double)bias[o]));
    }
    for (int o = 0; o < 4; o++)
        expected[o] = y[o] / (o < 2 ? y[0] + y[1] : y[2] + y[3]);
    write_cfg(classifier);
    write_weights(major, minor, (size_t)numbers);
    ocellus_graph *graph = loaded();
    expect_output(graph, &image, "y", expected, 4);
    ocellus_graph_destroy(graph);
    free(image.x);
    free(pool.x);
}

START_TEST(classification)
{
    classify(0, 2, 0);
}
END_TEST

START_TEST(old_header)
{
    classify(0, 1, 0);
}
END_TEST

START_TEST(old_weights)
{
    classify(1000, 0, 1);
}
END_TEST

/* ---- what is not right --------------------------------------------------- */

#define HEAD "[net]\nheight=4\nwidth=4\nchannels=2\n"
static const struct {
    const char *text, *words;
} wrong[] = {
    {"", "[net]"},
    {"[convolutional]\nfilters=2\n", "[net]"},
    {"size=3\n[net]\n", "line 1"},
    {"[net\n", "line 1"},
    {"[net]\nheight=4\n", "height, width and channels"},
    {HEAD "[warp]\n", "line 5, [warp]"},
    {HEAD "[convolutional]\nfilters=-3\n", "filters=-3"},
    {HEAD "[convolutional]\nfilters=two\n", "filters=two"},
    {HEAD "[convolutional]\nfilters=3\ngroups=2\n", "[convolutional]"},
    {HEAD "[convolutional]\nfilters=2\nstride=0\n", "[convolutional]"},
    {HEAD "[convolutional]\nfilters=2\nsize=99\n", "[convolutional]"},
    {HEAD "[convolutional]\nfilters=1000000000\nsize=100000\npad=1\n",
     "[convolutional]"},
    {HEAD "[convolutional]\nfilters=2\nactivation=loud\n", "loud"},
    {HEAD "[shortcut]\nfrom=-9\n", "layer -9"},
    {HEAD "[shortcut]\nfrom=0\n", "layer 0"},
    {HEAD "[route]\n", "layers="},
    {HEAD "[reorg]\nstride=3\n", "stride 3"},
    {HEAD "[maxpool]\nsize=0\n", "[maxpool]"},
    {HEAD "[yolo]\nclasses=2\nmask=0\nanchors=1,1\n", "5 + 2"},
    {HEAD "[yolo]\nclasses=2\nmask=7\nanchors=1,1\n", "anchor 7"},
    {HEAD "[upsample]\nstride=1000000\n[upsample]\nstride=1000000\n"
          "[upsample]\nstride=1000000\n",
     "[upsample]"},
};

START_TEST(refusals)
{
    write_cfg(wrong[_i].text);
    expect_refusal(wrong[_i].words);
}
END_TEST

START_TEST(other_weights)
{
    write_cfg(classifier);
    write_weights(0, 2, 100);
    expect_refusal("belongs to another");
    write_weights(0, 2, 2000);
    expect_refusal("numbers more");
    truncate(weights, 9);
    expect_refusal("9 bytes");
}
END_TEST

/* Without numbers it is a net to be trained. */
START_TEST(no_weights)
{
    write_cfg(classifier);
    ocellus_graph *graph = loaded();
    ck_assert_int_eq(ocellus_graph_parameter_count(graph),
                     6 * (8 + 1) + 4 * (6 + 2));
    ocellus_graph_destroy(graph);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, refusals, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_test(tests, other_weights);
    tcase_add_test(tests, no_weights);
    if (no_device() != 0)
        return;
    tcase_add_test(tests, detection);
    tcase_add_test(tests, classification);
    tcase_add_test(tests, old_header);
    tcase_add_test(tests, old_weights);
}

int
main(void)
{
    return run_suite("darknet", add);
}
