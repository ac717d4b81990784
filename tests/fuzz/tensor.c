/* tensor.c - a file of one TensorProto. */
#include "format/onnx_inside.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#ifdef FUZZ_LIBFUZZER
#define FUZZ_MESSAGE oc_onnx__tensor__descriptor
#include "tests/fuzz/mutate.h"
#endif

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ocellus_tensor *t;
    size_t bytes;
    if (oc_onnx_tensor_read(fuzz_file("t.pb", data, size), &t) != OCELLUS_OK)
        return 0;
    fuzz_check(oc_shape_bytes(&t->shape, oc_type_size(t->type), &bytes) ==
                   OCELLUS_OK,
               "its shape is beyond all memory");
    fuzz_accept();
    fuzz_touch(t->data, bytes);
    if (oc_onnx_tensor_write(fuzz_path("u.pb"), "u", t) != OCELLUS_OK)
        abort();
    oc_tensor_destroy(t);
    return 0;
}

void
fuzz_seeds(void)
{
    static const ocellus_type type[] = {OCELLUS_FLOAT, OCELLUS_INT64,
                                        OCELLUS_BOOL, OCELLUS_FLOAT16};
    const struct oc_shape shape = OC_SHAPE(2, 3);
    for (size_t k = 0; k < OC_COUNT(type); k++) {
        struct ocellus_tensor *t;
        if (oc_tensor_create(type[k], &shape, &t) != OCELLUS_OK ||
            oc_onnx_tensor_write(fuzz_path("s.pb"), "t", t) != OCELLUS_OK)
            abort();
        oc_tensor_destroy(t);
        fuzz_seed_file(fuzz_path("s.pb"));
    }
    /* dims 3, type float, float_data 1 2 3 */
    fuzz_seed("\x0a\x01\x03\x10\x01\x22\x0c\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40",
              19);
}
