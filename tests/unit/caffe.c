/* caffe.c - Caffe's files: a small net written here, whose outputs are computed
 * by loops that follow Caffe's layers; the text form; and files that are not
 * right. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/small_net.h"

#include "format/caffe_inside.h"
#include "tests/unit/hand_net.h"
#include "tests/unit/suite.h"

static char folder[40], net[64], weights[64];

static void
setup(void)
{
    strcpy(folder, "/tmp/ocellus-caffe-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(net, sizeof net, "%s/net.prototxt", folder);
    snprintf(weights, sizeof weights, "%s/net.caffemodel", folder);
}

static void
teardown(void)
{
    unlink(net);
    unlink(weights);
    rmdir(folder);
}

static void
write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void
write_net(const char *text)
{
    write_file(net, text, strlen(text));
}

/* ---- a .caffemodel ---------------------------------------------------------
 */

enum { MOST_LAYERS = 8, MOST_BLOBS = 3, MOST_NUMBERS = 256 };
static struct {
    OcCaffe__Layer layer;
    OcCaffe__Blob blob[MOST_BLOBS], *blobs[MOST_BLOBS];
    float number[MOST_BLOBS][MOST_NUMBERS];
} made[MOST_LAYERS];
static int layers;
static unsigned state = 11;

/* The next layer of this name; numbers come by add_blob(). */
static void
add_layer(const char *name)
{
    oc_caffe__layer__init(&made[layers].layer);
    made[layers].layer.name = (char *)name;
    made[layers].layer.blobs = made[layers].blobs;
    layers++;
}

/* Numbers in [-1, 1) * scale + shift. */
static const float *
add_blob(int count, float scale, float shift)
{
    OcCaffe__Layer *layer = &made[layers - 1].layer;
    size_t k = layer->n_blobs++;
    OcCaffe__Blob *blob = &made[layers - 1].blob[k];
    float *number = made[layers - 1].number[k];
    ck_assert_int_le(count, MOST_NUMBERS);
    for (int i = 0; i < count; i++)
        number[i] = some(&state) * scale + shift;
    oc_caffe__blob__init(blob);
    blob->n_data = (size_t)count;
    blob->data = number;
    layer->blobs[k] = blob;
    return number;
}

static void
write_weights(void)
{
    OcCaffe__Net all = OC_CAFFE__NET__INIT;
    OcCaffe__Layer *list[MOST_LAYERS];
    for (int k = 0; k < layers; k++)
        list[k] = &made[k].layer;
    all.n_layer = (size_t)layers;
    all.layer = list;
    size_t length = oc_caffe__net__get_packed_size(&all);
    uint8_t *bytes = malloc(length);
    ck_assert_ptr_nonnull(bytes);
    oc_caffe__net__pack(&all, bytes);
    write_file(weights, bytes, length);
    free(bytes);
}

static struct map
image_of(int c, int h, int w)
{
    unsigned seed = 5;
    struct map m = map_new(c, h, w);
    for (int k = 0; k < c * h * w; k++)
        m.x[k] = (double)some(&seed);
    return m;
}

static ocellus_graph *
loaded(void)
{
    ocellus_graph *graph;
    must(ocellus_graph_load(net, &graph));
    return graph;
}

/* ---- PoolingLayer<Dtype>::Reshape and Forward_cpu
 * ---------------------------- */

static int
pooled_extent(int n, int size, int stride, int pad)
{
    int out = (int)ceil((double)(n + 2 * pad - size) / stride) + 1;
    if (pad > 0 && (out - 1) * stride >= n + pad)
        out--;
    return out;
}

static struct map
pooled(const struct map *in, int average, int size, int stride, int pad)
{
    struct map out = map_new(in->c, pooled_extent(in->h, size, stride, pad),
                             pooled_extent(in->w, size, stride, pad));
    for (int k = 0; k < out.c * out.h * out.w; k++) {
        int c = k / (out.h * out.w), y = k / out.w % out.h, x = k % out.w;
        int top = y * stride - pad, left = x * stride - pad;
        int below = (int)fmin(top + size, in->h + pad);
        int right = (int)fmin(left + size, in->w + pad);
        double most = -INFINITY, sum = 0;
        for (int v = top; v < below; v++)
            for (int u = left; u < right; u++) {
                most = fmax(most, map_get(in, c, v, u, -INFINITY));
                sum += map_get(in, c, v, u, 0);
            }
        out.x[k] = average ? sum / ((below - top) * (right - left)) : most;
    }
    return out;
}

/* ---- nets
 * -------------------------------------------------------------------- */

