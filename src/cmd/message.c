/* message.c - lines, progress, JSON and clocks. */
#include "cmd/model.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

const char *cmd_device;
int cmd_json, cmd_quiet;

static double main_began, before_main; /* seconds */
static int shown; /* columns of the progress line that stands there */

ocellus_status
cmd_fail(ocellus_status status, const char *format, ...)
{
    char sentence[512];
    va_list list;
    va_start(list, format);
    vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    return ocellus_fail(status, sentence);
}

int
cmd_live(void)
{
    const char *term = getenv("TERM");
    return !cmd_quiet && isatty(STDERR_FILENO) &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

void
cmd_progress_clear(void)
{
    if (shown > 0)
        fprintf(stderr, "\r%*s\r", shown, "");
    shown = 0;
}

static int
columns(int file)
{
    struct winsize size;
    if (ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        return size.ws_col;
    return 80;
}

void
cmd_progress(const char *format, ...)
{
    char line[256];
    va_list list;
    int room = columns(STDERR_FILENO) - 1;
    if (!cmd_live())
        return;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if ((size_t)room < sizeof line)
        line[room] = '\0';
    int length = (int)strlen(line);
    fprintf(stderr, "\r%s%*s", line, shown > length ? shown - length : 0, "");
    fflush(stderr);
    shown = length;
}

void
cmd_say(const char *format, ...)
{
    va_list list;
    if (cmd_quiet)
        return;
    cmd_progress_clear();
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

int
cmd_width(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void
cmd_print_words(const char *text, int from, int width)
{
    int at = from;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (at > from && at + 1 + length > width) {
            printf("\n%*s", from, "");
            at = from;
        }
        at += printf("%s%.*s", at > from ? " " : "", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void
cmd_print_rest(const char *text, int from)
{
    cmd_print_words(text, from,
                    isatty(STDOUT_FILENO) ? columns(STDOUT_FILENO) - 1
                                          : INT_MAX);
}

char *
cmd_clock(double seconds, char *text)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9) {
        strcpy(text, "?");
        return text;
    }
    long s = lround(seconds);
    if (s >= 3600)
        snprintf(text, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, 24, "%ld:%02ld", s / 60, s % 60);
    return text;
}

const char *
cmd_colour(const char *name)
{
    static const char *const known[][2] = {{"", "\033[0m"},
                                           {"bold", "\033[1m"},
                                           {"red", "\033[31m"},
                                           {"green", "\033[32m"}};
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (!isatty(STDOUT_FILENO) || (no != NULL && *no != '\0') ||
        (term != NULL && strcmp(term, "dumb") == 0))
        return "";
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (strcmp(known[k][0], name) == 0)
            return known[k][1];
    return "";
}

json_t *
cmd_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

ocellus_status
cmd_print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_REAL_PRECISION(9));
    json_decref(value);
    if (text == NULL)
        return cmd_fail(OCELLUS_OUT_OF_MEMORY, "no memory for the result");
    cmd_progress_clear();
    puts(text);
    free(text);
    return OCELLUS_OK;
}

double
cmd_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Field 22 of /proc/self/stat counts ticks since the system started; the
 * second field, a name in brackets, may hold anything. */
static double
since_start(void)
{
    char text[1024];
    struct timespec up;
    FILE *file = fopen("/proc/self/stat", "r");
    size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[got] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL || clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return NAN;
    return (double)up.tv_sec + 1e-9 * (double)up.tv_nsec -
           strtod(at, NULL) / (double)sysconf(_SC_CLK_TCK);
}

double
cmd_since_start(void)
{
    return cmd_now() - main_began + before_main;
}

/* A process whose program was changed by exec, as shells do for their last
 * command, began long before: that time is not ours. */
static void
note_start(void)
{
    main_began = cmd_now();
    before_main = since_start();
    if (!(before_main >= 0 && before_main < 1))
        before_main = 0;
}

static void
log_line(void *user, ocellus_log_level level, const char *line)
{
    (void)user;
    if (cmd_quiet && level != OCELLUS_LOG_ERROR)
        return;
    cmd_progress_clear();
    fprintf(stderr, "ocellus: %s\n", line);
}

void
cmd_listen(void)
{
    const char *wanted = getenv("OCELLUS_LOG");
    note_start();
    ocellus_log_level most = OCELLUS_LOG_WARNING;
    if (wanted != NULL && strcmp(wanted, "info") == 0)
        most = OCELLUS_LOG_INFO;
    else if (wanted != NULL && strcmp(wanted, "debug") == 0)
        most = OCELLUS_LOG_DEBUG;
    ocellus_set_log(log_line, NULL, most);
}

/* ---- Ctrl-C ------------------------------------------------------------- */

static volatile sig_atomic_t interrupts;

static void
note_signal(int number)
{
    (void)number;
    if (interrupts++ > 0)
        _exit(7);
}

void
cmd_catch(void)
{
    struct sigaction action = {.sa_handler = note_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int
cmd_interrupted(void)
{
    return interrupts > 0;
}

ocellus_status
cmd_stopped(void)
{
    return cmd_fail(OCELLUS_CANCELLED, "interrupted");
}

/* ---- the device ---------------------------------------------------------- */

static int
tell(void *user, const char *what, int done, int total)
{
    (void)user;
    cmd_progress("%s %d/%d", what, done, total);
    if (done == total)
        cmd_progress_clear();
    return cmd_interrupted();
}

ocellus_status
cmd_open_device(ocellus_device **device)
{
    CMD_TRY(ocellus_device_open(cmd_device, device));
    const ocellus_device_info *info = ocellus_device_get_info(*device);
    ocellus_device_set_progress(*device, tell, NULL);
    cmd_say("device %d: %s (%s)", info->index, info->name, info->platform);
    if (cmd_precision && strcmp(cmd_precision, "bf16") == 0 &&
        strcmp(info->kind, "cpu") == 0 && info->bfloat16 != 1)
        cmd_say("it does not multiply bfloat16: --precision bf16 changes "
                "nothing");
    return OCELLUS_OK;
}
