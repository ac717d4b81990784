/* listing.h - the names in a folder, sorted by bytes, hidden ones left out. */
#ifndef OC_DATA_LISTING_H
#define OC_DATA_LISTING_H

#include "base/status.h"

struct oc_listing {
    char **name;
    int count, room;
};

/* OCELLUS_IO when the folder cannot be read. */
ocellus_status oc_listing_read(const char *folder, struct oc_listing *listing);
void oc_listing_free(struct oc_listing *listing);
/* The name that is there of NAME and NAME.gz (the plain one first); NULL. */
const char *oc_listing_find(const struct oc_listing *listing, const char *name);
int oc_is_folder(const char *path);
/* FOLDER/NAME in malloc'd memory; NULL: no memory. */
char *oc_path_join(const char *folder, const char *name);
/* One name a line, white space at the ends cut off, empty lines skipped. A
 * file that is not there gives no names. */
ocellus_status oc_listing_lines(const char *path, struct oc_listing *lines);

#endif
