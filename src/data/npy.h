/* npy.h - one array of a .npy file. */
#ifndef OC_DATA_NPY_H
#define OC_DATA_NPY_H

#include "base/shape.h"

struct oc_npy {
    ocellus_type type;
    struct oc_shape shape;
    void *data; /* malloc'd, row-major, the host's byte order */
};

/* OCELLUS_IO, OCELLUS_BAD_DATA. */
ocellus_status oc_npy_read(const char *path, struct oc_npy *npy);
void oc_npy_free(struct oc_npy *npy);
/* OCELLUS_UNSUPPORTED where NumPy has no such type. */
ocellus_status oc_npy_write(const char *path, ocellus_type type,
                            const struct oc_shape *shape, const void *data);

#endif
