/* mutate.h - libFuzzer's mutations for protocol buffers: of fields, not of
 * bytes, which would seldom leave a message behind.
 *
 * A target includes this file after it said what it is fed with:
 *
 *     #define FUZZ_MESSAGE oc_onnx__model__descriptor
 *
 * One input of eight is left to libFuzzer's own mutation of bytes.
 */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most,
                               unsigned seed);

struct fuzz_walk {
    uint64_t state;
    size_t left; /* fields to pass by before one is changed */
    int done;
};

static uint32_t
fuzz_any(struct fuzz_walk *w, uint32_t below)
{
    w->state = w->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((w->state >> 33) % below);
}

/* A number that a rule may have forgotten. */
static int64_t
fuzz_number(struct fuzz_walk *w, int64_t old)
{
    static const int64_t tempting[] = {
        0,         -1,        1,         2,         3,         7,
        8,         9,         16,        64,        127,       128,
        255,       1 << 15,   1 << 20,   INT32_MAX, INT32_MIN, 1ll << 32,
        1ll << 40, INT64_MAX, INT64_MIN, -2,        -3,        1ll << 31,
        1000000,   4096,      1ll << 61, 5,         6,         10};
    switch (fuzz_any(w, 4)) {
    case 0:
        return (int64_t)((uint64_t)old + 1);
    case 1:
        return (int64_t)((uint64_t)old - 1);
    default:
        return tempting[fuzz_any(w, sizeof tempting / sizeof tempting[0])];
    }
}

/* One value at its place. */
static void
fuzz_scalar(struct fuzz_walk *w, const ProtobufCFieldDescriptor *field,
            void *at)
{
    static const float odd[] = {0, -0.0f, 1, -1, 0.5f, 1e30f, -1e30f, 1e-40f};
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        *(int64_t *)at = fuzz_number(w, *(int64_t *)at);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)at = odd[fuzz_any(w, 8)];
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)at = (double)odd[fuzz_any(w, 8)];
        return;
    default: /* int32, uint32, bool, enum */
        *(int32_t *)at = (int32_t)fuzz_number(w, *(int32_t *)at);
    }
}

static size_t
fuzz_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return 8;
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

/* The order, or the number of a list's values: swapped, or the last gone. Only
 * what is owned by the list changes hands, so nothing is lost or freed twice.
 */
static void
fuzz_list(struct fuzz_walk *w, const ProtobufCFieldDescriptor *field,
          char *items, size_t *count)
{
    size_t size = fuzz_size(field->type);
    size_t a = fuzz_any(w, (uint32_t)*count), b = fuzz_any(w, (uint32_t)*count);
    char kept[sizeof(ProtobufCBinaryData)];
    if (field->type <= PROTOBUF_C_TYPE_ENUM && fuzz_any(w, 2) == 0) {
        if (fuzz_any(w, 3) == 0)
            (*count)--;
        else
            fuzz_scalar(w, field, items + a * size);
        return;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING && fuzz_any(w, 2) == 0) {
        char **to = (char **)(void *)(items + a * size);
        char *copy = strdup(*(char **)(void *)(items + b * size));
        free(*to);
        *to = copy;
        return;
    }
    memcpy(kept, items + a * size, size);
    memmove(items + a * size, items + b * size, size);
    memcpy(items + b * size, kept, size);
}

static void fuzz_message(struct fuzz_walk *w, ProtobufCMessage *message);

static void
fuzz_value(struct fuzz_walk *w, const ProtobufCFieldDescriptor *field, void *at)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        if (*(ProtobufCMessage **)at != NULL)
            fuzz_message(w, *(ProtobufCMessage **)at);
        return;
    }
    if (w->done || w->left-- > 0)
        return;
    w->done = 1;
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *bytes = at;
        if (bytes->len > 0)
            bytes->len = LLVMFuzzerMutate(bytes->data, bytes->len, bytes->len);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *text = *(char **)at;
        if (text != NULL && text[0] != '\0')
            LLVMFuzzerMutate((uint8_t *)text, strlen(text), strlen(text));
    } else {
        fuzz_scalar(w, field, at);
    }
}

static void
fuzz_message(struct fuzz_walk *w, ProtobufCMessage *message)
{
    for (unsigned k = 0; k < message->descriptor->n_fields && !w->done; k++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[k];
        char *base = (char *)message, *at = base + field->offset;
        size_t *count = (size_t *)(void *)(base + field->quantifier_offset);
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            if (field->type == PROTOBUF_C_TYPE_STRING ||
                field->type == PROTOBUF_C_TYPE_MESSAGE ||
                *(protobuf_c_boolean *)(void *)count)
                fuzz_value(w, field, at);
            continue;
        }
        char *items = *(char **)(void *)at;
        if (*count > 0 && w->left-- == 0) {
            fuzz_list(w, field, items, count);
            w->done = 1;
        }
        for (size_t i = 0; i < *count && i < 256 && !w->done; i++)
            fuzz_value(w, field, items + i * fuzz_size(field->type));
    }
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    struct fuzz_walk w = {.state = seed};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(&FUZZ_MESSAGE, NULL, size, data);
    if (message == NULL || fuzz_any(&w, 8) == 0) {
        if (message != NULL)
            protobuf_c_message_free_unpacked(message, NULL);
        return LLVMFuzzerMutate(data, size, most);
    }
    for (int times = 1 + (int)fuzz_any(&w, 3); times > 0; times--) {
        w.left = fuzz_any(&w, 200);
        w.done = 0;
        for (int rounds = 0; !w.done && rounds < 200; rounds++)
            fuzz_message(&w, message);
    }
    size_t made = protobuf_c_message_get_packed_size(message);
    if (made > 0 && made <= most)
        size = protobuf_c_message_pack(message, data);
    protobuf_c_message_free_unpacked(message, NULL);
    return size;
}

#endif
