/* hostile.c - models that mean harm: what the reader refuses, and that it does
 * so in little memory and time.
 *
 * Each case is a small model made here. Reading, binding and planning it must
 * end with a sentence, or with a plan whose size a device will refuse; each
 * test has 1 GiB of address space above what it starts with, and a minute.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/small_net.h"

#include "format/onnx_inside.h"
#include "pass/infer.h"
#include "plan/plan.h"
#include "tests/unit/suite.h"

#define EVIL "system"
static char folder[40], path[64], beside[64], outside[64];

/* ---- a model, piece by piece ---- */

enum { MOST = 64 };
static oc_onnx_model model;
static oc_onnx_graph graph;
static OcOnnx__OperatorSet set, *sets[1];
static oc_onnx_node node[MOST], *nodes[MOST];
static oc_onnx_tensor tensor[MOST], *tensors[MOST];
static OcOnnx__ValueInfo value[MOST], *inputs[MOST], *outputs[MOST];
static oc_onnx_attribute attribute[MOST], *attributes[MOST][8];
static char *words[MOST][8], *made[MOST][4];
static int64_t numbers[MOST][8];
static OcOnnx__Pair pair[3], *pairs[3];
static int n_values, n_attributes;

static void
begin(void)
{
    oc_onnx__model__init(&model);
    oc_onnx__graph__init(&graph);
    oc_onnx__operator_set__init(&set);
    model.has_ir_version = set.has_version = 1;
    model.ir_version = 8;
    set.version = 17;
    sets[0] = &set;
    model.n_opset_import = 1;
    model.opset_import = sets;
    model.graph = &graph;
    graph.name = "hostile";
    graph.node = nodes;
    graph.initializer = tensors;
    graph.input = inputs;
    graph.output = outputs;
    n_values = n_attributes = 0;
}

static void
setup(void)
{
    strcpy(folder, "/tmp/ocellus-hostile-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/m/model.onnx", folder);
    snprintf(beside, sizeof beside, "%s/m/numbers", folder);
    snprintf(outside, sizeof outside, "%s/secret", folder);
    *strrchr(path, '/') = '\0';
    ck_assert_int_eq(mkdir(path, 0700), 0);
    strcat(path, "/model.onnx");
    begin();
}

