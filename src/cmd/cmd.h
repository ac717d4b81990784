/* cmd.h - what the files of the command share.
 *
 * A subcommand is a row: its words, its table of options, and a function. The
 * function returns an ocellus_status; main() turns a failure into one sentence
 * on stderr and an exit code. Data goes to stdout, all else to stderr.
 */
#ifndef OC_CMD_CMD_H
#define OC_CMD_CMD_H

#include <jansson.h>
#include <ocellus.h>

#if defined(__GNUC__)
#define CMD_PRINTF(which, first) __attribute__((format(printf, which, first)))
#else
#define CMD_PRINTF(which, first)
#endif

#define CMD_TRY(call)                                                          \
    do {                                                                       \
        ocellus_status cmd_status_ = (call);                                   \
        if (cmd_status_ != OCELLUS_OK)                                         \
            return cmd_status_;                                                \
    } while (0)

/* ---- options (option.c) ------------------------------------------------ */

enum cmd_kind {
    CMD_FLAG,  /* int: becomes 1 */
    CMD_TEXT,  /* const char *: lent by the command line */
    CMD_WHOLE, /* int64_t */
    CMD_REAL,  /* double */
    CMD_MANY   /* struct cmd_many: may be said several times */
};

#define CMD_MOST_MANY 64
struct cmd_many {
    const char *value[CMD_MOST_MANY]; /* lent by the command line */
    int count;
};

struct cmd_option {
    const char *name; /* without the dashes; NULL ends a table */
    enum cmd_kind kind;
    void *to;
    const char *value; /* what the help calls it: "N" */
    const char *what;
    double least, most; /* of a number */
};

struct cmd {
    const char *name;
    const char *arguments; /* of the usage line: "MODEL IMAGE..." */
    const char *brief;     /* a line of the overview */
    const char *what;
    int least, most; /* words besides options; most -1: any number */
    const struct cmd_option *options;
    const char *more; /* examples and remarks, or NULL */
    ocellus_status (*run)(int count, char **words);
};

/* Options into their variables; the other words to the front of argv, *count
 * of them. *help becomes 1 where --help is among them. */
ocellus_status cmd_parse(const struct cmd *cmd, int argc, char **argv,
                         int *count, int *help);
void cmd_help(const struct cmd *cmd);
/* The options as a JSON object, and back, but for those that the command line
 * has. Texts that come from JSON are lent by it. */
json_t *cmd_options_pack(const struct cmd_option *options);
ocellus_status cmd_options_unpack(const struct cmd_option *options,
                                  const json_t *from);

/* Options that most subcommands have. */
extern const char *cmd_device;
extern int cmd_json, cmd_quiet;
#define CMD_DEVICE                                                             \
    {                                                                          \
        "device", CMD_TEXT, &cmd_device, "D",                                  \
            "a number of `ocellus devices`, a part of a name, gpu or cpu", 0,  \
            0                                                                  \
    }
#define CMD_JSON                                                               \
    {                                                                          \
        "json", CMD_FLAG, &cmd_json, NULL, "print the result as JSON", 0, 0    \
    }
#define CMD_QUIET                                                              \
    {                                                                          \
        "quiet", CMD_FLAG, &cmd_quiet, NULL, "no messages but failures", 0, 0  \
    }
#define CMD_END                                                                \
    {                                                                          \
        NULL, CMD_FLAG, NULL, NULL, NULL, 0, 0                                 \
    }

/* ---- words to the user (message.c) ------------------------------------- */

/* A failure's sentence; returns the status. */
ocellus_status cmd_fail(ocellus_status status, const char *format, ...)
    CMD_PRINTF(2, 3);
/* A line on stderr, unless --quiet. */
void cmd_say(const char *format, ...) CMD_PRINTF(1, 2);
/* The line at the foot of a terminal, written anew; nothing elsewhere. */
void cmd_progress(const char *format, ...) CMD_PRINTF(1, 2);
void cmd_progress_clear(void);
/* Columns of a UTF-8 text; a byte that begins no character has none. */
int cmd_width(const char *text);
/* The words of `text` on stdout, in lines of `width` columns that begin at
 * column `from`, where the first one stands already. */
void cmd_print_words(const char *text, int from, int width);
/* The same as wide as the terminal; elsewhere in one line. */
void cmd_print_rest(const char *text, int from);
/* Is stderr a terminal that is told of progress? */
int cmd_live(void);
/* "1:02:03" or "2:03" into a buffer of 24; returns it. */
char *cmd_clock(double seconds, char *text);
/* Escape sequences for stdout, "" where it is no terminal or NO_COLOR is set:
 * "green", "red", "bold", "" (plain again). */
const char *cmd_colour(const char *name);
/* One line of JSON on stdout; takes `value` over. */
ocellus_status cmd_print_json(json_t *value);
/* null for what is not finite. */
json_t *cmd_real(double value);
/* Seconds of a clock that never goes back. */
double cmd_now(void);
/* Seconds since this process was started, as the system keeps it. */
double cmd_since_start(void);
void cmd_listen(void);            /* first of all: clock, log to stderr */
void cmd_catch(void);             /* Ctrl-C is noted from now on */
int cmd_interrupted(void);        /* was there one? */
ocellus_status cmd_stopped(void); /* fails with OCELLUS_CANCELLED */

/* The device of --device, with a line that says which and why. */
ocellus_status cmd_open_device(ocellus_device **device);

/* ---- the subcommands --------------------------------------------------- */

#define CMD_EACH(X)                                                            \
    X(train)                                                                   \
    X(eval)                                                                    \
    X(predict)                                                                 \
    X(generate)                                                                \
    X(bench)                                                                   \
    X(demo)                                                                    \
    X(run)                                                                     \
    X(inspect)                                                                 \
    X(show)                                                                    \
    X(convert)                                                                 \
    X(devices)                                                                 \
    X(ops)                                                                     \
    X(cache)                                                                   \
    X(tune)                                                                    \
    X(doctor)                                                                  \
    X(onnx_test)
#define CMD_DECLARE(name) extern const struct cmd cmd_##name;
CMD_EACH(CMD_DECLARE)
#undef CMD_DECLARE

#endif
