/* history.c - a row an epoch, as CSV for people and spreadsheets and as JSON
 * lines for programs.
 *
 * A column is a row of one table: its name and its place in the struct. The
 * CSV is read by the names in its first line, so a file of an older version
 * with fewer columns, or one with columns of a user's own, can be continued.
 * Numbers have the fewest digits that read back as the same bits, with a point
 * whatever the program's locale says.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/text.h"

#define MOST_BYTES ((size_t)1 << 28)

struct column {
    const char *name;
    size_t at;
    int whole; /* an int64_t; otherwise a double */
};

#define COLUMN(name, whole)                                                    \
    {                                                                          \
#name, offsetof(ocellus_history_row, name), whole                      \
    }
static const struct column columns[] = {
    COLUMN(epoch, 1),         COLUMN(step, 1),
    COLUMN(train_loss, 0),    COLUMN(train_accuracy, 0),
    COLUMN(test_loss, 0),     COLUMN(test_accuracy, 0),
    COLUMN(test_top5, 0),     COLUMN(test_f1, 0),
    COLUMN(learning_rate, 0), COLUMN(images_per_second, 0),
    COLUMN(seconds, 0),
};
#define MOST_CELLS 64

struct ocellus_history {
    char *csv; /* paths; NULL: in memory only */
    char *jsonl;
    ocellus_history_row *row;
    int count;
    int room;
};

static double
number_at(const ocellus_history_row *row, const struct column *column)
{
    const char *at = (const char *)row + column->at;

    return column->whole ? (double)*(const int64_t *)(const void *)at
                         : *(const double *)(const void *)at;
}

static void
set_number(ocellus_history_row *row, const struct column *column, double value)
{
    char *at = (char *)row + column->at;

    if (column->whole)
        *(int64_t *)(void *)at = (int64_t)value;
    else
        *(double *)(void *)at = value;
}

static void
append_number(struct oc_text *text, double value, const char *missing)
{
    char digits[40];
    int precision;

    if (!isfinite(value)) {
        oc_text_append(text, missing);
        return;
    }
    for (precision = 6; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (!(strtod(digits, NULL) < value) && !(strtod(digits, NULL) > value))
            break;
    }
    oc_text_append(text, digits);
}

static void
append_whole(struct oc_text *text, const ocellus_history_row *row,
             const struct column *column)
{
    const char *at = (const char *)row + column->at;

    oc_text_printf(text, "%lld", (long long)*(const int64_t *)(const void *)at);
}

static void
append_cell(struct oc_text *text, const ocellus_history_row *row,
            const struct column *column, const char *missing)
{
    if (column->whole)
        append_whole(text, row, column);
    else
        append_number(text, number_at(row, column), missing);
}

static void
make_csv(const ocellus_history *h, struct oc_text *text)
{
    size_t c;
    int i;

    for (c = 0; c < OC_COUNT(columns); c++)
        oc_text_printf(text, c ? ",%s" : "%s", columns[c].name);
    oc_text_append(text, "\n");
    for (i = 0; i < h->count; i++) {
        for (c = 0; c < OC_COUNT(columns); c++) {
            oc_text_append(text, c ? "," : "");
            append_cell(text, &h->row[i], &columns[c], "");
        }
        oc_text_append(text, "\n");
    }
}

static void
make_jsonl(const ocellus_history *h, struct oc_text *text)
{
    size_t c;
    int i;

    for (i = 0; i < h->count; i++) {
        for (c = 0; c < OC_COUNT(columns); c++) {
            oc_text_printf(text, "%s\"%s\": ", c ? ", " : "{", columns[c].name);
            append_cell(text, &h->row[i], &columns[c], "null");
        }
        oc_text_append(text, "}\n");
    }
}

static ocellus_status
write_text(struct oc_text *text, const char *path)
{
    ocellus_status status;

    if (text->failed)
        status = oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory to write %s", path);
    else
        status = oc_file_write_atomic(path, text->data ? text->data : "",
                                      text->length);
    oc_text_free(text);
    return status;
}

/* The CSV goes last: it is the one that is read again. */
static ocellus_status
write_files(const ocellus_history *h)
{
    struct oc_text csv = {0};
    struct oc_text jsonl = {0};
    locale_t point, before;

    if (!h->csv)
        return OCELLUS_OK;
    point = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    before = uselocale(point);
    make_csv(h, &csv);
    make_jsonl(h, &jsonl);
    uselocale(before);
    if (point)
        freelocale(point);
    if (write_text(&jsonl, h->jsonl) != OCELLUS_OK) {
        oc_text_free(&csv);
        return OCELLUS_IO;
    }
    return write_text(&csv, h->csv);
}

static ocellus_status
append_row(ocellus_history *h, const ocellus_history_row *row)
{
    if (h->count > 0 && row->epoch <= h->row[h->count - 1].epoch)
        return oc_fail(
            OCELLUS_BAD_ARGUMENT, "epoch %lld does not come after epoch %lld",
            (long long)row->epoch, (long long)h->row[h->count - 1].epoch);
    if (!oc_grow(&h->row, h->count, &h->room, sizeof(*h->row)))
        return oc_fail(OCELLUS_OUT_OF_MEMORY,
                       "no memory for row %d of the history", h->count + 1);
    h->row[h->count++] = *row;
    return OCELLUS_OK;
}

/* Cuts `line` at commas, in place; the number of cells. */
static int
split(char *line, char *cell[MOST_CELLS])
{
    int count = 0;

    while (count < MOST_CELLS) {
        char *comma = strchr(line, ',');

        cell[count++] = line;
        if (!comma)
            break;
        *comma = '\0';
        line = comma + 1;
    }
    return count;
}