static void
teardown(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Up to 7 words apart by blanks; "-" is an absent one. */
static size_t
split(const char *text, char **list)
{
    static char kept[8192];
    static size_t used;
    size_t count = 0, bytes = strlen(text) + 1;
    char *at = kept + used;
    ck_assert_uint_le(bytes, sizeof(kept) - used);
    memcpy(at, text, bytes);
    used += bytes;
    for (at = strtok(at, " "); at != NULL; at = strtok(NULL, " "))
        list[count++] = strcmp(at, "-") == 0 ? "" : at;
    return count;
}

static oc_onnx_node *
add_node(const char *op, const char *in, const char *out)
{
    size_t k = graph.n_node++;
    oc_onnx__node__init(&node[k]);
    node[k].op_type = (char *)op;
    node[k].n_input = split(in, words[k]);
    node[k].input = words[k];
    node[k].n_output = split(out, made[k]);
    node[k].output = made[k];
    node[k].attribute = attributes[k];
    nodes[k] = &node[k];
    return &node[k];
}

static oc_onnx_attribute *
add_attribute(const char *name, int type)
{
    size_t k = graph.n_node - 1;
    oc_onnx_attribute *a = &attribute[n_attributes++];
    oc_onnx__attribute__init(a);
    a->name = (char *)name;
    a->has_type = 1;
    a->type = type;
    attributes[k][node[k].n_attribute++] = a;
    return a;
}

static void
add_int(const char *name, int64_t i)
{
    oc_onnx_attribute *a = add_attribute(name, 2);
    a->has_i = 1;
    a->i = i;
}

/* The numbers end with INT64_MIN. */
static void
add_ints(const char *name, ...)
{
    oc_onnx_attribute *a = add_attribute(name, 7);
    int64_t *to = numbers[n_attributes - 1], i;
    va_list list;
    va_start(list, name);
    while ((i = va_arg(list, int64_t)) != INT64_MIN)
        to[a->n_ints++] = i;
    va_end(list);
    a->ints = to;
}

static void
add_text(const char *name, const char *text)
{
    oc_onnx_attribute *a = add_attribute(name, 3);
    a->has_s = 1;
    a->s.data = (uint8_t *)text;
    a->s.len = strlen(text);
}

/* A list of int64 as an initializer; ends with INT64_MIN. */
static oc_onnx_tensor *
add_list(const char *name, ...)
{
    size_t k = graph.n_initializer++;
    oc_onnx_tensor *t = &tensor[k];
    static int64_t data[MOST][8], dims[MOST][8];
    int64_t i;
    va_list list;
    oc_onnx__tensor__init(t);
    va_start(list, name);
    while ((i = va_arg(list, int64_t)) != INT64_MIN)
        data[k][t->n_int64_data++] = i;
    va_end(list);
    t->name = (char *)name;
    t->has_data_type = 1;
    t->data_type = OCELLUS_INT64;
    t->int64_data = data[k];
    dims[k][0] = (int64_t)t->n_int64_data;
    t->dims = dims[k];
    t->n_dims = 1;
    tensors[k] = t;
    return t;
}
#define LIST(name, ...) add_list(name, __VA_ARGS__, INT64_MIN)
#define INTS(name, ...) add_ints(name, __VA_ARGS__, INT64_MIN)
#define I(x) ((int64_t)(x))

static OcOnnx__ValueInfo *
add_value(const char *name, int type, int rank, const int64_t *dims)
{
    static OcOnnx__Type types[MOST];
    static OcOnnx__TensorType kinds[MOST];
    static OcOnnx__Shape shapes[MOST];
    static OcOnnx__Dimension extent[MOST][8], *extents[MOST][8];
    int k = n_values++;
    oc_onnx__value_info__init(&value[k]);
    oc_onnx__type__init(&types[k]);
    oc_onnx__tensor_type__init(&kinds[k]);
    oc_onnx__shape__init(&shapes[k]);
    value[k].name = (char *)name;
    value[k].type = &types[k];
    types[k].tensor_type = &kinds[k];
    kinds[k].has_elem_type = 1;
    kinds[k].elem_type = type;
    kinds[k].shape = &shapes[k];
    shapes[k].n_dim = (size_t)rank;
    shapes[k].dim = extents[k];
    for (int d = 0; d < rank; d++) {
        oc_onnx__dimension__init(&extent[k][d]);
        extent[k][d].has_dim_value = 1;
        extent[k][d].dim_value = dims[d];
        extents[k][d] = &extent[k][d];
    }
    return &value[k];
}

static void
add_input(const char *name, int rank, const int64_t *dims)
{
    inputs[graph.n_input++] = add_value(name, OCELLUS_FLOAT, rank, dims);
}

static void
add_output(const char *name)
{
    outputs[graph.n_output++] = add_value(name, OCELLUS_FLOAT, 0, NULL);
}

static void
write_bytes(const char *to, const void *bytes, size_t count)
{
    FILE *file = fopen(to, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

static void
write_model(void)
{
    size_t size = oc_onnx__model__get_packed_size(&model);
    uint8_t *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    oc_onnx__model__pack(&model, bytes);
    write_bytes(path, bytes, size);
    free(bytes);
}

/* ---- what is done with it ---- */

static const struct oc_caps processor = {.cpu = 1,
                                         .compute_units = 2,
                                         .vector_width = 8,
                                         .vector_registers = 16,
                                         .fp64 = 1,
                                         .local_memory = 1 << 20,
                                         .max_work_group = 4096,
                                         .largest_allocation = 1u << 30,
                                         .alignment = 128,
                                         .cache = 1 << 20};

/* Address space: 1 GiB more than now. Sanitizers need terabytes. */
static void
bound_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__)
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return;
    if (fscanf(file, "%ld", &pages) == 1) {
        rlim_t most =
            (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)1 << 30);
        const struct rlimit limit = {most, most};
        setrlimit(RLIMIT_AS, &limit);
    }
    fclose(file);
#endif
    alarm(60);
}

/* What a compiler is given holds no text of a model. */
static void
expect_clean(const struct oc_step *step)
{
    const char *text[] = {step->options, step->prelude};
    for (int k = 0; k < 2; k++)
        ck_assert_msg(text[k] == NULL || strstr(text[k], EVIL) == NULL, "%s",
                      text[k]);
}

