/* set.h - a data set in the fuzz folder, opened and its samples read. */
#ifndef TESTS_FUZZ_SET_H
#define TESTS_FUZZ_SET_H

#include <stdlib.h>

#include <ocellus.h>

#include "tests/fuzz/fuzz.h"

static inline void
fuzz_set(const char *format)
{
    const ocellus_dataset_options options = {.size = sizeof options,
                                             .format = format};
    ocellus_dataset *set;
    ocellus_tensor *x;
    int64_t label;
    if (ocellus_dataset_open(fuzz_folder(), &options, &set) != OCELLUS_OK)
        return;
    fuzz_accept();
    int64_t count = ocellus_dataset_count(set, OCELLUS_TRAIN);
    int classes = ocellus_dataset_classes(set);
    for (int64_t i = 0; i < count; i += 1 + count / 4) {
        if (ocellus_dataset_get(set, OCELLUS_TRAIN, i, &x, &label) !=
            OCELLUS_OK)
            continue;
        fuzz_check(label >= 0 && label < classes, "a label is no class");
        ocellus_tensor_destroy(x);
    }
    ocellus_dataset_destroy(set);
}

#endif
