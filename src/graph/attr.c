/* attr.c - attributes of nodes, and their text form
 * "kernel_shape=3,3 alpha=0.5 auto_pad=VALID". */
#include "graph/attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct oc_attr *
oc_attr_find(const struct oc_node *node, const char *name)
{
    for (int k = 0; k < node->n_attr; k++)
        if (strcmp(node->attr[k].name, name) == 0)
            return &node->attr[k];
    return NULL;
}

int64_t
oc_attr_int(const struct oc_node *node, const char *name, int64_t otherwise)
{
    const struct oc_attr *attr = oc_attr_find(node, name);
    if (attr == NULL)
        return otherwise;
    if (attr->kind == OC_ATTR_INTS && attr->count == 1)
        return attr->ints[0];
    return attr->kind == OC_ATTR_FLOAT ? (int64_t)attr->f : attr->i;
}

double
oc_attr_float(const struct oc_node *node, const char *name, double otherwise)
{
    const struct oc_attr *attr = oc_attr_find(node, name);
    if (attr == NULL)
        return otherwise;
    return attr->kind == OC_ATTR_INT ? (double)attr->i : attr->f;
}

const char *
oc_attr_text(const struct oc_node *node, const char *name,
             const char *otherwise)
{
    const struct oc_attr *attr = oc_attr_find(node, name);
    return attr && attr->kind == OC_ATTR_TEXT ? attr->text : otherwise;
}

const int64_t *
oc_attr_ints(const struct oc_node *node, const char *name, int *count)
{
    const struct oc_attr *attr = oc_attr_find(node, name);
    *count = 0;
    if (attr == NULL)
        return NULL;
    if (attr->kind == OC_ATTR_INT) {
        *count = 1;
        return &attr->i;
    }
    if (attr->kind != OC_ATTR_INTS)
        return NULL;
    *count = attr->count;
    return attr->ints;
}

static struct oc_attr *
room_for(struct oc_node *node, const char *name)
{
    for (int k = 0; k < node->n_attr; k++)
        if (strcmp(node->attr[k].name, name) == 0)
            return &node->attr[k];
    struct oc_arena *arena = node->graph->arena;
    size_t old = (size_t)node->n_attr;
    struct oc_attr *more = oc_arena_alloc(arena, (old + 1) * sizeof *more);
    if (more == NULL)
        return NULL;
    if (old > 0)
        memcpy(more, node->attr, old * sizeof *more);
    more[old].name = oc_arena_strdup(arena, name);
    node->attr = more;
    node->n_attr++;
    return &more[old];
}