/* Read, bound, planned; *bytes is what the plan would take. */
static ocellus_status
plan_of(const struct ocellus_graph *read, double *bytes)
{
    struct oc_shape shape[MOST];
    struct ocellus_graph *bound;
    struct oc_plan *plan;
    for (int k = 0; k < read->n_inputs; k++)
        shape[k] = read->inputs[k]->shape;
    OC_TRY(oc_graph_bind(read, shape, NULL, &bound));
    ocellus_status status = oc_infer_pass(bound);
    if (status != OCELLUS_OK) {
        oc_graph_destroy(bound);
        return status;
    }
    OC_TRY(oc_plan_make(bound, &processor, &plan));
    for (int k = 0; k < plan->n_steps; k++)
        expect_clean(plan->step[k]);
    for (int k = 0; k < plan->n_places; k++)
        *bytes += (double)plan->place[k].bytes;
    oc_plan_destroy(plan);
    return OCELLUS_OK;
}

static ocellus_status
attempt(double *bytes)
{
    struct ocellus_graph *read;
    *bytes = 0;
    write_model();
    bound_memory();
    ocellus_status status = oc_onnx_load(path, &read);
    if (status != OCELLUS_OK)
        return status;
    status = plan_of(read, bytes);
    oc_graph_destroy(read);
    return status;
}

static void
refused(const char *says)
{
    double bytes;
    ck_assert_msg(attempt(&bytes) != OCELLUS_OK, "it was taken: %g bytes",
                  bytes);
    ck_assert_msg(strstr(ocellus_error(), says) != NULL, "it says: %s",
                  ocellus_error());
}

/* ---- numbers in other files ---- */

/* w: 4 floats from `location`; other values NULL: not said. */
static void
external(const char *location, const char *offset, const char *length)
{
    const char *key[] = {"location", "offset", "length"};
    const char *said[] = {location, offset, length};
    oc_onnx_tensor *t = LIST("w", I(4));
    t->data_type = OCELLUS_FLOAT;
    t->n_int64_data = 0;
    t->dims[0] = 4;
    t->has_data_location = 1;
    t->data_location = OC_ONNX__TENSOR__PLACE__EXTERNAL;
    t->external_data = pairs;
    for (int k = 0; k < 3; k++) {
        if (said[k] == NULL)
            continue;
        oc_onnx__pair__init(&pair[k]);
        pair[k].key = (char *)key[k];
        pair[k].value = (char *)said[k];
        pairs[t->n_external_data++] = &pair[k];
    }
    add_node("Relu", "w", "y");
    add_output("y");
}

static const struct {
    const char *location, *offset, *length, *says;
} places[] = {
    {"../secret", NULL, NULL, "no plain path"},
    {"/etc/passwd", NULL, NULL, "no plain path"},
    {"a/../../secret", NULL, NULL, ""},
    {"./numbers", NULL, NULL, "no plain path"},
    {"", NULL, NULL, "in which file"},
    {NULL, NULL, NULL, "in which file"},
    {"link", NULL, NULL, "is a link"},
    {"folder/secret", NULL, NULL, "leads through one"},
    {"hard", NULL, NULL, "more than one name"},
    {"pipe", NULL, NULL, "no regular file"},
    {".", NULL, NULL, "no plain path"},
    {"none", NULL, NULL, "cannot be opened"},
    {"numbers", "9223372036854775807", NULL, "which has 32"},
    {"numbers", "9223372036854775808", NULL, "no place"},
    {"numbers", "-4", NULL, "no place"},
    {"numbers", "4 ", NULL, "no place"},
    {"numbers", "17", NULL, "which has 32"},
    {"numbers", "0", "12", "its shape takes 16"},
    {"numbers", "0", "9223372036854775807", "its shape takes 16"},
};

static void
make_places(void)
{
    const float x[8] = {-1, 2, 3, 4, 5, 6, 7, 8};
    char name[128];
    write_bytes(beside, x, sizeof x);
    write_bytes(outside, x, sizeof x);
    snprintf(name, sizeof name, "%s/m/link", folder);
    ck_assert_int_eq(symlink("../secret", name), 0);
    snprintf(name, sizeof name, "%s/m/folder", folder);
    ck_assert_int_eq(symlink("..", name), 0);
    snprintf(name, sizeof name, "%s/m/hard", folder);
    ck_assert_int_eq(link(outside, name), 0);
    snprintf(name, sizeof name, "%s/m/pipe", folder);
    ck_assert_int_eq(mkfifo(name, 0600), 0);
}

