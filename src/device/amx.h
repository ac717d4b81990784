/* amx.h - tiles of bfloat16 (AMX) on the processor that is the device. */
#ifndef OC_DEVICE_AMX_H
#define OC_DEVICE_AMX_H

struct ocellus_device;

/* Is the device the processor that this program runs on? */
int oc_amx_could(const struct ocellus_device *device);
/* Has this processor AMX-TILE and AMX-BF16, and may this process use them from
 * now on? Asks the system for it. */
int oc_amx_permitted(void);
/* Builds and runs a small kernel with the instructions: are its numbers right?
 * Ends the process where they are not permitted (nor emulated). */
int oc_amx_multiplies(struct ocellus_device *device);
/* enum oc_amx: OC_AMX_INSTRUCTIONS or OC_AMX_NONE. */
int oc_amx_probe(struct ocellus_device *device);

#endif