static const char small[] =
    "name: \"small\" # a remark\n"
    "input: 'data' input_shape { dim: [1, 2] dim: 7, dim: 6 }\n"
    "layer { name: \"c\" type: \"Convolution\" bottom: \"data\" top: \"c\"\n"
    "  param { lr_mult: 1 } unheard_of < of: \"any\" kind { x: 1 } >\n"
    "  convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 2\n"
    "    weight_filler { type: \"xavier\" } } }\n"
    "layer { name: 'bn' type: 'BatchNorm' bottom: 'c' top: 'c'\n"
    "  batch_norm_param { eps: 1e-3 use_global_stats: true } }\n"
    "layer { name: 's' type: 'Scale' bottom: 'c' top: 'c'\n"
    "  scale_param { bias_term: true } }\n"
    "layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c'\n"
    "  relu_param { negative_slope: 0.25 } }\n"
    "layer { name: 'p' type: 'Pooling' bottom: 'c' top: 'p'\n"
    "  pooling_param { pool: MAX kernel_size: 3 stride: 2 } }\n"
    "layer { name: 'f' type: 'InnerProduct' bottom: 'p' top: 'f'\n"
    "  inner_product_param { num_output: 5 } }\n"
    "layer { name: 'd' type: 'Dropout' bottom: 'f' top: 'f' }\n"
    "layer { name: 'prob' type: 'Softmax' bottom: 'f' top: 'prob' }\n"
    "layer { name: 'a' type: 'Pooling' bottom: 'c' top: 'a'\n"
    "  pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }\n"
    "layer { name: 'cut' type: 'Slice' bottom: 'a' top: 'a1' top: 'a2' }\n"
    "layer { name: 'e' type: 'Eltwise' bottom: 'a1' bottom: 'a2' top: 'e'\n"
    "  eltwise_param { operation: SUM coeff: 1 coeff: -0.5 } }\n"
    "layer { name: 'w' type: 'Power' bottom: 'e' top: 'w'\n"
    "  power_param { power: 2 scale: 3 shift: 1 } }\n"
    "layer { name: 'j' type: 'Concat' bottom: 'w' bottom: 'a' top: 'j' }\n"
    "layer { name: 'pr' type: 'PReLU' bottom: 'j' top: 'j' }\n"
    "layer { name: 'q' type: 'Permute' bottom: 'j' top: 'q'\n"
    "  permute_param { order: 0 order: 2 order: 3 order: 1 } }\n"
    "layer { name: 'out' type: 'Reshape' bottom: 'q' top: 'out'\n"
    "  reshape_param { shape { dim: 0 dim: -1 dim: 3 } } }\n"
    "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'f' bottom: 'l'\n"
    "  top: 'loss' include { phase: TRAIN } }\n";

/* prob: of the first branch; room for 5. */
static void
expect_prob(const struct map *c, double prob[5])
{
    struct map p = pooled(c, 0, 3, 2, 0);
    int n = p.c * p.h * p.w;
    double sum = 0;
    add_layer("f");
    const float *weight = add_blob(5 * n, 0.3f, 0), *bias = add_blob(5, 1, 0);
    for (int o = 0; o < 5; o++) {
        double x = (double)bias[o];
        for (int i = 0; i < n; i++)
            x += (double)weight[o * n + i] * p.x[i];
        sum += prob[o] = exp(x);
    }
    for (int o = 0; o < 5; o++)
        prob[o] /= sum;
    free(p.x);
}

/* Of the second: H x W x 6, the channels last. */
static double *
expect_out(const struct map *c, size_t *count)
{
    struct map a = pooled(c, 1, 3, 2, 1);
    int plane = a.h * a.w;
    double *out = malloc((size_t)(plane * 6) * sizeof *out);
    add_layer("pr");
    const float *slope = add_blob(6, 0.5f, 0.2f);
    ck_assert_ptr_nonnull(out);
    for (int k = 0; k < plane; k++)
        for (int o = 0; o < 6; o++) {
            double x = o < 2 ? pow(3 * (a.x[o * plane + k] -
                                        0.5 * a.x[(o + 2) * plane + k]) +
                                       1,
                                   2)
                             : a.x[(o - 2) * plane + k];
            out[k * 6 + o] = x < 0 ? x * (double)slope[o] : x;
        }
    *count = (size_t)(plane * 6);
    free(a.x);
    return out;
}

START_TEST(whole_net)
{
    struct map image = image_of(2, 7, 6);
    float mean[4], variance[4];
    double prob[5];
    size_t count;
    add_layer("c");
    const float *weight = add_blob(4 * 9, 0.5f, 0),
                *bias = add_blob(4, 0.5f, 0);
    struct map c = map_conv(&image, weight, bias, 4, 2, 3, 1, 1);
    add_layer("bn"); /* sums of 4 batches */
    const float *m = add_blob(4, 1, 0), *v = add_blob(4, 1, 5);
    *(float *)add_blob(1, 0, 0) = 4;
    for (int k = 0; k < 4; k++) {
        mean[k] = m[k] / 4;
        variance[k] = v[k] / 4;
    }
    add_layer("s");
    const float *scale = add_blob(4, 1, 0), *add = add_blob(4, 0.5f, 0);
    map_norm(&c, mean, variance, scale, add, 1e-3);
    map_leaky(&c, 0.25);
    expect_prob(&c, prob);
    double *out = expect_out(&c, &count);
    write_net(small);
    write_weights();
    ocellus_graph *graph = loaded();
    ck_assert_int_eq(ocellus_graph_output_count(graph), 2);
    expect_output(graph, &image, "prob", prob, 5);
    expect_output(graph, &image, "out", out, count);
    ocellus_graph_destroy(graph);
    free(out);
    free(image.x);
    free(c.x);
}
END_TEST

