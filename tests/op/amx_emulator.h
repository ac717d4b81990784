/* amx_emulator.h - the instructions of AMX-TILE and AMX-BF16 on x86-64
 * processors that have none, so that the kernels' very instructions run. */
#ifndef TESTS_OP_AMX_EMULATOR_H
#define TESTS_OP_AMX_EMULATOR_H

/* From now on they are carried out when they trap, in every thread; a trap of
 * any other instruction ends the process as before. NULL, or why not. */
const char *amx_emulate(void);
/* How many were carried out. */
unsigned long amx_emulated(void);

#endif
