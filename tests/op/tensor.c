/* tensor.c - the probes of tensor cores and of products of pairs of halves:
 * in loops on every device, and by the instructions where they were found. */
#include <stdio.h>

#include "device/device.h"
#include "device/tensor.h"

static int
check(int good, const char *name, const char *what)
{
    printf("%s - %s: %s\n", good ? "ok" : "not ok", name, what);
    return good;
}

int
main(void)
{
    ocellus_device_info *list;
    int count, failed = 0;

    if (ocellus_device_list(0, &list, &count) != OCELLUS_OK) {
        printf("ok - # SKIP %s\n", ocellus_error());
        return 77;
    }
    for (int d = 0; d < count; d++) {
        ocellus_device *device;
        char choice[16];

        snprintf(choice, sizeof choice, "%d", list[d].index);
        if (ocellus_device_open(choice, &device) != OCELLUS_OK) {
            failed |= !check(0, list[d].name, ocellus_error());
            continue;
        }
        failed |= !check(oc_tensor_multiplies(device, 0), list[d].name,
                         "the probe's product in loops");
        if (oc_device_caps(device)->tensor == OC_TENSOR_INSTRUCTIONS)
            failed |= !check(oc_tensor_multiplies(device, 1), list[d].name,
                             "the probe's product by instructions");
        else
            printf("ok - %s: by instructions # SKIP it has no tensor cores "
                   "that OpenCL reaches\n",
                   list[d].name);
        failed |= !check(oc_pairs_multiply(device, 0), list[d].name,
                         "products of pairs in loops");
        if (oc_device_caps(device)->pairs == OC_PAIRS_INSTRUCTIONS)
            failed |= !check(oc_pairs_multiply(device, 1), list[d].name,
                             "products of pairs by an instruction");
        else
            printf("ok - %s: pairs by an instruction # SKIP it has none that "
                   "OpenCL reaches\n",
                   list[d].name);
        ocellus_device_close(device);
    }
    ocellus_device_list_free(list);
    return failed;
}