/* Layers of before 2014, and numbers as text. */
START_TEST(old_layers)
{
    static const double expected[] = {2 * 1 + 0.5, 0};
    struct map image = map_new(1, 1, 2);
    const char *text = "layers { name: 'f' type: INNER_PRODUCT blobs {\n"
                       " num: 1 channels: 1 height: 2 width: 2\n"
                       " data: [ 1, 0.5, -3, 2 ] }\n"
                       " blobs { data: 0 data: -7 } }\n";
    image.x[0] = 2;
    image.x[1] = 1;
    write_net("input: 'x' input_dim: 1 input_dim: 1\n"
              "input_dim: 1 input_dim: 2\n"
              "layers { name: 'f' type: INNER_PRODUCT bottom: 'x' top: 'f'\n"
              " inner_product_param { num_output: 2 } }\n"
              "layers { name: 'r' type: RELU bottom: 'f' top: 'f' }\n");
    write_file(weights, text, strlen(text));
    ocellus_graph *graph = loaded();
    expect_output(graph, &image, "f", expected, 2);
    ocellus_graph_destroy(graph);
    free(image.x);
}
END_TEST

/* ---- what is not right --------------------------------------------------- */

#define HEAD "input: 'x' input_shape { dim: 1 dim: 4 dim: 5 dim: 5 }\n"
#define LAYER(kind, more)                                                      \
    HEAD "layer { name: 'n' type: '" kind "' bottom: 'x' top: 'y' " more " }"
static const struct {
    const char *text, *words;
} wrong[] = {
    {"", "makes nothing"},
    {"name: \"", "does not end"},
    {"layer {", "within braces"},
    {"layer }", "neither ':' nor a block"},
    {"layer: 3", "no block"},
    {"name { x: 1 }", "a block"},
    {"input_dim: many", "no number"},
    {"input_dim: 0.5", "no whole number"},
    {"input: 'x'", "no extents"},
    {"input: 'x' input_dim: [1, -1, 2, 3]", "extent of -1"},
    {HEAD "layer { name: 'n' type: 'ReLU' bottom: 'z' top: 'y' }",
     "'z' is made later or never"},
    {LAYER("Warp", ""), "layer 'n' (Warp)"},
    {LAYER("Convolution", ""), "(Convolution)"},
    {LAYER("Convolution", "convolution_param { num_output: 3 kernel_size: 3 "
                          "group: 3 }"),
     "(Convolution)"},
    {LAYER("Convolution", "convolution_param { num_output: 4 kernel_size: 9 }"),
     "(Convolution)"},
    {LAYER("Convolution",
           "convolution_param { num_output: 4 kernel_size: 3 stride: 0 }"),
     "(Convolution)"},
    {LAYER("Convolution", "convolution_param { num_output: 4000000000 "
                          "kernel_size: 4000000000 pad: 2000000000 }"),
     "(Convolution)"},
    {LAYER("Pooling", "pooling_param { stride: 2 }"), "(Pooling)"},
    {LAYER("InnerProduct", "inner_product_param { num_output: 0 axis: 2 }"),
     "axis 2"},
    {LAYER("Slice", "top: 'z' slice_param { slice_point: 9 }"), "9"},
    {LAYER("Slice", "top: 'z' top: 'w'"), "3 parts"},
    {LAYER("Permute", "permute_param { order: 7 }"), "axis 7"},
    {LAYER("Reshape", "reshape_param { num_axes: 1 }"), "(Reshape)"},
    {LAYER("Eltwise", "eltwise_param { coeff: 1 coeff: 2 }"), "2 factors"},
    {LAYER("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }"), "(LRN)"},
};

static void
expect_refusal(const char *words)
{
    ocellus_graph *graph = (ocellus_graph *)&graph;
    ck_assert_int_ne(ocellus_graph_load(net, &graph), OCELLUS_OK);
    ck_assert_ptr_null(graph);
    ck_assert_msg(strstr(ocellus_error(), words) != NULL, "%s",
                  ocellus_error());
}

START_TEST(refusals)
{
    write_net(wrong[_i].text);
    expect_refusal(wrong[_i].words);
}
END_TEST

START_TEST(deep_braces)
{
    char text[4096] = "";
    for (int k = 0; k < 1000; k++)
        strcat(text, "a {");
    write_net(text);
    expect_refusal("within each other");
}
END_TEST

START_TEST(other_weights)
{
    write_net(LAYER("InnerProduct", "inner_product_param { num_output: 2 }"));
    add_layer("n");
    add_blob(7, 1, 0);
    write_weights();
    expect_refusal("holds 7 numbers for n.weight, which takes 200 (2x100)");
    write_file(weights, "\x0a\xff\xff\xff\xff\x0f", 6);
    expect_refusal("is no Caffe net");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, refusals, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_test(tests, deep_braces);
    tcase_add_test(tests, other_weights);
    if (no_device() != 0)
        return;
    tcase_add_test(tests, whole_net);
    tcase_add_test(tests, old_layers);
}

int
main(void)
{
    return run_suite("caffe", add);
}
