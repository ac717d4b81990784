/* safetensors.c - named tensors. */
#include "format/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oc_safetensors *file;
    if (oc_safetensors_read(fuzz_file("t", data, size), &file) != OCELLUS_OK)
        return 0;
    fuzz_accept();
    for (int k = 0; k < file->count; k++) {
        const struct oc_safetensor *t = &file->tensor[k];
        size_t bytes;
        fuzz_check(oc_shape_bytes(&t->shape, oc_type_size(t->type), &bytes) ==
                           OCELLUS_OK &&
                       bytes == t->bytes,
                   "a shape does not fit");
        fuzz_touch(t->data, bytes);
    }
    if (oc_safetensors_write(fuzz_path("u"), file->tensor, file->count,
                             file->key, file->value,
                             file->n_keys) != OCELLUS_OK)
        abort();
    oc_safetensors_free(file);
    return 0;
}

void
fuzz_seeds(void)
{
    static const float x[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t i[2] = {7, 8};
    const struct oc_safetensor tensor[] = {
        {"a.weight", OCELLUS_FLOAT, OC_SHAPE(2, 3), x, sizeof x},
        {"i", OCELLUS_INT64, OC_SHAPE(2), i, sizeof i}};
    const char *key = "format", *value = "pt";
    if (oc_safetensors_write(fuzz_path("s"), tensor, 2, &key, &value, 1) !=
        OCELLUS_OK)
        abort();
    fuzz_seed_file(fuzz_path("s"));
    if (oc_safetensors_write(fuzz_path("s"), tensor, 1, NULL, NULL, 0) !=
        OCELLUS_OK)
        abort();
    fuzz_seed_file(fuzz_path("s"));
}
