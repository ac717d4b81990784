/* npy.c - NumPy's files. */
#include "data/npy.h"
#include "base/type.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oc_npy npy;
    size_t bytes;
    if (oc_npy_read(fuzz_file("x.npy", data, size), &npy) != OCELLUS_OK)
        return 0;
    fuzz_check(oc_shape_bytes(&npy.shape, oc_type_size(npy.type), &bytes) ==
                   OCELLUS_OK,
               "its shape is beyond all memory");
    fuzz_accept();
    fuzz_touch(npy.data, bytes);
    if (oc_npy_write(fuzz_path("y.npy"), npy.type, &npy.shape, npy.data) !=
        OCELLUS_OK)
        abort();
    oc_npy_free(&npy);
    return 0;
}

void
fuzz_seeds(void)
{
    static const ocellus_type type[] = {OCELLUS_FLOAT, OCELLUS_INT64,
                                        OCELLUS_UINT8, OCELLUS_BOOL};
    static const char zeros[64];
    const struct oc_shape shape[] = {OC_SHAPE(2, 3), OC_SHAPE(4)};
    for (size_t k = 0; k < OC_COUNT(type); k++) {
        if (oc_npy_write(fuzz_path("s.npy"), type[k], &shape[k % 2], zeros) !=
            OCELLUS_OK)
            abort();
        fuzz_seed_file(fuzz_path("s.npy"));
    }
}