ocellus_status
oc_attr_set_ints(struct oc_node *node, const char *name, const int64_t *values,
                 int count)
{
    struct oc_attr *attr = room_for(node, name);
    if (attr == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for attributes");
    attr->kind = OC_ATTR_INTS;
    attr->count = count;
    attr->ints = oc_arena_copy(node->graph->arena, values,
                               (size_t)count * sizeof *values);
    return OCELLUS_OK;
}

ocellus_status
oc_attr_set_int(struct oc_node *node, const char *name, int64_t value)
{
    struct oc_attr *attr = room_for(node, name);
    if (attr == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for attributes");
    attr->kind = OC_ATTR_INT;
    attr->i = value;
    return OCELLUS_OK;
}

ocellus_status
oc_attr_copy(struct oc_arena *arena, const struct oc_attr *from,
             struct oc_attr *to)
{
    *to = *from;
    to->name = oc_arena_strdup(arena, from->name);
    if (from->text != NULL)
        to->text = oc_arena_strdup(arena, from->text);
    size_t n = (size_t)from->count;
    if (from->ints != NULL)
        to->ints = oc_arena_copy(arena, from->ints, n * sizeof(int64_t));
    if (from->floats != NULL)
        to->floats = oc_arena_copy(arena, from->floats, n * sizeof(float));
    if (to->name == NULL || (from->text && !to->text) ||
        (from->ints && !to->ints) || (from->floats && !to->floats))
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for attributes");
    return OCELLUS_OK;
}

/* ---- the text form ------------------------------------------------------ */

static int
looks_like(const char *value, int *comma, int *point)
{
    int digits = 0;
    *comma = *point = 0;
    for (const char *c = value; *c != '\0'; c++) {
        if (*c >= '0' && *c <= '9')
            digits++;
        else if (*c == ',')
            (*comma)++;
        else if (*c == '.' || ((*c == 'e' || *c == 'E') && digits > 0))
            (*point)++;
        else if (*c != '-' && *c != '+')
            return strcmp(value, "inf") == 0 || strcmp(value, "-inf") == 0
                       ? (*point = 1)
                       : 0;
    }
    return digits > 0;
}

static ocellus_status
parse_list(struct oc_arena *arena, char *value, int count, int point,
           struct oc_attr *attr)
{
    int64_t *ints = oc_arena_alloc(arena, (size_t)count * sizeof *ints);
    float *floats = oc_arena_alloc(arena, (size_t)count * sizeof *floats);
    if (ints == NULL || floats == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for attributes");
    char *rest = value;
    for (int k = 0; k < count; k++) {
        char *end;
        ints[k] = strtoll(rest, &end, 10);
        floats[k] = strtof(rest, &end);
        if (end == rest || (*end != ',' && *end != '\0'))
            return oc_fail(OCELLUS_BAD_ARGUMENT,
                           "attribute %s=%s is no list of numbers", attr->name,
                           value);
        rest = *end == ',' ? end + 1 : end;
    }
    attr->count = count;
    attr->kind = point ? OC_ATTR_FLOATS : OC_ATTR_INTS;
    attr->ints = point ? NULL : ints;
    attr->floats = point ? floats : NULL;
    return OCELLUS_OK;
}

static ocellus_status
parse_one(struct oc_arena *arena, char *pair, struct oc_attr *attr)
{
    char *equal = strchr(pair, '=');
    if (equal == NULL || equal == pair)
        return oc_fail(OCELLUS_BAD_ARGUMENT, "attribute '%s' is not NAME=VALUE",
                       pair);
    *equal = '\0';
    char *value = equal + 1;
    size_t length = strlen(value);
    attr->name = pair;
    int comma, point;
    if (!looks_like(value, &comma, &point)) {
        attr->kind = OC_ATTR_TEXT;
        attr->text = value;
        return OCELLUS_OK;
    }
    if (comma > 0) {
        int trailing = value[length - 1] == ','; /* "axes=1," : a list */
        return parse_list(arena, value, comma + 1 - trailing, point, attr);
    }
    char *end;
    attr->kind = point ? OC_ATTR_FLOAT : OC_ATTR_INT;
    if (point)
        attr->f = strtod(value, &end);
    else
        attr->i = strtoll(value, &end, 10);
    if (*end != '\0')
        return oc_fail(OCELLUS_BAD_ARGUMENT, "attribute %s=%s is no number",
                       pair, value);
    return OCELLUS_OK;
}

ocellus_status
oc_attr_parse(struct oc_arena *arena, const char *text, struct oc_attr **attr,
              int *count)
{
    *attr = NULL;
    *count = 0;
    if (text == NULL || *text == '\0')
        return OCELLUS_OK;
    char *copy = oc_arena_strdup(arena, text);
    size_t most = strlen(text) / 2 + 1;
    struct oc_attr *list = oc_arena_alloc(arena, most * sizeof *list);
    if (copy == NULL || list == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for attributes");
    char *rest;
    for (char *pair = strtok_r(copy, " ", &rest); pair != NULL;
         pair = strtok_r(NULL, " ", &rest))
        OC_TRY(parse_one(arena, pair, &list[(*count)++]));
    *attr = list;
    return OCELLUS_OK;
}
