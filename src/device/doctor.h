/* doctor.h - every implementation against the direct one, on one device.
 *
 * A case is an operator with attributes and shapes that hurt. It is planned
 * with the direct implementations alone, and once for each other that does not
 * refuse it; the numbers must agree, and must have the same bits in a second
 * run. What a device's driver gets wrong is thereby found where it matters,
 * and refused from then on (oc_device_judge).
 *
 * Operators that share a table of implementations share kernels: those without
 * cases of their own stand and fall with the others.
 */
#ifndef OC_DEVICE_DOCTOR_H
#define OC_DEVICE_DOCTOR_H

#include "device/device.h"
#include "graph/op.h"

/* The largest difference allowed, relative to the largest number of the direct
 * implementation. The sums of the cases have up to about 2,000 terms; float32
 * in any order stays below 2e-6, Winograd's convolution near 1e-5. What rounds
 * to ten bits on the way (half, TF32) or leaves a term out is at 5e-4 and more.
 */
#define OC_DOCTOR_TOLERANCE 1e-4
/* Where factors are rounded to bfloat16 (OC_IMPL_BFLOAT16): products are off by
 * about 1/430 each and by 1/128 at most, sums stay near 3e-3; a term or a pixel
 * that is not the right one is at 3e-2 and more. */
#define OC_DOCTOR_BFLOAT16_TOLERANCE 1e-2

/* inputs: a word each, by blanks:
 *     2x3x5      float32, drawn between -1 and 1; "." is a scalar
 *     +2x3x5     float32 between 0.5 and 1.5
 *     7%10       int64 between 0 and 9
 *     ?7         bool
 *     [2,3]      int64 known on the host; [] is empty
 *     -          absent
 * then: operators on the first output, by blanks, as a plan may fuse them;
 * those of two inputs read a drawn tensor of the same shape. */
struct oc_doctor_case {
    const char *op, *attributes, *inputs, *then;
    int quick;                  /* in a short check, too */
    int outputs;                /* compared; 0: all but hidden ones */
    const struct oc_op *tested; /* instead of the registry's `op` */
};

const struct oc_doctor_case *oc_doctor_cases(int *count);
/* Is there a case for this operator or one of the same implementations? */
int oc_doctor_knows(const struct oc_op *op);

/* Calls each() for every implementation of every case, which may be NULL and
 * stops the check with a nonzero result (OCELLUS_CANCELLED). Verdicts are kept
 * as they come; a short check takes none back. Sessions made before keep to
 * what they knew. */
ocellus_status
oc_doctor_check(struct ocellus_device *device,
                const struct oc_doctor_case *cases, int count, int quick,
                int (*each)(void *user, const ocellus_doctor_row *row),
                void *user, int *failures);
/* oc_device_judge() of "op:impl", and the same for the operators of the same
 * implementations that have no cases of their own. */
void oc_doctor_judge(struct ocellus_device *device, const struct oc_op *op,
                     const char *impl, const char *wrong);

/* What is allowed to an implementation, or a way of it ("blocked:short"). */
double oc_doctor_tolerance(const struct oc_op *op, const char *by);
/* The largest difference of two tensors of one type and shape relative to the
 * largest number of `right`; infinite where there is a NaN. *worst: which
 * element. */
double oc_doctor_compare(const struct ocellus_tensor *right,
                         const struct ocellus_tensor *got, size_t *worst);

#endif
