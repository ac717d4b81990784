/* net.c - named nets: the table, and the small plain ones. */
#include "net/net.h"

#include <stdio.h>
#include <string.h>

static const char images[] = "images";

static const struct {
    const char *name;
    const char *summary;
    oc_net_builder build;
    int least; /* smallest height and width */
    const char *takes;
    oc_sequence_builder build_sequence; /* instead of build */
} nets[] = {
    {"mlp", "two hidden layers of 256", oc_net_mlp, 1, images, NULL},
    {"lenet5", "LeCun 1998, with ReLU and max-pooling", oc_net_lenet5, 12,
     images, NULL},
    {"resnet20", "He 2016 for 32 x 32 images, 0.27 M", oc_net_resnet20, 4,
     images, NULL},
    {"resnet32", "the same, 0.46 M", oc_net_resnet32, 4, images, NULL},
    {"resnet56", "the same, 0.85 M", oc_net_resnet56, 4, images, NULL},
    {"alexnet", "Krizhevsky 2014, 61 M", oc_net_alexnet, 63, images, NULL},
    {"vgg11", "Simonyan 2014, 133 M", oc_net_vgg11, 32, images, NULL},
    {"vgg16", "Simonyan 2014, 138 M", oc_net_vgg16, 32, images, NULL},
    {"squeezenet", "SqueezeNet 1.1, 1.2 M", oc_net_squeezenet, 17, images,
     NULL},
    {"mobilenetv2", "Sandler 2018, 3.5 M", oc_net_mobilenetv2, 32, images,
     NULL},
    {"resnet18", "He 2016, 11.7 M", oc_net_resnet18, 32, images, NULL},
    {"resnet34", "He 2016, 21.8 M", oc_net_resnet34, 32, images, NULL},
    {"resnet50", "He 2016, 25.6 M", oc_net_resnet50, 32, images, NULL},
    {"unet", "Ronneberger 2015, a class for each pixel", oc_net_unet, 16,
     images, NULL},
    {"charlstm", "the next character of a text: LSTM, 2 x 256", NULL, 1, "text",
     oc_net_charlstm},
    {"namelstm", "the class of a name: LSTM, 128", NULL, 1, "names",
     oc_net_namelstm},
    {"serieslstm", "the next number of a series: LSTM, 128", NULL, 1, "series",
     oc_net_serieslstm},
};

#define N_NETS ((int)(sizeof nets / sizeof nets[0]))

const char *
ocellus_net_name(int k)
{
    return k >= 0 && k < N_NETS ? nets[k].name : NULL;
}

const char *
ocellus_net_summary(int k)
{
    return k >= 0 && k < N_NETS ? nets[k].summary : NULL;
}

const char *
ocellus_net_takes(const char *name)
{
    for (int k = 0; k < N_NETS; k++)
        if (strcmp(name, nets[k].name) == 0)
            return nets[k].takes;
    return NULL;
}

/* A graph whose failure is a sentence: builders cannot fail otherwise here. */
static ocellus_status
refuse(const char *sentence)
{
    return ocellus_fail(OCELLUS_BAD_ARGUMENT, sentence);
}

static ocellus_status
unknown(const char *name)
{
    char sentence[512];
    int n =
        snprintf(sentence, sizeof sentence, "there is no net '%.40s';", name);
    for (int k = 0; k < N_NETS; k++)
        n += snprintf(sentence + n, sizeof sentence - (size_t)n, "%s %s",
                      k == 0           ? " there are"
                      : k + 1 < N_NETS ? ","
                                       : " and",
                      nets[k].name);
    return refuse(sentence);
}

/* Sequences of any length. */
static ocellus_value *
build_sequence(ocellus_graph *graph, int k, int channels, int classes)
{
    const int64_t dims[] = {-1, -1, 1};
    int is_series = strcmp(nets[k].takes, "series") == 0;
    ocellus_value *x = ocellus_graph_input(
        graph, "x", is_series ? OCELLUS_FLOAT : OCELLUS_INT64,
        is_series ? 3 : 2, dims);
    return nets[k].build_sequence(graph, x, channels, classes);
}

