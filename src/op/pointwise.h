/* pointwise.h - operators that compute each number from the numbers at the
 * same place: a row is a formula and a rule for its gradient.
 *
 * A formula is OpenCL C over a, b, c, d (the inputs) and s0, s1 ... (numbers
 * that are kernel arguments, never text). It must mean the same on a float and
 * on a float vector (4, 8, 16 lanes): built-in functions, arithmetic, and
 * `cond ? x : y` with at least one arm a vector. Its literals end in f; they
 * lose it where the type is double. Formulas for other types (comparisons,
 * integers) are only ever used on scalars.
 *
 * One kernel file, cl/pointwise.cl, is compiled around the formula.
 */
#ifndef OC_OP_POINTWISE_H
#define OC_OP_POINTWISE_H

#include "base/text.h"
#include "op/impl.h"

/* Inputs that one kernel reads, a node's own and those of its epilogue. */
#define OC_POINTWISE_IN 4
#define OC_POINTWISE_SCALARS 8

/* ---- for other families ------------------------------------------------- */

/* Sums dy over what was broadcast from `shape`: a gradient of that shape. */
struct ocellus_value *oc_reduce_to(struct ocellus_value *dy,
                                   const struct oc_shape *shape);
/* A constant of rank 0 and of `like`'s type. */
struct ocellus_value *oc_scalar_like(const struct ocellus_value *like,
                                     double value);

/* Appends the formula of a pointwise node to `text`, in brackets: input k
 * written as in[k] ("v", "e0", "(v * e0)"), its scalars as s<n> from
 * *n_scalar on, their numbers appended to `scalar` (of OC_POINTWISE_SCALARS).
 * in[k] NULL: input k is a float of one element, known on the host, and
 * becomes a scalar; oc_is_host_scalar() asks whether it can. An epilogue of
 * the node is not included. Where the formula is used on vectors, scalars are
 * to be vectors too: `const float8 s0 = s0_argument;`.
 * OCELLUS_UNSUPPORTED, without a change, where the node is not float32
 * throughout, has no formula or too many scalars. */
ocellus_status oc_formula_of(const struct oc_node *node, const char *const in[],
                             struct oc_text *text, float *scalar,
                             int *n_scalar);
int oc_is_host_scalar(const struct ocellus_value *value);

/* Copies a formula with its identifiers replaced: a, b, c, d by arg[0..3] (or
 * left, where NULL), v by `v`, e0.. by extra[..], s<k> by s<k + shift>. With
 * `plain_literals` the f of literals is dropped. */
struct oc_formula_names {
    const char *arg[OC_POINTWISE_IN];
    const char *v;
    const char *extra[OC_POINTWISE_IN];
    int shift;
    int plain_literals;
};
void oc_formula_write(struct oc_text *text, const char *formula,
                      const struct oc_formula_names *names);

/* ---- for the rows ------------------------------------------------------- */

/* Shape rules: NumPy's broadcasting of all inputs, types alike ... */
ocellus_status oc_infer_float(struct oc_node *node);   /* floats */
ocellus_status oc_infer_number(struct oc_node *node);  /* floats, integers */
ocellus_status oc_infer_any(struct oc_node *node);     /* bool too */
ocellus_status oc_infer_integer(struct oc_node *node); /* integers */
ocellus_status oc_infer_logic(struct oc_node *node);   /* bool -> bool */
ocellus_status oc_infer_compare(struct oc_node *node); /* any -> bool */
ocellus_status oc_infer_is(struct oc_node *node);      /* float -> bool */
/* The broadcast shape of all present inputs. */
ocellus_status oc_broadcast_inputs(const struct oc_node *node,
                                   struct oc_shape *shape);

/* The largest and the least of a, b ...; a NaN among them wins, as in NumPy. */
#define OC_MOST(p, q) "(" p " < " q " || " q " != " q " ? " q " : " p ")"
#define OC_MOST2 OC_MOST("a", "b")
#define OC_MOST3 OC_MOST(OC_MOST2, "c")
#define OC_MOST4 OC_MOST(OC_MOST3, "d")
#define OC_LEAST(p, q) "(" p " > " q " || " q " != " q " ? " q " : " p ")"
#define OC_LEAST2 OC_LEAST("a", "b")
#define OC_LEAST3 OC_LEAST(OC_LEAST2, "c")
#define OC_LEAST4 OC_LEAST(OC_LEAST3, "d")

extern const struct oc_impl oc_pointwise_impls[];
extern const struct oc_impl oc_many_impls[]; /* any number of inputs */

/* The formula that a node has, by its attributes, inputs and types. */
const char *oc_formula_text(const struct oc_node *node);
/* s0, s1 ... as the row's `scalars` and the attributes say: how many. */
int oc_formula_scalars(const struct oc_node *node, float *scalar);

/* dx = NAMEGrad(x, dy), dx = NAMEGrad(y, dy). */
void oc_grad_of_x(const struct oc_node *node, struct ocellus_value *dy[],
                  struct ocellus_value *dx[]);
void oc_grad_of_y(const struct oc_node *node, struct ocellus_value *dy[],
                  struct ocellus_value *dx[]);

/* Gelu with approximate=tanh. */
#define OC_GELU_U "tanh(0.79788456f * (a + 0.044715f * a * a * a))"
#define OC_GELU_TANH "0.5f * a * (1.0f + " OC_GELU_U ")"
#define OC_GELU_TANH_GRADIENT                                                  \
    "0.5f * b * (1.0f + " OC_GELU_U ") + 0.5f * b * a * (1.0f - " OC_GELU_U    \
    " * " OC_GELU_U ") * 0.79788456f * (1.0f + 0.134145f * a * a)"

/* A float operator of n inputs without a gradient of its own. */
#define OC_FLOAT_ROW(NAME, N, FLAGS, SCALARS, FORMULA, GRAD)                   \
    const struct oc_op oc_op_##NAME = {.name = #NAME,                          \
                                       .min_in = N,                            \
                                       .max_in = N,                            \
                                       .n_out = 1,                             \
                                       .flags = OC_OP_POINTWISE | (FLAGS),     \
                                       .infer = oc_infer_float,                \
                                       .grad = GRAD,                           \
                                       .formula = FORMULA,                     \
                                       .scalars = SCALARS,                     \
                                       .impls = oc_pointwise_impls};

/* y = f(x) and its gradient as rows: NAME, with `formula` over a, and NAMEGrad,
 * whose formula has b = dy and a = x or y, as FROM (x, y) says. */
#define OC_UNARY(NAME, SCALARS, FORMULA, FROM, GRADIENT)                       \
    OC_FLOAT_ROW(NAME, 1, 0, SCALARS, FORMULA, oc_grad_of_##FROM)              \
    OC_FLOAT_ROW(NAME##Grad, 2, OC_OP_INTERNAL, SCALARS, GRADIENT, NULL)

#endif
