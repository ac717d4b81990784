/* draw_none.c - the pictures of a library that was built without cairo. */
#include "base/status.h"

int
ocellus_can_draw(void)
{
    return 0;
}

static ocellus_status
refuse(const char *path)
{
    return oc_fail(OCELLUS_UNSUPPORTED,
                   "%s: this library was built without cairo and cannot draw; "
                   "install cairo (on Debian: libcairo2-dev), configure and "
                   "build again",
                   path);
}

ocellus_status
ocellus_draw_curves(const char *path, const char *title,
                    const ocellus_history_row *rows, int count)
{
    (void)title, (void)rows, (void)count;
    return refuse(path);
}

ocellus_status
ocellus_draw_confusion(const char *path, const char *title,
                       const int64_t *confusion, int classes,
                       const char *const *names)
{
    (void)title, (void)confusion, (void)classes, (void)names;
    return refuse(path);
}

ocellus_status
ocellus_draw_class_scores(const char *path, const char *title,
                          const ocellus_class_score *scores, int classes,
                          const char *const *names)
{
    (void)title, (void)scores, (void)classes, (void)names;
    return refuse(path);
}

ocellus_status
ocellus_draw_sheet(const char *path, const char *title,
                   const ocellus_sheet *sheet)
{
    (void)title, (void)sheet;
    return refuse(path);
}
