/* doctor_compare.c - how far two implementations' numbers are apart, and how
 * far they may be. */
#include <math.h>

#include "device/doctor.h"
#include "plan/tuned.h"

double
oc_doctor_compare(const struct ocellus_tensor *right,
                  const struct ocellus_tensor *got, size_t *worst)
{
    size_t count = (size_t)oc_shape_count(&right->shape);
    double largest = 0.0, most = 0.0;

    *worst = 0;
    for (size_t i = 0; i < count; i++) {
        double a = oc_element_get(right->type, right->data, i);
        double b = oc_element_get(got->type, got->data, i);
        double apart = a == b ? 0.0 : fabs(a - b);

        if (isnan(a) || isnan(b))
            apart = (double)INFINITY;
        if (isfinite(a) && fabs(a) > largest)
            largest = fabs(a);
        if (apart > most) {
            most = apart;
            *worst = i;
        }
    }
    return largest > 0.0 ? most / largest : most;
}

double
oc_doctor_tolerance(const struct oc_op *op, const char *by)
{
    const char *way;
    const struct oc_impl *impl = oc_impl_find(op, by, &way);

    return impl && impl->flags & OC_IMPL_BFLOAT16 ? OC_DOCTOR_BFLOAT16_TOLERANCE
                                                  : OC_DOCTOR_TOLERANCE;
}
