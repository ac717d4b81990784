/* tensor.h - tensor cores of NVIDIA's cards, by inline PTX (cl/mma.clh). */
#ifndef OC_DEVICE_TENSOR_H
#define OC_DEVICE_TENSOR_H

struct ocellus_device;

/* Builds and runs products of half and of bfloat16 with the instructions, or in
 * loops (0): are their numbers right? */
int oc_tensor_multiplies(struct ocellus_device *device, int instructions);
/* enum oc_tensor: OC_TENSOR_INSTRUCTIONS or OC_TENSOR_NONE. */
int oc_tensor_probe(struct ocellus_device *device);

#endif
