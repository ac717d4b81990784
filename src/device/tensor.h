/* tensor.h - tensor cores of NVIDIA's cards, by inline PTX (cl/mma.clh), and
 * AMD's products of pairs of halves (cl/tile.clh). */
#ifndef OC_DEVICE_TENSOR_H
#define OC_DEVICE_TENSOR_H

struct ocellus_device;

/* Builds and runs products of half and of bfloat16 with the instructions, or in
 * loops (0): are their numbers right? */
int oc_tensor_multiplies(struct ocellus_device *device, int instructions);
/* enum oc_tensor: OC_TENSOR_INSTRUCTIONS or OC_TENSOR_NONE. */
int oc_tensor_probe(struct ocellus_device *device);

/* The same of two products of half that are added to a float at once. */
int oc_pairs_multiply(struct ocellus_device *device, int instructions);
/* enum oc_pairs: OC_PAIRS_INSTRUCTIONS or OC_PAIRS_NONE. */
int oc_pairs_probe(struct ocellus_device *device);

#endif
