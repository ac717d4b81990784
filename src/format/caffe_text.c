/* caffe_text.c - the text form of protocol buffers, into the same messages that
 * the binary form is unpacked into: field by field, as the generated
 * description of a message says. Fields that it does not know are passed over.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/text.h"
#include "format/caffe_inside.h"

enum { MOST_DEPTH = 32, MOST_WORD = 4096 };

struct reading {
    const char *at;
    int line;
    char word[MOST_WORD];
};

static ocellus_status
bad(const struct reading *r, const char *what)
{
    return oc_fail(OCELLUS_BAD_MODEL, "line %d: %s before '%.20s'", r->line,
                   what, r->at);
}

/* ---- pieces of text --------------------------------------------------------
 */

static void
skip(struct reading *r)
{
    for (;; r->at++) {
        if (*r->at == '#')
            r->at += strcspn(r->at, "\n");
        r->line += *r->at == '\n';
        if (!isspace((unsigned char)*r->at))
            return;
    }
}

/* This character, and what is blank behind it. */
static int
take(struct reading *r, char c)
{
    skip(r);
    if (*r->at != c || c == '\0')
        return 0;
    r->at++;
    skip(r);
    return 1;
}

static int
in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '+' ||
           c == '-';
}

static ocellus_status
read_quoted(struct reading *r, size_t *length)
{
    char quote = *r->at++;
    for (; *r->at != quote; r->at++) {
        if (*r->at == '\\' && r->at[1] != '\0')
            r->at++;
        if (*r->at == '\0' || *r->at == '\n' || *length + 1 == MOST_WORD)
            return bad(r, "a text does not end");
        r->word[(*length)++] = *r->at;
    }
    r->at++;
    return OCELLUS_OK;
}

/* A name, a number, or quoted texts one behind the other; into r->word. */
static ocellus_status
read_word(struct reading *r)
{
    size_t length = 0;
    skip(r);
    if (*r->at != '"' && *r->at != '\'')
        for (; in_word(*r->at) && length + 1 < MOST_WORD; r->at++)
            r->word[length++] = *r->at;
    else
        for (; *r->at == '"' || *r->at == '\''; skip(r))
            OC_TRY(read_quoted(r, &length));
    r->word[length] = '\0';
    return OCELLUS_OK;
}

/* ---- fields
 * ------------------------------------------------------------------ */

static size_t
size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return 4;
    }
}

/* Where the next value of a field goes; NULL: no memory. */
static void *
place(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    char *base = (char *)message;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if (field->type != PROTOBUF_C_TYPE_STRING &&
            field->type != PROTOBUF_C_TYPE_MESSAGE)
            *(protobuf_c_boolean *)(base + field->quantifier_offset) = 1;
        return base + field->offset;
    }
    size_t *count = (size_t *)(void *)(base + field->quantifier_offset);
    void **items = (void **)(void *)(base + field->offset);
    size_t size = size_of(field->type);
    if ((*count & (*count - 1)) == 0) { /* 0 or a power of 2: it is full */
        void *more = realloc(*items, (*count ? 2 * *count : 1) * size);
        if (more == NULL)
            return NULL;
        *items = more;
    }
    return memset((char *)*items + (*count)++ * size, 0, size);
}

static ocellus_status
set_text(struct reading *r, const ProtobufCFieldDescriptor *field, char **to)
{
    if (*to != NULL && *to != (const char *)field->default_value)
        free(*to);
    *to = strdup(r->word);
    return *to ? OCELLUS_OK
               : oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a text");
}

static ocellus_status
set_enum(struct reading *r, const ProtobufCFieldDescriptor *field, void *to)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(field->descriptor,
                                                     r->word);
    char *end;
    long number = strtol(r->word, &end, 10);
    if (value != NULL)
        number = value->value;
    else if (end == r->word || *end != '\0')
        number = -1; /* of a kind that is not known here */
    *(int *)to = (int)number;
    return OCELLUS_OK;
}

static ocellus_status
set_number(struct reading *r, ProtobufCType type, void *to)
{
    char *end;
    double value = strtod(r->word, &end);
    if (type == PROTOBUF_C_TYPE_BOOL && isalpha((unsigned char)r->word[0])) {
        value = strcasecmp(r->word, "true") == 0 || strcmp(r->word, "t") == 0;
        end = strchr(r->word, '\0');
    }
    if (end == r->word || (*end != '\0' && strcmp(end, "f") != 0))
        return bad(r, "no number");
    int whole = fabs(value) < 4e18 && value == floor(value);
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)to = (float)value;
        return OCELLUS_OK;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)to = value;
        return OCELLUS_OK;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)to = value != 0;
        return OCELLUS_OK;
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)to = whole ? (int64_t)value : 0;
        return whole ? OCELLUS_OK : bad(r, "no whole number");
    case PROTOBUF_C_TYPE_INT32:
        whole = whole && value >= INT32_MIN && value <= INT32_MAX;
        *(int32_t *)to = whole ? (int32_t)value : 0;
        return whole ? OCELLUS_OK : bad(r, "no whole number of 32 bits");
    default:
        whole = whole && value >= 0 && value <= UINT32_MAX;
        *(uint32_t *)to = whole ? (uint32_t)value : 0;
        return whole ? OCELLUS_OK : bad(r, "no whole number of 0 or more");
    }
}

