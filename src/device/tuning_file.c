/* tuning_file.c - the tuner's verdicts of all devices as a file of text.
 *
 *     ocellus-tuning 1 1.0.0
 *     # what won, its nanoseconds, the usual one, its nanoseconds, the class
 *     device 0123456789abcdef0123456789abcdef Some GPU, driver 1.2, Platform
 *     winograd 123456 blocked 150000 Conv 1x64x56x56 64x64x3x3 pads=1,1,1,1
 *     end 1 fedcba9876543210fedcba9876543210
 *
 * The last line counts the verdicts and holds the digest of all before it: a
 * file that was cut, or changed, is not believed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "device/tuning.h"

enum { FORMAT = 1, KEY = 32, MOST_BYTES = 64 << 20 };

static const char remark[] =
    "# what won, its nanoseconds, the usual one, its nanoseconds, the class\n";

/* ---- out ----------------------------------------------------------------- */

struct writing {
    struct oc_text text;
    char now[KEY + 1];
    int count;
};

static int
write_one(void *context, const char *of, const char *name, const char *text)
{
    struct writing *w = context;

    if (strlen(of) != KEY)
        return 0;
    if (strcmp(of, w->now) != 0)
        oc_text_printf(&w->text, "device %s\n", of);
    memcpy(w->now, of, KEY + 1);
    oc_text_printf(&w->text, "%s %s\n", text, name);
    w->count++;
    return w->text.failed;
}

/* "device KEY" becomes "device KEY NAME" where the name is known. */
static int
write_name(void *context, const char *of, const char *name, const char *text)
{
    struct writing *w = context;
    struct oc_text whole = {0};
    char line[KEY + 16];
    char *at;

    (void)name;
    if (strlen(of) != KEY || !w->text.data || strchr(text, '\n'))
        return 0;
    snprintf(line, sizeof line, "device %s\n", of);
    at = strstr(w->text.data, line);
    if (!at)
        return 0;
    at += strlen(line) - 1;
    oc_text_append_bytes(&whole, w->text.data, (size_t)(at - w->text.data));
    oc_text_printf(&whole, " %s%s", text, at);
    oc_text_free(&w->text);
    w->text = whole;
    return whole.failed;
}

static void
digest_of(const char *text, size_t bytes, char digest[33])
{
    struct oc_digest d;

    oc_digest_start(&d);
    oc_digest_add(&d, text, bytes);
    oc_digest_text(&d, digest);
}

ocellus_status
oc_tuning_export(struct oc_cache *cache, const char *path, int *entries)
{
    struct writing w = {0};
    ocellus_status status;
    char digest[33];

    *entries = 0;
    oc_text_printf(&w.text, "ocellus-tuning %d %s\n%s", FORMAT,
                   ocellus_version(), remark);
    oc_cache_verdicts(cache, "tune", NULL, write_one, &w);
    oc_cache_verdicts(cache, "device", NULL, write_name, &w);
    if (!w.text.failed) {
        digest_of(w.text.data, w.text.length, digest);
        oc_text_printf(&w.text, "end %d %s\n", w.count, digest);
    }
    status = w.text.failed
                 ? oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a file")
                 : oc_file_write_atomic(path, w.text.data, w.text.length);
    if (status == OCELLUS_OK)
        *entries = w.count;
    oc_text_free(&w.text);
    return status;
}

/* ---- in ------------------------------------------------------------------ */

struct reading {
    const char *path;
    struct oc_cache *cache; /* NULL: only looked at */
    char device[KEY + 1];
    int line, count;
};

static ocellus_status
bad_line(const struct reading *r)
{
    return oc_fail(OCELLUS_BAD_DATA,
                   "line %d of %s is no verdict of the tuner; nothing was "
                   "taken from it",
                   r->line, r->path);
}

static int
is_key(const char *text)
{
    return strspn(text, "0123456789abcdef") == KEY &&
           (text[KEY] == '\0' || text[KEY] == ' ');
}

static ocellus_status
read_device(struct reading *r, const char *text)
{
    if (!is_key(text))
        return bad_line(r);
    memcpy(r->device, text, KEY);
    if (r->cache && text[KEY] == ' ' && text[KEY + 1])
        oc_cache_set_verdict(r->cache, "device", r->device, "name",
                             text + KEY + 1);
    return OCELLUS_OK;
}

