/* main.c - the command: finds the subcommand, and turns its failure into a
 * sentence and an exit code. */
#include "cmd/cmd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const struct cmd *const commands[] = {
#define CMD_ROW(name) &cmd_##name,
    CMD_EACH(CMD_ROW)
#undef CMD_ROW
};
#define COUNT (sizeof commands / sizeof commands[0])

/* The man page lists them. */
static int
exit_code(ocellus_status status)
{
    static const int code[] = {
        [OCELLUS_OK] = 0,
        [OCELLUS_BAD_ARGUMENT] = 2,
        [OCELLUS_UNSUPPORTED] = 2,
        [OCELLUS_NO_DEVICE] = 3,
        [OCELLUS_OUT_OF_MEMORY] = 4,
        [OCELLUS_OUT_OF_DEVICE_MEMORY] = 4,
        [OCELLUS_BAD_DATA] = 5,
        [OCELLUS_BAD_MODEL] = 6,
        [OCELLUS_CANCELLED] = 7,
        [OCELLUS_SELF_TEST_FAILED] = 8,
        [OCELLUS_BUILD_FAILED] = 9,
        [OCELLUS_DEVICE_FAILED] = 9,
        [OCELLUS_IO] = 10,
        [OCELLUS_INTERNAL] = 1,
    };
    return (size_t)status < sizeof code / sizeof code[0] ? code[status] : 1;
}

static void
overview(FILE *to)
{
    fputs("usage: ocellus COMMAND [options]\n\n"
          "Trains and runs neural networks on OpenCL devices.\n\ncommands:\n",
          to);
    for (size_t k = 0; k < COUNT; k++)
        fprintf(to, "  %-9s %s\n", commands[k]->name, commands[k]->brief);
    fputs("\n`ocellus COMMAND --help` says more; --version prints the "
          "version.\n\nexamples:\n"
          "  ocellus demo                      "
          "draws digits and learns to read them\n"
          "  ocellus devices                   "
          "which devices there are, and the default\n"
          "  ocellus train lenet5 --data mnist --epochs 5 --out run\n"
          "  ocellus train --resume --out run  "
          "goes on with what was interrupted\n"
          "  ocellus eval run/model.onnx --data mnist --json\n"
          "  ocellus predict run/model.onnx seven.png\n"
          "  ocellus bench resnet18 --batch 8 --device gpu,cpu\n",
          to);
}

static ocellus_status
dispatch(int argc, char **argv)
{
    int count, help;
    for (size_t k = 0; k < COUNT; k++) {
        const struct cmd *cmd = commands[k];
        if (strcmp(cmd->name, argv[1]) != 0)
            continue;
        CMD_TRY(cmd_parse(cmd, argc - 2, argv + 2, &count, &help));
        if (!help)
            return cmd->run(count, argv + 2);
        cmd_help(cmd);
        return OCELLUS_OK;
    }
    return cmd_fail(OCELLUS_BAD_ARGUMENT,
                    "there is no command '%s'; see ocellus --help", argv[1]);
}

/* A full disk shows when the last of the output is written. */
static ocellus_status
finish_output(ocellus_status status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (status != OCELLUS_OK)
        return status;
    return cmd_fail(OCELLUS_IO, "the output could not be written whole");
}

/* Where a stream was closed, the first file opened would take its number, and
 * what is printed would go into that file. Here writing to it fails instead. */
static void
hold_streams(void)
{
    for (int k = 0; k <= 2; k++)
        if (fcntl(k, F_GETFD) < 0 &&
            open("/dev/null", k == 0 ? O_WRONLY : O_RDONLY) < 0)
            return;
}

int
main(int argc, char **argv)
{
    ocellus_status status = OCELLUS_OK;
    const char *word = argc > 1 ? argv[1] : "";
    hold_streams();
    cmd_listen();
    if (argc < 2) {
        overview(stderr);
        return exit_code(OCELLUS_BAD_ARGUMENT);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0)
        overview(stdout);
    else if (strcmp(word, "--version") == 0)
        printf("ocellus %s\n", ocellus_version());
    else
        status = dispatch(argc, argv);
    status = finish_output(status);
    cmd_progress_clear();
    if (status != OCELLUS_OK)
        fprintf(stderr, "ocellus: %s\n",
                *ocellus_error() ? ocellus_error()
                                 : ocellus_status_name(status));
    return exit_code(status);
}