START_TEST(other_places)
{
    make_places();
    external(places[_i].location, places[_i].offset, places[_i].length);
    refused(places[_i].says);
}
END_TEST

START_TEST(right_place)
{
    double bytes;
    make_places();
    external("numbers", "16", "16");
    ck_assert_msg(attempt(&bytes) == OCELLUS_OK, "%s", ocellus_error());
}
END_TEST

/* ---- tensors ---- */

START_TEST(bad_tensors)
{
    static const float x[4];
    static const struct {
        int64_t d0, d1;
        size_t raw, floats;
        int type;
        const char *says;
    } cases[] = {{-1, 4, 0, 4, OCELLUS_FLOAT, "negative"},
                 {2, 2, 12, 0, OCELLUS_FLOAT, "shorter"},
                 {2, 2, 0, 3, OCELLUS_FLOAT, "shorter"},
                 {1, 2, 16, 0, OCELLUS_FLOAT, "16 bytes"},
                 {2, 2, 16, 4, OCELLUS_FLOAT, "more than one"},
                 {2, 2, 0, 4, OCELLUS_INT32, "shorter"},
                 {2, 2, 0, 4, 99, "element type 99"},
                 {INT64_MAX, INT64_MAX, 16, 0, OCELLUS_FLOAT, "machine"},
                 {I(1) << 40, 1, 16, 0, OCELLUS_FLOAT, "shorter"},
                 {I(1) << 32, I(1) << 32, 0, 0, OCELLUS_FLOAT, "machine"},
                 {INT64_MAX, 0, 16, 0, OCELLUS_FLOAT, "bytes"}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        begin();
        oc_onnx_tensor *t = LIST("w", cases[k].d0, cases[k].d1);
        t->n_int64_data = 0;
        t->n_dims = 2;
        t->dims[0] = cases[k].d0;
        t->dims[1] = cases[k].d1;
        t->data_type = cases[k].type;
        t->has_raw_data = cases[k].raw > 0;
        t->raw_data.len = cases[k].raw;
        t->raw_data.data = (uint8_t *)x;
        t->n_float_data = cases[k].floats;
        t->float_data = (float *)x;
        add_node("Relu", "w", "y");
        add_output("y");
        refused(cases[k].says);
    }
}
END_TEST

/* ---- little that asks for much ---- */

static void
constant_of_shape(void)
{
    LIST("s", I(1) << 20, I(1) << 20);
    add_node("ConstantOfShape", "s", "y");
}

static void
expand(void)
{
    LIST("x", I(1));
    LIST("s", I(1) << 40);
    add_node("Expand", "x s", "y");
}

static void
tile(void)
{
    LIST("x", I(1), I(2));
    LIST("s", I(1) << 50);
    add_node("Tile", "x s", "y");
}

static void
range(void)
{
    LIST("a", I(0))->n_dims = 0;
    LIST("b", I(1) << 60)->n_dims = 0;
    LIST("c", I(1))->n_dims = 0;
    add_node("Range", "a b c", "y");
}

static void
pad(void)
{
    LIST("x", I(1));
    LIST("p", I(1) << 45, I(1) << 45);
    add_node("Pad", "x p", "y");
}

static void
one_hot(void)
{
    LIST("x", I(1), I(2), I(3));
    LIST("d", I(1) << 45);
    LIST("v", I(0), I(1));
    add_node("OneHot", "x d v", "y");
}

static void
resize(void)
{
    const int64_t dims[] = {1, 1, 8, 8};
    add_input("x", 4, dims);
    LIST("s", I(1), I(1), I(1) << 40, I(1) << 40);
    add_node("Resize", "x - - s", "y");
}

static void
transposed(void)
{
    const int64_t dims[] = {1, 1, 8, 8}, w[] = {1, 1, 3, 3};
    add_input("x", 4, dims);
    add_input("w", 4, w);
    add_node("ConvTranspose", "x w", "y");
    INTS("strides", I(1) << 40, I(1) << 40);
}

