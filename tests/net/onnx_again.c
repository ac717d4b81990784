/* onnx_again.c - models read and written again.
 *
 *     onnx_again LIST
 *
 * LIST has lines "FROM \t TO"; for each, "ok" or the failure's sentence.
 */
#include <stdio.h>
#include <string.h>

#include <ocellus.h>

static void
again(const char *from, const char *to)
{
    ocellus_graph *graph;
    ocellus_status status = ocellus_graph_load(from, &graph);
    const char *what = "read";
    if (status == OCELLUS_OK) {
        what = "written";
        status = ocellus_graph_save(graph, to);
    }
    if (status == OCELLUS_OK)
        puts("ok");
    else
        printf("not %s: %s\n", what, ocellus_error());
    ocellus_graph_destroy(graph);
}

int
main(int argc, char **argv)
{
    char line[8192];
    FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (list == NULL) {
        fprintf(stderr, "usage: onnx_again LIST\n");
        return 2;
    }
    while (fgets(line, sizeof line, list)) {
        char *from = strtok(line, "\t\n"), *to = strtok(NULL, "\t\n");
        if (from != NULL && to != NULL)
            again(from, to);
        fflush(stdout);
    }
    fclose(list);
    return 0;
}
