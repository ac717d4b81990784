/* doctor.c - the public function of the doctor. */
#include "device/doctor.h"

ocellus_status
ocellus_device_doctor(ocellus_device *device, int quick,
                      int (*each)(void *user, const ocellus_doctor_row *row),
                      void *user, int *failures)
{
    int count, found = 0;
    const struct oc_doctor_case *cases = oc_doctor_cases(&count);

    if (failures)
        *failures = 0;
    if (!device)
        return oc_fail(OCELLUS_BAD_ARGUMENT,
                       "ocellus_device_doctor was given no device");
    OC_TRY(oc_doctor_check(device, cases, count, quick, each, user, &found));
    if (failures)
        *failures = found;
    return OCELLUS_OK;
}