static void
doubling(void)
{
    LIST("x0", I(1), I(2), I(3), I(4));
    char in[32], out[16];
    static char name[64][16];
    for (int k = 0; k < 50; k++) {
        snprintf(in, sizeof in, "x%d x%d", k, k);
        snprintf(out, sizeof out, "x%d", k + 1);
        strcpy(name[k], out);
        add_node("Concat", in, name[k]);
        add_int("axis", 0);
    }
    add_node("Identity", "x50", "y");
}

static void (*const amplify[])(void) = {
    constant_of_shape, expand, tile,       range,   pad,
    one_hot,           resize, transposed, doubling};

/* Refused, or a plan that says how large it is. */
START_TEST(amplification)
{
    double bytes;
    amplify[_i]();
    add_output("y");
    if (attempt(&bytes) == OCELLUS_OK)
        ck_assert_msg(bytes > 1e9, "planned with %g bytes", bytes);
    else
        ck_assert_int_gt((int)strlen(ocellus_error()), 15);
}
END_TEST

/* What fuzzers found: extents whose products or sums overflow. */
START_TEST(extents_at_the_edge)
{
    const int64_t x[] = {1, 3, 32, I(1) << 61}, wide[] = {1, 1, 3, INT32_MAX};
    const int64_t w[] = {1, 2, 2, 3}, q[] = {6, 4};
    const int64_t far[] = {1, 1, 32768, 4};
    double bytes;
    add_input("x", 4, x);
    add_node("Erf", "x", "y");
    add_output("y");
    refused("1x3x32x2305843009213693952");
    begin();
    add_input("x", 4, wide);
    add_input("w", 4, w);
    add_node("ConvTranspose", "x w", "y");
    add_output("y");
    refused("an extent of 2147483647");
    begin(); /* a block larger than what there is is all of it */
    set.version = 21;
    inputs[graph.n_input++] = add_value("x", OCELLUS_INT8, 2, q);
    add_input("s", 2, (const int64_t[]){6, 1});
    add_node("DequantizeLinear", "x s", "y");
    add_int("axis", 1);
    add_int("block_size", INT64_MAX);
    add_output("y");
    ck_assert_msg(attempt(&bytes) == OCELLUS_OK, "%s", ocellus_error());
    begin(); /* who may look where, as a constant */
    set.version = 23;
    add_input("x", 4, far);
    add_node("Attention", "x x x", "y");
    add_int("is_causal", 1);
    add_output("y");
    refused("4294967296 bytes");
}
END_TEST

/* ---- nesting ---- */

/* If within If within If. */
START_TEST(deep_subgraphs)
{
    enum { DEEP = 2000 };
    static oc_onnx_graph within[DEEP];
    static oc_onnx_node inner[DEEP], *inner_list[DEEP];
    static oc_onnx_attribute branch[DEEP], *branches[DEEP][1];
    static char *condition[] = {"c"}, *result[] = {"y"};
    LIST("c", I(1))->n_dims = 0;
    for (int k = DEEP - 1; k >= 0; k--) {
        oc_onnx__graph__init(&within[k]);
        oc_onnx__node__init(&inner[k]);
        oc_onnx__attribute__init(&branch[k]);
        inner[k].op_type = k == DEEP - 1 ? "Identity" : "If";
        inner[k].n_input = inner[k].n_output = 1;
        inner[k].input = condition;
        inner[k].output = result;
        if (k < DEEP - 1) {
            branch[k].name = "then_branch";
            branch[k].has_type = 1;
            branch[k].type = 5;
            branch[k].g = &within[k + 1];
            branches[k][0] = &branch[k];
            inner[k].n_attribute = 1;
            inner[k].attribute = branches[k];
        }
        inner_list[k] = &inner[k];
        within[k].n_node = 1;
        within[k].node = &inner_list[k];
        within[k].n_output = 1;
        within[k].output = outputs;
    }
    nodes[graph.n_node++] = &inner[0];
    add_output("y");
    for (int k = 0; k < DEEP; k++)
        within[k].n_output = 1;
    refused("");
}
END_TEST