struct reader {
    const char *path;
    int line;                            /* from 1 */
    int cells;                           /* in the first line */
    const struct column *of[MOST_CELLS]; /* NULL: not one of ours */
};

static ocellus_status
read_head(struct reader *reader, char *line)
{
    char *cell[MOST_CELLS];
    int has_epoch = 0;
    size_t c;
    int i;

    reader->cells = split(line, cell);
    for (i = 0; i < reader->cells; i++)
        for (c = 0; c < OC_COUNT(columns); c++)
            if (strcmp(cell[i], columns[c].name) == 0) {
                reader->of[i] = &columns[c];
                has_epoch |= c == 0;
            }
    if (!has_epoch)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: line 1 names no column \"epoch\"; it is not a "
                       "history (move it away to begin a new one)",
                       reader->path);
    return OCELLUS_OK;
}

static ocellus_status
read_row(const struct reader *reader, char *line, ocellus_history_row *row)
{
    char *cell[MOST_CELLS];
    int cells = split(line, cell);
    int i;

    if (cells != reader->cells)
        return oc_fail(OCELLUS_BAD_DATA,
                       "%s: line %d has %d cells where line 1 has %d (move it "
                       "away to begin a new one)",
                       reader->path, reader->line, cells, reader->cells);
    for (i = 0; i < cells; i++) {
        const struct column *column = reader->of[i];
        double value = (double)NAN;
        char *end = cell[i];

        if (!column)
            continue;
        if (*end)
            value = strtod(cell[i], &end);
        if (*end || (column->whole && !(fabs(value) < 9e15)))
            return oc_fail(OCELLUS_BAD_DATA,
                           "%s: line %d: %s is \"%.40s\", not a number",
                           reader->path, reader->line, column->name, cell[i]);
        set_number(row, column, value);
    }
    return OCELLUS_OK;
}

static ocellus_history_row
empty_row(void)
{
    ocellus_history_row row = {0};
    size_t c;

    for (c = 0; c < OC_COUNT(columns); c++)
        if (!columns[c].whole)
            set_number(&row, &columns[c], (double)NAN);
    return row;
}

/* `text` is cut to pieces. Rows after epoch `keep` are passed over. */
static ocellus_status
parse(ocellus_history *h, const char *path, char *text, int64_t keep)
{
    struct reader reader = {.path = path};
    ocellus_status status = OCELLUS_OK;

    while (*text && status == OCELLUS_OK) {
        ocellus_history_row row = empty_row();
        size_t length = strcspn(text, "\n");
        char *next = text + length + (text[length] == '\n');

        text[length] = '\0';
        if (length > 0 && text[length - 1] == '\r')
            text[length - 1] = '\0';
        reader.line++;
        if (reader.line == 1) {
            status = read_head(&reader, text);
        } else if (*text) {
            status = read_row(&reader, text, &row);
            if (status == OCELLUS_OK && row.epoch <= keep)
                status = append_row(h, &row);
            if (status == OCELLUS_BAD_ARGUMENT)
                status = oc_fail(OCELLUS_BAD_DATA,
                                 "%s: line %d: epoch %lld does not come after "
                                 "the epoch in the line above",
                                 path, reader.line, (long long)row.epoch);
        }
        text = next;
    }
    if (reader.line == 0)
        status = read_head(&reader, text);
    return status;
}

static ocellus_status
read_file(ocellus_history *h, const char *path, int64_t keep)
{
    locale_t point, before;
    ocellus_status status;
    char *text;
    size_t bytes;

    OC_TRY(oc_file_read(path, MOST_BYTES, &text, &bytes));
    point = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    before = uselocale(point);
    status = parse(h, path, text, keep);
    uselocale(before);
    if (point)
        freelocale(point);
    free(text);
    return status;
}

static char *
join(const char *folder, const char *name)
{
    size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = malloc(bytes);

    if (path)
        snprintf(path, bytes, "%s/%s", folder, name);
    return path;
}

static ocellus_status
open_files(ocellus_history *h, const char *folder, int64_t keep)
{
    h->csv = join(folder, "history.csv");
    h->jsonl = join(folder, "history.jsonl");
    if (!h->csv || !h->jsonl)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a file name");
    if (keep > 0 && oc_file_exists(h->csv))
        OC_TRY(read_file(h, h->csv, keep));
    return write_files(h);
}

ocellus_status
ocellus_history_create(const char *folder, int64_t keep,
                       ocellus_history **history)
{
    ocellus_history *h = calloc(1, sizeof(*h));
    ocellus_status status = OCELLUS_OK;

    *history = NULL;
    if (!h)
        return oc_fail(OCELLUS_OUT_OF_MEMORY, "no memory for a history");
    if (folder)
        status = open_files(h, folder, keep);
    if (status != OCELLUS_OK) {
        ocellus_history_destroy(h);
        return status;
    }
    *history = h;
    return OCELLUS_OK;
}

ocellus_status
ocellus_history_read(const char *path, ocellus_history **history)
{
    ocellus_status status;

    OC_TRY(ocellus_history_create(NULL, 0, history));
    status = read_file(*history, path, INT64_MAX);
    if (status != OCELLUS_OK) {
        ocellus_history_destroy(*history);
        *history = NULL;
    }
    return status;
}

void
ocellus_history_destroy(ocellus_history *history)
{
    if (!history)
        return;
    free(history->csv);
    free(history->jsonl);
    free(history->row);
    free(history);
}

ocellus_status
ocellus_history_add(ocellus_history *history, const ocellus_history_row *row)
{
    OC_TRY(append_row(history, row));
    return write_files(history);
}

int
ocellus_history_count(const ocellus_history *history)
{
    return history->count;
}

const ocellus_history_row *
ocellus_history_rows(const ocellus_history *history)
{
    return history->row;
}
