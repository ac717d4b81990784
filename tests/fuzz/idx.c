/* idx.c - MNIST's two files, one behind the other: two bytes say how many of
 * the first are the labels. */
#include <string.h>

#include "tests/fuzz/set.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t labels = (size_t)data[0] | (size_t)data[1] << 8;
    labels = labels < size - 2 ? labels : size - 2;
    fuzz_file("train-labels-idx1-ubyte", data + 2, labels);
    fuzz_file("train-images-idx3-ubyte", data + 2 + labels, size - 2 - labels);
    fuzz_set("idx");
    return 0;
}

void
fuzz_seeds(void)
{
    static const uint8_t two[] = {10, 0,                         /* labels */
                                  0,  0, 8, 1, 0, 0, 0, 2, 0, 1, /* two */
                                  0,  0, 8, 3, 0, 0, 0, 2, 0, 0,  0,  2,
                                  0,  0, 0, 3, /* 2 x 2 x 3 */
                                  1,  2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    fuzz_seed(two, sizeof two);
}