/* f calls itself; or f0 calls f1 twice, which calls f2 twice ... */
static void
functions(int count, int recursive)
{
    static OcOnnx__Function function[MOST], *list[MOST];
    static oc_onnx_node call[MOST][2], *calls[MOST][2];
    static char name[MOST][8], *x[] = {"x"}, *y[] = {"y"}, *z[] = {"z"};
    for (int k = 0; k < count; k++) {
        oc_onnx__function__init(&function[k]);
        snprintf(name[k], sizeof name[k], "F%d", k);
        function[k].name = name[k];
        function[k].domain = "own";
        function[k].n_input = function[k].n_output = 1;
        function[k].input = x;
        function[k].output = z;
        function[k].n_node = 2;
        function[k].node = calls[k];
        for (int i = 0; i < 2; i++) {
            int last = k == count - 1 && !recursive;
            oc_onnx__node__init(&call[k][i]);
            call[k][i].op_type = last ? "Relu" : name[(k + 1) % count];
            call[k][i].domain = last ? "" : "own";
            call[k][i].n_input = call[k][i].n_output = 1;
            call[k][i].input = i == 0 ? x : y;
            call[k][i].output = i == 0 ? y : z;
            calls[k][i] = &call[k][i];
        }
        list[k] = &function[k];
    }
    for (int k = 0; k < count; k++)
        snprintf(name[k], sizeof name[k], "F%d", k);
    model.n_functions = (size_t)count;
    model.functions = list;
    const int64_t dims[] = {3};
    add_input("x", 1, dims);
    add_node("F0", "x", "y")->domain = "own";
    add_output("y");
}

START_TEST(recursive_function)
{
    functions(1, 1);
    refused("");
}
END_TEST

START_TEST(recursive_pair)
{
    functions(2, 1);
    refused("");
}
END_TEST

START_TEST(exponential_functions)
{
    functions(31, 0);
    refused("");
}
END_TEST

START_TEST(cycle)
{
    add_node("Relu", "b", "a");
    add_node("Relu", "a", "b");
    add_output("b");
    refused("is made later or never");
}
END_TEST

START_TEST(two_of_one_name)
{
    const int64_t dims[] = {3};
    add_input("x", 1, dims);
    add_node("Relu", "x", "y");
    add_node("Abs", "x", "y");
    add_output("y");
    refused("'y'");
}
END_TEST

/* Loop of 2^62 turns. */
START_TEST(endless_loop)
{
    static oc_onnx_graph body;
    static oc_onnx_node inner[1], *list[1];
    static char *in[] = {"c"}, *out[] = {"d"};
    static OcOnnx__ValueInfo *taken[2], *given[1];
    oc_onnx__graph__init(&body);
    oc_onnx__node__init(inner);
    inner[0].op_type = "Identity";
    inner[0].n_input = inner[0].n_output = 1;
    inner[0].input = in;
    inner[0].output = out;
    list[0] = inner;
    body.n_node = 1;
    body.node = list;
    taken[0] = add_value("i", OCELLUS_INT64, 0, NULL);
    taken[1] = add_value("c", OCELLUS_BOOL, 0, NULL);
    given[0] = add_value("d", OCELLUS_BOOL, 0, NULL);
    body.n_input = 2;
    body.input = taken;
    body.n_output = 1;
    body.output = given;
    LIST("n", I(1) << 62)->n_dims = 0;
    add_node("Loop", "n", "y");
    add_attribute("body", 5)->g = &body;
    add_output("y");
    refused("");
}
END_TEST

/* ---- attributes ---- */

