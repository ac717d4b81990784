/* onnx_rewrite.c - model files read and written again.
 *
 *     onnx_rewrite LIST
 *
 * LIST has a line for each: the model, a tab, the file to write. Says "ok", or
 * "not ok - " and the failure, a line each.
 */
#include <stdio.h>
#include <string.h>

#include <ocellus.h>

static ocellus_status
rewrite(const char *from, const char *to)
{
    ocellus_graph *graph;
    ocellus_status status = ocellus_graph_load(from, &graph);
    if (status != OCELLUS_OK)
        return status;
    status = ocellus_graph_save(graph, to);
    ocellus_graph_destroy(graph);
    return status;
}

int
main(int argc, char **argv)
{
    char line[8192];
    FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (list == NULL) {
        fprintf(stderr, "usage: onnx_rewrite LIST\n");
        return 2;
    }
    while (fgets(line, sizeof line, list) != NULL) {
        char *to = line + strcspn(line, "\t");
        line[strcspn(line, "\n")] = '\0';
        if (*to == '\t')
            *to++ = '\0';
        if (rewrite(line, to) == OCELLUS_OK)
            puts("ok");
        else
            printf("not ok - %s\n", ocellus_error());
    }
    fclose(list);
    return 0;
}
