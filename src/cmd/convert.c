/* convert.c - `ocellus convert`: a model, or its weights alone, as another
 * file. No device is needed. */
#include "cmd/model.h"

#include <string.h>

static const char *image_text;
static int64_t classes;

static int
ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), wanted = strlen(ending);
    return length > wanted && strcmp(path + length - wanted, ending) == 0;
}

/* A named net is made for the usual images, or for those that were said. */
static ocellus_status
open_model(const char *word, ocellus_graph **graph)
{
    struct cmd_image image;
    int usual;
    cmd_net_defaults(word, &image, &usual);
    if (image_text != NULL)
        CMD_TRY(cmd_image_size(image_text, &image));
    return cmd_model_open(word, &image, classes > 0 ? (int)classes : usual, 0,
                          graph);
}

static ocellus_status
run(int count, char **words)
{
    const char *in = words[0], *out = words[1];
    ocellus_graph *graph;
    (void)count;
    if (!ends_in(out, ".onnx") && !ends_in(out, ".safetensors"))
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "%s ends neither in .onnx nor in .safetensors, which "
                        "are written",
                        out);
    if (ends_in(in, ".safetensors") && ends_in(out, ".safetensors"))
        return ocellus_weights_copy(in, out);
    if (ends_in(in, ".safetensors"))
        return cmd_fail(OCELLUS_BAD_ARGUMENT,
                        "%s holds weights alone: ocellus convert NET %s "
                        "--weights %s",
                        in, out, in);
    CMD_TRY(open_model(in, &graph));
    ocellus_status status = ocellus_graph_save(graph, out);
    if (status == OCELLUS_OK)
        cmd_say("%s: %d nodes, %lld parameters", out,
                ocellus_graph_node_count(graph),
                (long long)ocellus_graph_parameter_count(graph));
    ocellus_graph_destroy(graph);
    return status;
}

static const struct cmd_option options[] = {
    CMD_WEIGHTS,
    {"image", CMD_TEXT, &image_text, "CxHxW", "image size of a named net", 0,
     0},
    {"classes", CMD_WHOLE, &classes, "N", "classes of a named net", 1, 1 << 20},
    CMD_QUIET,
    CMD_END};

const struct cmd cmd_convert = {
    .name = "convert",
    .arguments = "NET|MODEL OUT",
    .brief = "writes a model as ONNX, or its weights as safetensors",
    .what = "Writes a model of any kind that is read as OUT: .onnx, or its "
            "weights alone as .safetensors.",
    .least = 2,
    .most = 2,
    .options = options,
    .more = "examples:\n"
            "  ocellus convert yolo.cfg yolo.onnx\n"
            "  ocellus convert run/model.onnx weights.safetensors\n"
            "  ocellus convert resnet20 r20.onnx --weights w.safetensors\n",
    .run = run,
};