static const struct {
    const char *op, *name;
    int64_t a, b, c, d; /* INT64_MIN ends the list; one number: an int */
    const char *text;
} odd[] = {
    {"Conv", "strides", 0, 1, INT64_MIN, 0, NULL},
    {"Conv", "strides", -1, 1, INT64_MIN, 0, NULL},
    {"Conv", "dilations", 0, 1, INT64_MIN, 0, NULL},
    {"Conv", "dilations", INT64_MAX, INT64_MAX, INT64_MIN, 0, NULL},
    {"Conv", "pads", INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, NULL},
    {"Conv", "pads", -9, -9, -9, -9, NULL},
    {"Conv", "kernel_shape", 7, 7, INT64_MIN, 0, NULL},
    {"Conv", "group", 3, INT64_MIN, 0, 0, NULL},
    {"Conv", "group", 0, INT64_MIN, 0, 0, NULL},
    {"Conv", "group", INT64_MAX, INT64_MIN, 0, 0, NULL},
    {"Conv", "auto_pad", 0, 0, 0, 0, "VALID\" -D X=system(\""},
    {"MaxPool", "kernel_shape", 0, 3, INT64_MIN, 0, NULL},
    {"MaxPool", "kernel_shape", INT64_MAX, 3, INT64_MIN, 0, NULL},
    {"MaxPool", "kernel_shape", 3, INT64_MIN, 0, 0, NULL},
    {"Softmax", "axis", 4, INT64_MIN, 0, 0, NULL},
    {"Softmax", "axis", INT64_MAX, INT64_MIN, 0, 0, NULL},
    {"Flatten", "axis", -5, INT64_MIN, 0, 0, NULL},
    {"Concat", "axis", 9, INT64_MIN, 0, 0, NULL},
    {"Transpose", "perm", 0, 0, 0, 0, NULL},
    {"Transpose", "perm", 0, 1, 2, 9, NULL},
    {"DepthToSpace", "blocksize", 0, INT64_MIN, 0, 0, NULL},
    {"DepthToSpace", "blocksize", INT64_MAX, INT64_MIN, 0, 0, NULL},
    {"LRN", "size", 0, INT64_MIN, 0, 0, NULL},
    {"ReduceMean", "axes", 0, 7, INT64_MIN, 0, NULL},
    {"Cast", "to", 77, INT64_MIN, 0, 0, NULL},
};

START_TEST(odd_attributes)
{
    const int64_t dims[] = {1, 4, 5, 5}, w[] = {4, 4, 3, 3};
    int conv = strcmp(odd[_i].op, "Conv") == 0;
    add_input("x", 4, dims);
    if (conv)
        add_input("w", 4, w);
    add_node(odd[_i].op, conv ? "x w" : "x", "y");
    if (odd[_i].text != NULL)
        add_text(odd[_i].name, odd[_i].text);
    else if (odd[_i].b == INT64_MIN && strcmp(odd[_i].op, "MaxPool") != 0)
        add_int(odd[_i].name, odd[_i].a);
    else
        add_ints(odd[_i].name, odd[_i].a, odd[_i].b, odd[_i].c, odd[_i].d,
                 INT64_MIN);
    add_output("y");
    refused("");
}
END_TEST

START_TEST(texts_stay_outside)
{
    static char evil[] = "tanh); " EVIL "(\"true\"); //";
    static char *in[] = {evil}, *out[] = {"x\" -D" EVIL};
    const int64_t dims[] = {1, 4, 5, 5};
    double bytes;
    add_input(evil, 4, dims);
    oc_onnx_node *gelu = add_node("Gelu", "-", "-");
    gelu->input = in;
    gelu->output = out;
    gelu->name = "*/ " EVIL;
    add_text("approximate", evil);
    set.version = 20;
    outputs[graph.n_output++] = add_value(out[0], OCELLUS_FLOAT, 0, NULL);
    ck_assert_msg(attempt(&bytes) == OCELLUS_OK, "%s", ocellus_error());
    ck_assert(bytes > 0);
}
END_TEST

/* ---- numbers of a run ---- */

static const struct {
    const char *op, *attributes;
    int rank;
    int64_t dims[2]; /* of the indices */
    int updates;     /* rank of a third input; 0: none */
} readers[] = {{"Gather", "axis=0", 1, {6, 0}, 0},
               {"GatherElements", "axis=1", 2, {4, 3}, 0},
               {"GatherND", NULL, 2, {6, 2}, 0},
               {"ScatterElements", "axis=0", 2, {4, 3}, 2},
               {"ScatterND", NULL, 2, {6, 2}, 1}};

static ocellus_tensor *
filled(ocellus_type type, int rank, const int64_t *dims)
{
    static const int64_t wild[] = {INT64_MAX, INT64_MIN, -1000000,
                                   1ll << 31, 1ll << 40, 1000};
    ocellus_tensor *t;
    must(ocellus_tensor_create(type, rank, dims, &t));
    for (size_t k = 0; k < ocellus_tensor_count(t); k++)
        if (type == OCELLUS_FLOAT)
            ((float *)ocellus_tensor_data(t))[k] = 0.5f;
        else
            ((int64_t *)ocellus_tensor_data(t))[k] = wild[k % 6];
    return t;
}

