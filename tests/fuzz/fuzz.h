/* fuzz.h - readers, fed with bytes that nobody wrote on purpose.
 *
 * A target is a file with the two functions below. It is built twice: with
 * libFuzzer, which invents inputs and watches which of them reach new code
 * (`make fuzz`, run.sh), and with drive.c, which feeds the seeds and some
 * thousand spoilt copies of them in `make check`, always the same ones.
 *
 * A reader may refuse whatever it likes. It must return, soon, in little
 * memory, and what it accepts must be sound.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Gives a few small sound files to fuzz_seed(). */
void fuzz_seeds(void);

/* Given by fuzz.c. */
void fuzz_seed(const void *data, size_t size);
extern void (*fuzz_take)(const void *data, size_t size);
/* The reader took the input: said once an input. */
void fuzz_accept(void);
extern unsigned fuzz_accepted;
/* A file that was written under fuzz_path(), as a seed. */
void fuzz_seed_file(const char *path);

/* FOLDER/NAME in a folder of this process, gone at its end; valid until the
 * next call. */
const char *fuzz_path(const char *name);
const char *fuzz_folder(void);
/* The same, holding these bytes. */
const char *fuzz_file(const char *name, const void *data, size_t size);
/* Reads all of it, so that a sanitizer sees what is not there. */
void fuzz_touch(const void *data, size_t bytes);
/* Ends the process: a reader accepted what is not sound. */
void fuzz_check(int holds, const char *what);

#endif
