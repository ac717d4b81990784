/* type.h - element types: sizes, names, conversion. Numbers are ONNX's
 * (TensorProto.DataType); the public enum ocellus_type holds them. */
#ifndef OC_BASE_TYPE_H
#define OC_BASE_TYPE_H

#include <stddef.h>
#include <stdint.h>

#include <ocellus.h>

size_t oc_type_size(ocellus_type type);      /* bytes; 0: not a type */
const char *oc_type_name(ocellus_type type); /* "float32", "int64" ... */
int oc_type_is_float(ocellus_type type);
int oc_type_is_integer(ocellus_type type); /* bool is not */

/* One element, by index, through double or int64; any type. */
double oc_element_get(ocellus_type type, const void *data, size_t i);
void oc_element_set(ocellus_type type, void *data, size_t i, double value);
int64_t oc_element_get_int(ocellus_type type, const void *data, size_t i);
void oc_element_set_int(ocellus_type type, void *data, size_t i, int64_t value);

float oc_half_to_float(uint16_t half);  /* IEEE 754 binary16 */
uint16_t oc_float_to_half(float value); /* nearest even */
float oc_bfloat16_to_float(uint16_t value);
uint16_t oc_float_to_bfloat16(float value); /* nearest even */

#endif
