/* safetensors.h - named tensors in a file: 8 bytes of length, a JSON header,
 * the numbers (huggingface/safetensors, its README is the specification).
 * Weights come and go in it, and checkpoints are such files too. */
#ifndef OC_FORMAT_SAFETENSORS_H
#define OC_FORMAT_SAFETENSORS_H

#include "base/shape.h"
#include "base/type.h"

struct oc_safetensor {
    const char *name;
    ocellus_type type;
    struct oc_shape shape;
    const void *data;
    size_t bytes;
};

struct oc_safetensors {
    struct oc_safetensor *tensor;
    int count;
    const char **key; /* of __metadata__ */
    const char **value;
    int n_keys;
    void *memory; /* the reader's own */
};

/* Written beside, synced, renamed. Keys and values are the metadata. */
ocellus_status oc_safetensors_write(const char *path,
                                    const struct oc_safetensor *tensor,
                                    int count, const char *const *key,
                                    const char *const *value, int n_keys);
/* Checked whole: header length, JSON, types, that offsets follow each other,
 * fit their shapes and end where the file ends. OCELLUS_BAD_DATA or
 * OCELLUS_IO with a sentence. */
ocellus_status oc_safetensors_read(const char *path,
                                   struct oc_safetensors **file);
void oc_safetensors_free(struct oc_safetensors *file);
/* NULL when there is none. */
const struct oc_safetensor *
oc_safetensors_find(const struct oc_safetensors *file, const char *name);
const char *oc_safetensors_value(const struct oc_safetensors *file,
                                 const char *key);

#endif
