/* kernel_source.h - the texts of cl/, embedded when the library is built. */
#ifndef OC_OP_KERNEL_SOURCE_H
#define OC_OP_KERNEL_SOURCE_H

struct oc_kernel_source {
    const char *name; /* the file's stem: "max_pool" for cl/max_pool.cl */
    const char *text; /* the file as it is */
};

/* In the order of cl/room.am; the last entry's name is NULL. Made by
 * cl/embed.sh. */
extern const struct oc_kernel_source oc_kernel_sources[];

#endif