static ocellus_status
read_verdict(struct reading *r, const char *line)
{
    char by[OC_TUNING_NAME], usual[OC_TUNING_NAME];
    struct oc_tuned v;
    struct oc_text text = {0};
    const char *end;

    if (!r->device[0] || !oc_tuning_parse(line, by, usual, &v, &end) ||
        end[0] != ' ' || end[1] == '\0')
        return bad_line(r);
    r->count++;
    if (!r->cache)
        return OCELLUS_OK;
    oc_tuning_print(&v, &text);
    if (!text.failed)
        oc_cache_set_verdict(r->cache, "tune", r->device, end + 1, text.data);
    oc_text_free(&text);
    return OCELLUS_OK;
}

/* All lines but the first and the last; into the cache, where there is one. */
static ocellus_status
read_lines(struct reading *r, const char *text)
{
    struct oc_text line = {0};
    ocellus_status status = OCELLUS_OK;

    for (r->line = 1; *text && status == OCELLUS_OK; r->line++) {
        size_t length = strcspn(text, "\n");

        oc_text_clear(&line);
        oc_text_append_bytes(&line, text, length);
        if (line.failed)
            status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a line");
        else if (r->line == 1 || length == 0 || line.data[0] == '#')
            status = OCELLUS_OK;
        else if (strncmp(line.data, "device ", 7) == 0)
            status = read_device(r, line.data + 7);
        else
            status = read_verdict(r, line.data);
        text += length + (text[length] == '\n');
    }
    oc_text_free(&line);
    return status;
}

static ocellus_status
check_version(const char *path, const char *text)
{
    char version[32] = "";
    int format;

    if (sscanf(text, "ocellus-tuning %d %31s", &format, version) < 1 ||
        !strchr(text, '\n'))
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is no file of `ocellus tune --export`", path);
    if (format != FORMAT)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s has version %d of the format; this Ocellus reads "
                       "version %d: tune and export again",
                       path, format, FORMAT);
    if (strcmp(version, ocellus_version()) != 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is from Ocellus %s, whose kernels are others than "
                       "those of %s: tune and export again",
                       path, version, ocellus_version());
    return OCELLUS_OK;
}

/* Cuts the last line off; *count is what it says. */
static ocellus_status
check_end(const char *path, char *text, size_t bytes, int *count)
{
    char kept[33] = "", digest[33];
    char *end = text;

    for (char *at = text; (at = strstr(at, "\nend ")) != NULL; at++)
        end = at + 1;
    digest_of(text, (size_t)(end - text), digest);
    if (strlen(text) != bytes || end == text ||
        sscanf(end, "end %d %32s", count, kept) != 2 ||
        strcmp(kept, digest) != 0)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s is torn, or was changed: what its last line says "
                       "of the others is not so. Nothing was taken from it",
                       path);
    *end = '\0';
    return OCELLUS_OK;
}

static ocellus_status
read_text(struct reading *r, char *text, size_t bytes, struct oc_cache *cache)
{
    int count;

    OC_TRY(check_version(r->path, text));
    OC_TRY(check_end(r->path, text, bytes, &count));
    OC_TRY(read_lines(r, text));
    if (r->count != count)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s has %d verdicts, and says that it has %d", r->path,
                       r->count, count);
    if (!oc_cache_takes(cache))
        return oc_fail(OCELLUS_IO, "verdicts cannot be kept: the cache cannot "
                                   "be written");
    r->cache = cache;
    r->count = 0;
    return read_lines(r, text);
}

ocellus_status
oc_tuning_import(struct oc_cache *cache, const char *path, int *entries)
{
    struct reading r = {.path = path};
    ocellus_status status;
    char *text;
    size_t bytes;

    *entries = 0;
    OC_TRY(oc_file_read(path, MOST_BYTES, &text, &bytes));
    status = read_text(&r, text, bytes, cache);
    if (status == OCELLUS_OK)
        *entries = r.count;
    free(text);
    return status;
}
