/* cifar.c - CIFAR's records; the first byte says which of the two sets. */
#include <string.h>

#include "tests/fuzz/set.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    fuzz_file(data[0] & 1 ? "train.bin" : "data_batch_1.bin", data + 1,
              size - 1);
    fuzz_set(data[0] & 1 ? "cifar100" : "cifar10");
    return 0;
}

void
fuzz_seeds(void)
{
    static uint8_t record[1 + 2 * 3074];
    for (size_t k = 0; k < sizeof record; k++)
        record[k] = (uint8_t)(k % 7);
    record[0] = 0;
    fuzz_seed(record, 1 + 2 * 3073);
    record[0] = 1;
    fuzz_seed(record, 1 + 2 * 3074);
}