/* Indices far outside: refused, or some element of x that is there. */
START_TEST(wild_indices)
{
    const int64_t x[] = {4, 3}, updates[] = {_i == 4 ? 6 : 4, 3};
    ocellus_tensor *in[3] = {
        filled(OCELLUS_FLOAT, 2, x),
        filled(OCELLUS_INT64, readers[_i].rank, readers[_i].dims),
        readers[_i].updates
            ? filled(OCELLUS_FLOAT, readers[_i].updates, updates)
            : NULL};
    ocellus_value *input[3];
    ocellus_device *device;
    ocellus_session *session;
    ocellus_graph *g;
    const ocellus_tensor *y;
    int n = in[2] ? 3 : 2;
    must(ocellus_graph_create(&g));
    must(ocellus_device_open(NULL, &device));
    for (int k = 0; k < n; k++)
        input[k] = ocellus_graph_input(g,
                                       k == 0   ? "x"
                                       : k == 1 ? "i"
                                                : "u",
                                       ocellus_tensor_type(in[k]),
                                       ocellus_tensor_rank(in[k]),
                                       ocellus_tensor_dims(in[k]));
    ocellus_graph_output(g, "y",
                         ocellus_apply_list(g, readers[_i].op,
                                            readers[_i].attributes, input, n));
    must(ocellus_session_create(device, g, &session));
    for (int k = 0; k < n; k++)
        must(ocellus_session_set_input(session, ocellus_value_name(input[k]),
                                       in[k]));
    if (ocellus_session_run(session) == OCELLUS_OK) {
        must(ocellus_session_get_output(session, "y", &y));
        const float *got = ocellus_tensor_data(y);
        for (size_t k = 0; k < ocellus_tensor_count(y); k++)
            ck_assert_msg(got[k] == 0.5f, "%s gives %g", readers[_i].op,
                          (double)got[k]);
    }
    ocellus_session_destroy(session);
    ocellus_graph_destroy(g);
    ocellus_device_close(device);
    for (int k = 0; k < n; k++)
        ocellus_tensor_destroy(in[k]);
}
END_TEST

/* ---- bytes ---- */

static const struct {
    const char *bytes;
    size_t count;
} torn[] = {
    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13}, /* 12 bytes */
    {"\x3a\xff\xff\xff\xff\x0f", 6},                  /* length beyond all */
    {"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10}, /* ... of 63 bits */
    {"\x3a\x02\x0a\x7f", 4},                          /* of an inner message */
    {"\x3b\x3c", 2},                                  /* a group */
    {"\x3f", 1},                                      /* no wire type */
    {"\x42\x03\x0a\x05"
     "ab",
     6},
};

START_TEST(torn_bytes)
{
    struct ocellus_graph *read = (struct ocellus_graph *)&read;
    write_bytes(path, torn[_i].bytes, torn[_i].count);
    bound_memory();
    ck_assert_int_eq(oc_onnx_load(path, &read), OCELLUS_BAD_MODEL);
    ck_assert_ptr_null(read);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, other_places, 0,
                        (int)(sizeof places / sizeof places[0]));
    tcase_add_test(tests, right_place);
    tcase_add_test(tests, bad_tensors);
    tcase_add_loop_test(tests, amplification, 0,
                        (int)(sizeof amplify / sizeof amplify[0]));
    tcase_add_test(tests, extents_at_the_edge);
    tcase_add_test(tests, deep_subgraphs);
    tcase_add_test(tests, recursive_function);
    tcase_add_test(tests, recursive_pair);
    tcase_add_test(tests, exponential_functions);
    tcase_add_test(tests, cycle);
    tcase_add_test(tests, two_of_one_name);
    tcase_add_test(tests, endless_loop);
    tcase_add_loop_test(tests, odd_attributes, 0,
                        (int)(sizeof odd / sizeof odd[0]));
    tcase_add_test(tests, texts_stay_outside);
    tcase_add_loop_test(tests, torn_bytes, 0,
                        (int)(sizeof torn / sizeof torn[0]));
    if (no_device() == 0)
        tcase_add_loop_test(tests, wild_indices, 0,
                            (int)(sizeof readers / sizeof readers[0]));
}

int
main(void)
{
    return run_suite("hostile", add);
}