static ocellus_status read_fields(struct reading *r, ProtobufCMessage *message,
                                  char end, int depth);

/* { fields }; message NULL: passed over. */
static ocellus_status
read_block(struct reading *r, ProtobufCMessage *message, int depth)
{
    char end = *r->at == '<' ? '>' : '}';
    r->at++;
    if (depth == MOST_DEPTH)
        return bad(r, "too many braces within each other");
    return read_fields(r, message, end, depth + 1);
}

/* A second message of a field that stands once goes on with the first. */
static ocellus_status
read_message(struct reading *r, ProtobufCMessage *message,
             const ProtobufCFieldDescriptor *field, int depth)
{
    const ProtobufCMessageDescriptor *kind = field->descriptor;
    ProtobufCMessage **to = place(message, field);
    if (to != NULL && *to == NULL) {
        *to = malloc(kind->sizeof_message);
        if (*to != NULL)
            protobuf_c_message_init(kind, *to);
        else if (field->label == PROTOBUF_C_LABEL_REPEATED)
            (*(size_t *)(void *)((char *)message + field->quantifier_offset))--;
    }
    if (to == NULL || *to == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a net");
    return read_block(r, *to, depth);
}

static ocellus_status
read_value(struct reading *r, ProtobufCMessage *message,
           const ProtobufCFieldDescriptor *field, int depth)
{
    skip(r);
    int block = *r->at == '{' || *r->at == '<';
    if (field != NULL && (field->type == PROTOBUF_C_TYPE_MESSAGE) != block)
        return bad(r, block ? "a block, where a value is wanted"
                            : "no block, where one is wanted");
    if (block)
        return field ? read_message(r, message, field, depth)
                     : read_block(r, NULL, depth);
    const char *before = r->at;
    OC_TRY(read_word(r));
    if (r->at == before)
        return bad(r, "no value");
    if (field == NULL)
        return OCELLUS_OK;
    void *to = place(message, field);
    if (to == NULL)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a net");
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return set_text(r, field, to);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return set_enum(r, field, to);
    return set_number(r, field->type, to);
}

static ocellus_status
read_field(struct reading *r, ProtobufCMessage *message, int depth)
{
    OC_TRY(read_word(r));
    const ProtobufCFieldDescriptor *field =
        message ? protobuf_c_message_descriptor_get_field_by_name(
                      message->descriptor, r->word)
                : NULL;
    if (r->word[0] == '\0')
        return bad(r, "no name of a field");
    int value = take(r, ':');
    skip(r);
    if (!value && *r->at != '{' && *r->at != '<')
        return bad(r, "neither ':' nor a block");
    if (!take(r, '['))
        return read_value(r, message, field, depth);
    do
        OC_TRY(read_value(r, message, field, depth));
    while (take(r, ','));
    return take(r, ']') ? OCELLUS_OK : bad(r, "a list does not end");
}

static ocellus_status
read_fields(struct reading *r, ProtobufCMessage *message, char end, int depth)
{
    while (!take(r, end)) {
        if (*r->at == '\0' && end != '\0')
            return bad(r, "the text ends within braces");
        if (*r->at == '\0')
            return OCELLUS_OK;
        OC_TRY(read_field(r, message, depth));
        if (!take(r, ','))
            take(r, ';');
    }
    return OCELLUS_OK;
}

/* ---- files
 * ------------------------------------------------------------------- */

ocellus_status
oc_caffe_parse(const char *text, oc_caffe_net **net)
{
    struct reading *r = calloc(1, sizeof *r);
    *net = malloc(sizeof **net);
    if (r == NULL || *net == NULL) {
        free(r);
        free(*net);
        *net = NULL;
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a net");
    }
    oc_caffe__net__init(*net);
    r->at = text;
    r->line = 1;
    ocellus_status status = read_fields(r, &(*net)->base, '\0', 0);
    free(r);
    if (status != OCELLUS_OK) {
        oc_caffe__net__free_unpacked(*net, NULL);
        *net = NULL;
    }
    return status;
}

/* No text has such bytes. */
static int
is_binary(const char *bytes, size_t length)
{
    for (size_t k = 0; k < length && k < 4096; k++)
        if ((unsigned char)bytes[k] < ' ' && !isspace((unsigned char)bytes[k]))
            return 1;
    return 0;
}

ocellus_status
oc_caffe_read(const char *path, oc_caffe_net **net)
{
    ocellus_status status = OCELLUS_OK;
    char *bytes;
    size_t length;
    *net = NULL;
    OC_TRY(oc_file_read(path, 0, &bytes, &length));
    if (is_binary(bytes, length))
        *net = oc_caffe__net__unpack(NULL, length, (const uint8_t *)bytes);
    else
        status = oc_caffe_parse(bytes, net);
    free(bytes);
    if (status != OCELLUS_OK)
        return oc_fail_context(status, "%s: ", path);
    return *net ? OCELLUS_OK
                : oc_fail(OCELLUS_BAD_MODEL,
                          "%s is no Caffe net: its %zu bytes break off or are "
                          "something else",
                          path, length);
}