static ocellus_value *
build_image(ocellus_graph *graph, int k, const int64_t dims[4], int classes)
{
    ocellus_value *x = ocellus_graph_input(graph, "x", OCELLUS_FLOAT, 4, dims);
    return nets[k].build(x, classes);
}

static ocellus_status
build(int k, int channels, int height, int width, int classes, uint64_t seed,
      ocellus_graph **graph)
{
    const int64_t dims[] = {-1, channels, height, width};
    ocellus_status status = ocellus_graph_create(graph);
    if (status != OCELLUS_OK)
        return status;
    ocellus_graph_set_seed(*graph, seed);
    ocellus_value *y = nets[k].build
                           ? build_image(*graph, k, dims, classes)
                           : build_sequence(*graph, k, channels, classes);
    status = ocellus_graph_check(*graph);
    if (status == OCELLUS_OK)
        status = ocellus_graph_output(*graph, "y", y);
    if (status != OCELLUS_OK) {
        ocellus_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

ocellus_status
ocellus_net_create(const char *name, int channels, int height, int width,
                   int classes, uint64_t seed, ocellus_graph **graph)
{
    char sentence[256];
    *graph = NULL;
    for (int k = 0; k < N_NETS; k++) {
        if (strcmp(name, nets[k].name) != 0)
            continue;
        if (channels < 1 || classes < 1 || height < nets[k].least ||
            width < nets[k].least) {
            snprintf(sentence, sizeof sentence,
                     "%s takes images of at least %d x %d and 1 class; asked "
                     "for %d channels of %d x %d and %d classes",
                     name, nets[k].least, nets[k].least, channels, height,
                     width, classes);
            return refuse(sentence);
        }
        return build(k, channels, height, width, classes, seed, graph);
    }
    return unknown(name);
}

/* ---- plain nets ------------------------------------------------------------
 */

ocellus_value *
oc_net_mlp(ocellus_value *x, int classes)
{
    x = ocellus_flatten(x);
    x = ocellus_relu(ocellus_linear(x, "f1", 256));
    x = ocellus_relu(ocellus_linear(x, "f2", 256));
    return ocellus_linear(x, "f3", classes);
}

/* 28 x 28 images are padded by 2, as in the paper's 32 x 32 input. */
ocellus_value *
oc_net_lenet5(ocellus_value *x, int classes)
{
    int pad = x != NULL && ocellus_value_dim(x, 2) < 32 ? 2 : 0;
    x = ocellus_relu(ocellus_conv2d(x, "c1", 6, 5, 1, pad, 1, 1));
    x = ocellus_max_pool(x, 2, 2, 0);
    x = ocellus_relu(ocellus_conv2d(x, "c2", 16, 5, 1, 0, 1, 1));
    x = ocellus_flatten(ocellus_max_pool(x, 2, 2, 0));
    x = ocellus_relu(ocellus_linear(x, "f1", 120));
    x = ocellus_relu(ocellus_linear(x, "f2", 84));
    return ocellus_linear(x, "f3", classes);
}

/* A convolution with bias and Relu, NAME.K. */
static ocellus_value *
conv_relu(ocellus_value *x, const char *name, int channels, int kernel,
          int stride, int pad)
{
    return ocellus_relu(
        ocellus_conv2d(x, name, channels, kernel, stride, pad, 1, 1));
}

/* The mean over a grid x grid cells, where the image is large enough. */
static ocellus_value *
cells(ocellus_value *x, int grid)
{
    if (x == NULL)
        return NULL;
    int64_t h = ocellus_value_dim(x, 2), w = ocellus_value_dim(x, 3);
    if (h != w || h < grid || h % grid != 0)
        return x;
    int k = (int)(h / grid);
    return k == 1 ? x : ocellus_average_pool(x, k, k, 0);
}

ocellus_value *
oc_net_alexnet(ocellus_value *x, int classes)
{
    x = conv_relu(x, "features.0", 64, 11, 4, 2);
    x = ocellus_max_pool(x, 3, 2, 0);
    x = conv_relu(x, "features.3", 192, 5, 1, 2);
    x = ocellus_max_pool(x, 3, 2, 0);
    x = conv_relu(x, "features.6", 384, 3, 1, 1);
    x = conv_relu(x, "features.8", 256, 3, 1, 1);
    x = conv_relu(x, "features.10", 256, 3, 1, 1);
    x = ocellus_max_pool(x, 3, 2, 0);
    x = ocellus_dropout(ocellus_flatten(cells(x, 6)), 0.5f);
    x = ocellus_relu(ocellus_linear(x, "classifier.1", 4096));
    x = ocellus_dropout(x, 0.5f);
    x = ocellus_relu(ocellus_linear(x, "classifier.4", 4096));
    return ocellus_linear(x, "classifier.6", classes);
}

/* plan: channels of each convolution, 0 for a pooling. */
static ocellus_value *
vgg(ocellus_value *x, const int *plan, int count, int classes)
{
    char name[32];
    for (int k = 0, at = 0; k < count; k++) {
        snprintf(name, sizeof name, "features.%d", at);
        at += plan[k] > 0 ? 2 : 1;
        x = plan[k] > 0 ? conv_relu(x, name, plan[k], 3, 1, 1)
                        : ocellus_max_pool(x, 2, 2, 0);
    }
    x = ocellus_flatten(cells(x, 7));
    x = ocellus_relu(ocellus_linear(x, "classifier.0", 4096));
    x = ocellus_dropout(x, 0.5f);
    x = ocellus_relu(ocellus_linear(x, "classifier.3", 4096));
    x = ocellus_dropout(x, 0.5f);
    return ocellus_linear(x, "classifier.6", classes);
}

ocellus_value *
oc_net_vgg11(ocellus_value *x, int classes)
{
    static const int plan[] = {64,  0,   128, 0,   256, 256, 0,
                               512, 512, 0,   512, 512, 0};
    return vgg(x, plan, (int)(sizeof plan / sizeof plan[0]), classes);
}

ocellus_value *
oc_net_vgg16(ocellus_value *x, int classes)
{
    static const int plan[] = {64, 64,  0,   128, 128, 0,   256, 256, 256,
                               0,  512, 512, 512, 0,   512, 512, 512, 0};
    return vgg(x, plan, (int)(sizeof plan / sizeof plan[0]), classes);
}

/* Squeeze to `squeeze` channels, expand to twice `expand`. */
static ocellus_value *
fire(ocellus_value *x, int k, int squeeze, int expand)
{
    char name[3][48];
    snprintf(name[0], sizeof name[0], "features.%d.squeeze", k);
    snprintf(name[1], sizeof name[1], "features.%d.expand1x1", k);
    snprintf(name[2], sizeof name[2], "features.%d.expand3x3", k);
    x = conv_relu(x, name[0], squeeze, 1, 1, 0);
    ocellus_value *a = conv_relu(x, name[1], expand, 1, 1, 0);
    ocellus_value *b = conv_relu(x, name[2], expand, 3, 1, 1);
    return a && b ? ocellus_concat(a, b, 1) : NULL;
}

ocellus_value *
oc_net_squeezenet(ocellus_value *x, int classes)
{
    x = conv_relu(x, "features.0", 64, 3, 2, 0);
    x = ocellus_max_pool_ceil(x, 3, 2);
    x = fire(fire(x, 3, 16, 64), 4, 16, 64);
    x = ocellus_max_pool_ceil(x, 3, 2);
    x = fire(fire(x, 6, 32, 128), 7, 32, 128);
    x = ocellus_max_pool_ceil(x, 3, 2);
    x = fire(fire(x, 9, 48, 192), 10, 48, 192);
    x = fire(fire(x, 11, 64, 256), 12, 64, 256);
    x = ocellus_dropout(x, 0.5f);
    x = conv_relu(x, "classifier.1", classes, 1, 1, 0);
    return ocellus_flatten(ocellus_global_average_pool(x));
}
