/* amx_emulator.c - a handler of SIGILL that decodes and carries out the few
 * instructions of AMX that the kernels use.
 *
 * By Intel's Software Developer's Manual, volume 2: all have a VEX prefix of
 * three bytes (C4, then R X B and the map, then W vvvv L pp), an opcode and a
 * ModRM byte. Tiles belong to a thread.
 */
#define _GNU_SOURCE
#include "tests/op/amx_emulator.h"

#if defined(__x86_64__) && defined(__linux__)
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

enum { TILES = 8, ROWS = 16, BYTES = 64 };

struct tile {
    int rows, bytes; /* of a row; 0: not configured */
    uint8_t row[ROWS][BYTES];
};

static _Thread_local struct tile tiles[TILES];
static atomic_ulong carried_out;

/* ---- decoding ------------------------------------------------------------ */

struct instruction {
    int opcode, prefix; /* 0: none, 1: 66, 2: F3, 3: F2 */
    int reg, rm, vvvv;  /* tiles, where they are such */
    int memory;         /* it has an address: */
    uintptr_t base;     /* with the displacement */
    uintptr_t index;    /* scaled */
    int length;
};

static uintptr_t
general(const ucontext_t *context, int k)
{
    static const int at[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

    return (uintptr_t)context->uc_mcontext.gregs[at[k]];
}

/* The memory operand behind a ModRM byte; relative to RIP it is never used. */
static int
decode_address(const ucontext_t *context, const uint8_t *at, int x, int b,
               struct instruction *i)
{
    const int mod = at[0] >> 6;
    int length = 1, base = at[0] & 7, has_base = 1;
    int32_t wide = 0;

    if (base == 4) {
        const int sib = at[length++], index = ((sib >> 3) & 7) | x << 3;

        base = sib & 7;
        if (index != 4)
            i->index = general(context, index) << (sib >> 6);
        has_base = base != 5 || mod != 0;
    } else if (base == 5 && mod == 0) {
        return 0;
    }
    if (mod == 1) {
        wide = (int8_t)at[length++];
    } else if (mod == 2 || !has_base) {
        memcpy(&wide, at + length, sizeof wide);
        length += 4;
    }
    i->base = (has_base ? general(context, base | b << 3) : 0) +
              (uintptr_t)(intptr_t)wide;
    return length;
}

static int
decode(const ucontext_t *context, const uint8_t *at, struct instruction *i)
{
    const int modrm = at[4];
    const int r = !(at[1] & 0x80), x = !(at[1] & 0x40), b = !(at[1] & 0x20);
    int more;

    *i = (struct instruction){.opcode = at[3],
                              .prefix = at[2] & 3,
                              .vvvv = ~(at[2] >> 3) & 15,
                              .reg = ((modrm >> 3) & 7) | r << 3,
                              .rm = (modrm & 7) | b << 3,
                              .memory = modrm >> 6 != 3};
    if (at[0] != 0xc4 || (at[1] & 31) != 2 || (at[2] & 0x84) != 0)
        return 0;
    more = i->memory ? decode_address(context, at + 4, x, b, i) : 1;
    i->length = 4 + more;
    return more > 0 && i->reg < TILES && (i->memory || i->rm < TILES);
}

/* ---- carrying out -------------------------------------------------------- */

/* Palette 1: bytes of a row from byte 16 on, two each; rows from byte 48. */
static int
configure(const uint8_t *config)
{
    if (config[0] != 1 || config[1] != 0)
        return 0;
    for (int t = 0; t < TILES; t++) {
        const int bytes = config[16 + 2 * t] | config[17 + 2 * t] << 8;

        if (bytes > BYTES || config[48 + t] > ROWS)
            return 0;
        memset(&tiles[t], 0, sizeof tiles[t]);
        tiles[t].bytes = bytes;
        tiles[t].rows = config[48 + t];
    }
    return 1;
}

static int
load(struct tile *t, const struct instruction *i)
{
    memset(t->row, 0, sizeof t->row);
    for (int r = 0; r < t->rows; r++)
        memcpy(t->row[r], (const void *)(i->base + (uintptr_t)r * i->index),
               (size_t)t->bytes);
    return t->rows > 0;
}

static int
store(const struct tile *t, const struct instruction *i)
{
    for (int r = 0; r < t->rows; r++)
        memcpy((void *)(i->base + (uintptr_t)r * i->index), t->row[r],
               (size_t)t->bytes);
    return t->rows > 0;
}

static float
no_denormal(float v)
{
    return fabsf(v) < FLT_MIN ? copysignf(0.0f, v) : v;
}

static float
bfloat16(const uint8_t *pair, int odd)
{
    const uint32_t bits =
        (uint32_t)pair[2 * odd] << 16 | (uint32_t)pair[2 * odd + 1] << 24;
    float v;

    memcpy(&v, &bits, sizeof v);
    return no_denormal(v);
}

/* Even and odd numbers of the pairs are summed up apart. */
static int
dot(struct tile *c, const struct tile *a, const struct tile *b)
{
    const int pairs = a->bytes / 4, columns = c->bytes / 4;

    if (c->rows == 0 || a->rows < c->rows || b->rows < pairs ||
        b->bytes != c->bytes)
        return 0;
    for (int m = 0; m < c->rows; m++)
        for (int n = 0; n < columns; n++) {
            float sum[2] = {0.0f, 0.0f}, all;

            for (int p = 0; p < pairs; p++)
                for (int odd = 0; odd < 2; odd++)
                    sum[odd] = no_denormal(
                        fmaf(bfloat16(a->row[m] + (size_t)4 * (size_t)p, odd),
                             bfloat16(b->row[p] + (size_t)4 * (size_t)n, odd),
                             sum[odd]));
            memcpy(&all, c->row[m] + (size_t)4 * (size_t)n, sizeof all);
            all = no_denormal(no_denormal(all) + no_denormal(sum[0] + sum[1]));
            memcpy(c->row[m] + (size_t)4 * (size_t)n, &all, sizeof all);
        }
    return 1;
}

static int
carry_out(const struct instruction *i)
{
    if (i->opcode == 0x49 && i->prefix == 0 && i->memory)
        return configure((const uint8_t *)i->base);
    if (i->opcode == 0x49 && i->prefix == 0) {
        memset(tiles, 0, sizeof tiles);
        return 1;
    }
    if (i->opcode == 0x49 && i->prefix == 3 && !i->memory) {
        memset(tiles[i->reg].row, 0, sizeof tiles[i->reg].row);
        return tiles[i->reg].rows > 0;
    }
    if (i->opcode == 0x4b && i->prefix == 3 && i->memory)
        return load(&tiles[i->reg], i);
    if (i->opcode == 0x4b && i->prefix == 2 && i->memory)
        return store(&tiles[i->reg], i);
    if (i->opcode == 0x5c && i->prefix == 2 && !i->memory && i->vvvv < TILES)
        return dot(&tiles[i->reg], &tiles[i->rm], &tiles[i->vvvv]);
    return 0;
}

static void
trapped(int signal_number, siginfo_t *info, void *user)
{
    ucontext_t *context = user;
    greg_t *rip = &context->uc_mcontext.gregs[REG_RIP];
    struct instruction i;

    (void)info;
    if (!decode(context, (const uint8_t *)*rip, &i) || !carry_out(&i)) {
        signal(signal_number, SIG_DFL);
        return;
    }
    *rip += i.length;
    atomic_fetch_add(&carried_out, 1);
}

const char *
amx_emulate(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};

    action.sa_sigaction = trapped;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGILL, &action, NULL) == 0
               ? NULL
               : "the system takes no handler of SIGILL";
}

unsigned long
amx_emulated(void)
{
    return atomic_load(&carried_out);
}
#else
const char *
amx_emulate(void)
{
    return "the instructions of AMX are those of x86-64 on Linux";
}

unsigned long
amx_emulated(void)
{
    return 0;
}
#endif
