/* net_picture.c - the picture of a net: SVG, with places of our own, or DOT,
 * for Graphviz to find some. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "vision/net_layout.h"

static const char *
colour(enum oc_net_kind kind)
{
    static const char *const of[] = {
        [OC_NET_END] = "#eeeeee",  [OC_NET_WEIGHTED] = "#cfe2f3",
        [OC_NET_NORM] = "#d9ead3", [OC_NET_POOL] = "#fce5cd",
        [OC_NET_JOIN] = "#ead1dc", [OC_NET_OTHER] = "#fff9db"};
    return of[kind];
}

/* Names come from files: what XML or DOT would read as its own is replaced. */
static void
append_escaped(struct oc_text *text, const char *name)
{
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        if (c == '<')
            oc_text_append(text, "&lt;");
        else if (c == '&')
            oc_text_append(text, "&amp;");
        else if (c < ' ' || c > '~' || c == '"' || c == '\\')
            oc_text_append(text, "?");
        else
            oc_text_append_bytes(text, name, 1);
    }
}

/* ---- SVG --------------------------------------------------------------- */

static void
append_line(struct oc_text *text, const struct oc_net_picture *p,
            const struct oc_net_line *line)
{
    const struct oc_net_box *a = &p->box[line->from], *b = &p->box[line->to];
    double x = a->x + a->w / 2, y = a->y + a->h;
    double u = b->x + b->w / 2, v = b->y, half = (y + v) / 2;
    oc_text_printf(text, "<path d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f",
                   x, y, x, half, u, half, u, v);
    if (b->kind == OC_NET_BEND)
        oc_text_printf(text, "V%.1f\"/>\n", v + b->h);
    else
        oc_text_append(text, "\" marker-end=\"url(#to)\"/>\n");
}

static void
append_row(struct oc_text *text, double x, double y, const char *class,
           const char *words)
{
    char part[64];
    size_t most = sizeof part - 4;
    strncpy(part, words, most);
    part[most] = '\0';
    if (strlen(words) > most)
        strcpy(part + most - 2, "...");
    oc_text_printf(text, "<text%s x=\"%.1f\" y=\"%.1f\">", class, x, y);
    append_escaped(text, part);
    oc_text_append(text, "</text>\n");
}

static void
append_box(struct oc_text *text, const struct oc_net_box *box)
{
    double x = box->x + box->w / 2, y = box->y + 17;
    oc_text_append(text, "<g><title>");
    append_escaped(text, box->name);
    oc_text_printf(text,
                   "</title>\n<rect x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" "
                   "height=\"%.0f\" rx=\"%d\" fill=\"%s\"/>\n",
                   box->x, box->y, box->w, box->h,
                   box->kind == OC_NET_END ? 12 : 4, colour(box->kind));
    for (const struct oc_net_row *row = box->row; row; row = row->next, y += 16)
        append_row(text, x, y, "", row->text);
    if (box->shape != NULL)
        append_row(text, x, y, " class=\"s\"", box->shape);
    oc_text_append(text, "</g>\n");
}

static ocellus_status
append_svg(struct oc_text *text, struct oc_net_picture *p)
{
    OC_TRY(oc_net_picture_place(p));
    oc_text_printf(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
        "height=\"%.0f\">\n<style>text{font:12px sans-serif;text-anchor:middle}"
        ".s{fill:#666;font-size:11px}rect{stroke:#777}"
        "path{fill:none;stroke:#777}</style>\n"
        "<defs><marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
        "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
        "<path d=\"M0 0L8 4L0 8z\" style=\"fill:#777;stroke:none\"/></marker>"
        "</defs>\n<rect width=\"100%%\" height=\"100%%\" "
        "style=\"fill:#fff;stroke:none\"/>\n",
        p->width, p->height);
    for (int k = 0; k < p->n_lines; k++)
        append_line(text, p, &p->line[k]);
    for (int k = 0; k < p->n_boxes; k++)
        if (p->box[k].kind != OC_NET_BEND)
            append_box(text, &p->box[k]);
    oc_text_append(text, "</svg>\n");
    return OCELLUS_OK;
}

/* ---- DOT --------------------------------------------------------------- */

static ocellus_status
append_dot(struct oc_text *text, struct oc_net_picture *p)
{
    oc_text_append(text, "digraph net {\nnode [shape=box style=\"filled,"
                         "rounded\" fontname=\"sans-serif\" fontsize=11]\n");
    for (int k = 0; k < p->n_boxes; k++) {
        const struct oc_net_box *box = &p->box[k];
        oc_text_printf(text, "b%d [fillcolor=\"%s\" label=\"", k,
                       colour(box->kind));
        for (const struct oc_net_row *row = box->row; row; row = row->next) {
            append_escaped(text, row->text);
            oc_text_append(text, row->next || box->shape ? "\\n" : "");
        }
        oc_text_printf(text, "%s\" tooltip=\"", box->shape ? box->shape : "");
        append_escaped(text, box->name);
        oc_text_append(text, "\"]\n");
    }
    for (int k = 0; k < p->n_lines; k++)
        oc_text_printf(text, "b%d -> b%d\n", p->line[k].from, p->line[k].to);
    oc_text_append(text, "}\n");
    return OCELLUS_OK;
}

static int
ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), n = strlen(ending);
    return length >= n && strcmp(path + length - n, ending) == 0;
}

ocellus_status
ocellus_graph_draw(const ocellus_graph *graph, const char *path)
{
    struct oc_net_picture picture;
    struct oc_text text = {0};
    int svg = ends_with(path, ".svg");
    if (!svg && !ends_with(path, ".dot"))
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "%s: a net is drawn as .svg or .dot", path);
    ocellus_status status = oc_net_picture_make(graph, &picture);
    if (status == OCELLUS_OK)
        status =
            svg ? append_svg(&text, &picture) : append_dot(&text, &picture);
    if (status == OCELLUS_OK && text.failed)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to draw a net");
    if (status == OCELLUS_OK)
        status = oc_file_write_atomic(path, text.data, text.length);
    oc_net_picture_free(&picture);
    oc_text_free(&text);
    return status;
}
