/* ocellus.h - the whole public interface of libocellus.
 *
 * Ocellus trains and runs convolutional networks on OpenCL devices. Five
 * nouns carry it:
 *
 *   ocellus_device   an opened device with its queue and program cache
 *   ocellus_graph    what is computed: values joined by ONNX operators; it
 *                    knows no device
 *   ocellus_value    one tensor in a graph; lent by the graph, never freed
 *   ocellus_session  a graph planned for a device, holding its states
 *                    (weights, running statistics, optimizer moments)
 *   ocellus_tensor   typed numbers with a shape, in host or device memory
 *
 * and on top of them a trainer, data sets and named nets.
 *
 * Errors. Every function that can fail returns an ocellus_status; its result
 * comes by the last argument, which is set to NULL on failure. The sentence
 * that says what happened, with the numbers, is ocellus_error(), kept for each
 * thread. Builders (functions that return an ocellus_value) hand NULL on and
 * the graph keeps the first failure: write a whole net unchecked and ask once
 * with ocellus_graph_check(). X_destroy(NULL) is fine.
 *
 * Threads. A device may be used from several threads. A graph, a session, a
 * tensor or a trainer belongs to one thread at a time. Nothing is global but
 * the log callback and one lock around the GEMM library.
 *
 * The library never prints, exits or aborts. It speaks through
 * ocellus_set_log() and progress callbacks.
 *
 * Layout. Tensors are dense, row-major; images are NCHW (batch, channels,
 * height, width).
 */
#ifndef OCELLUS_H
#define OCELLUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(OCELLUS_API)
#define OCELLUS_API __attribute__((visibility("default")))
#elif !defined(OCELLUS_API)
#define OCELLUS_API
#endif

/* ------------------------------------------------------------- statuses */

/* Append only: numbers are part of the binary interface. */
#define OCELLUS_STATUSES(X)                                                    \
    X(OK, "success")                                                           \
    X(BAD_ARGUMENT, "an argument is unusable")                                 \
    X(BAD_MODEL, "the model is malformed or breaks its operators' rules")      \
    X(BAD_DATA, "a data file is malformed or does not fit")                    \
    X(UNSUPPORTED, "asked for something that is not there")                    \
    X(NO_DEVICE, "no usable OpenCL device")                                    \
    X(OUT_OF_MEMORY, "host memory ran out")                                    \
    X(OUT_OF_DEVICE_MEMORY, "the device cannot hold it")                       \
    X(BUILD_FAILED, "a kernel did not build")                                  \
    X(DEVICE_FAILED, "an OpenCL call failed")                                  \
    X(IO, "a file cannot be read or written")                                  \
    X(CANCELLED, "stopped by a callback")                                      \
    X(SELF_TEST_FAILED, "an implementation gives wrong numbers here")          \
    X(INTERNAL, "a bug in Ocellus")

typedef enum ocellus_status {
#define OCELLUS_STATUS_ENUM(name, text) OCELLUS_##name,
    OCELLUS_STATUSES(OCELLUS_STATUS_ENUM)
#undef OCELLUS_STATUS_ENUM
} ocellus_status;

/* "BAD_MODEL" and so on; never NULL. */
OCELLUS_API const char *ocellus_status_name(ocellus_status status);
/* This thread's last failure in one sentence; "" when there was none. Valid
 * until the next failure on this thread. */
OCELLUS_API const char *ocellus_error(void);
/* For builders on top of the library: keeps a sentence for ocellus_error() and
 * returns the status. */
OCELLUS_API ocellus_status ocellus_fail(ocellus_status status,
                                        const char *sentence);
/* "1.0.0" */
OCELLUS_API const char *ocellus_version(void);

/* ------------------------------------------------------------------ log */

typedef enum ocellus_log_level {
    OCELLUS_LOG_ERROR,
    OCELLUS_LOG_WARNING,
    OCELLUS_LOG_INFO,
    OCELLUS_LOG_DEBUG
} ocellus_log_level;

typedef void (*ocellus_log_function)(void *user, ocellus_log_level level,
                                     const char *line);
/* NULL silences. Lines of levels above `most` are not made. */
OCELLUS_API void ocellus_set_log(ocellus_log_function log, void *user,
                                 ocellus_log_level most);

/* Told of long work: `done` of `total` of `what` ("building kernels").
 * Return nonzero to cancel: the call ends with OCELLUS_CANCELLED. */
typedef int (*ocellus_progress_function)(void *user, const char *what, int done,
                                         int total);

/* -------------------------------------------------------- element types */

/* ONNX's numbers (TensorProto.DataType). */
typedef enum ocellus_type {
    OCELLUS_UNDEFINED = 0,
    OCELLUS_FLOAT = 1,
    OCELLUS_UINT8 = 2,
    OCELLUS_INT8 = 3,
    OCELLUS_UINT16 = 4,
    OCELLUS_INT16 = 5,
    OCELLUS_INT32 = 6,
    OCELLUS_INT64 = 7,
    OCELLUS_STRING = 8,
    OCELLUS_BOOL = 9,
    OCELLUS_FLOAT16 = 10,
    OCELLUS_DOUBLE = 11,
    OCELLUS_UINT32 = 12,
    OCELLUS_UINT64 = 13,
    OCELLUS_BFLOAT16 = 16
} ocellus_type;

/* "float32", "int64" ...; "undefined" for no type. */
OCELLUS_API const char *ocellus_type_name(ocellus_type type);

/* -------------------------------------------------------------- devices */

typedef struct ocellus_device ocellus_device;

typedef struct ocellus_device_info {
    int index; /* in the flat list over all platforms */
    char name[128];
    char vendor[128];
    char driver[128];
    char version[128]; /* what CL_DEVICE_VERSION says */
    char platform[128];
    char kind[16];  /* "gpu", "cpu", "accelerator" */
    int integrated; /* shares the host's memory */
    int compute_units;
    int clock_mhz;
    uint64_t memory; /* bytes */
    uint64_t largest_allocation;
    uint64_t local_memory;
    int vector_width; /* native float lanes */
    int half;         /* probed by running: 1 yes, 0 no */
    int fp64;         /* likewise */
    int bfloat16;     /* likewise: products of bfloat16 (AMX) */
    int tensor_cores; /* likewise: products of half and bfloat16 in them */
    int64_t score;    /* the best one is the default */
    int chosen;       /* 1: what a NULL choice opens */
    char why[160];    /* one sentence on the score */
} ocellus_device_info;

/* All devices of all platforms. Release with ocellus_device_list_free. A
 * broken or empty platform is skipped with a line to the log. `probe` nonzero
 * opens each device to fill `half`, `fp64`, `bfloat16` and `tensor_cores`,
 * otherwise they are -1.
 * OCELLUS_NO_DEVICE, with a sentence that names a package, when none. */
OCELLUS_API ocellus_status ocellus_device_list(int probe,
                                               ocellus_device_info **list,
                                               int *count);
OCELLUS_API void ocellus_device_list_free(ocellus_device_info *list);

/* choice: an index of the list, a part of a name or platform, "gpu", "cpu", or
 * NULL for $OCELLUS_DEVICE and, without that, the best score. Plans are made
 * for the kind of device that it is; $OCELLUS_CLASS (cpu, gpu) says another,
 * for tests. */
OCELLUS_API ocellus_status ocellus_device_open(const char *choice,
                                               ocellus_device **device);
/* Sessions on it must be gone. */
OCELLUS_API void ocellus_device_close(ocellus_device *device);
OCELLUS_API const ocellus_device_info *
ocellus_device_get_info(const ocellus_device *device);
OCELLUS_API void ocellus_device_set_progress(ocellus_device *device,
                                             ocellus_progress_function progress,
                                             void *user);
/* Waits for all that was enqueued. */
OCELLUS_API ocellus_status ocellus_device_wait(ocellus_device *device);

/* The programs kept between processes: a file under $XDG_CACHE_HOME or
 * ~/.cache. It may be lost at any time. */
typedef struct ocellus_cache_entry {
    const char *what; /* "conv -DTILE=8, Some Device" */
    int64_t bytes;
    int64_t used; /* seconds since 1970 */
} ocellus_cache_entry;
/* Release with ocellus_text_free. OCELLUS_IO: there is no place for one. */
OCELLUS_API ocellus_status ocellus_cache_path(char **path);
/* Stops when each() returns nonzero. The entry is lent for the call. */
OCELLUS_API ocellus_status ocellus_cache_list(
    int (*each)(void *user, const ocellus_cache_entry *entry), void *user);
/* Puts into it every program that the device holds now, however long that
 * takes; closing a device keeps those that were slow to build, as far as there
 * is time. OCELLUS_IO: the cache cannot be written. */
OCELLUS_API ocellus_status ocellus_cache_keep(ocellus_device *device);
/* Forgets all programs and verdicts; *entries says how many. */
OCELLUS_API ocellus_status ocellus_cache_clear(int *entries);

/* --------------------------------------------------------------- doctor */

/* One implementation of one operator in one case. All texts are lent for the
 * call. */
typedef struct ocellus_doctor_row {
    const char *op, *implementation;
    const char *what; /* attributes and shapes */
    double error;     /* largest difference from the direct implementation,
                       * relative to the largest number; may be infinite */
    int ok;           /* 1 right, 0 wrong, -1 it refuses the case */
    const char *why;  /* wrong or refused: a sentence, else "" */
} ocellus_doctor_row;

/* Runs every implementation of every operator against the direct one on this
 * device, each twice, and keeps the verdicts with the program cache: one that
 * fails is refused from then on (sessions made before keep to what they knew),
 * until a check that is not `quick` finds it right again. Wrong numbers are
 * counted in *failures and are no failure of the call. each() may be NULL; a
 * nonzero result stops the check (OCELLUS_CANCELLED). Nobody else may use the
 * device meanwhile. */
OCELLUS_API ocellus_status
ocellus_device_doctor(ocellus_device *device, int quick,
                      int (*each)(void *user, const ocellus_doctor_row *row),
                      void *user, int *failures);

/* -------------------------------------------------------------- tensors */

typedef struct ocellus_tensor ocellus_tensor;

/* Zeroed host memory of its own. rank 0..8. */
OCELLUS_API ocellus_status ocellus_tensor_create(ocellus_type type, int rank,
                                                 const int64_t *dims,
                                                 ocellus_tensor **tensor);
/* Around the caller's memory, which must outlive it. */
OCELLUS_API ocellus_status ocellus_tensor_wrap_host(ocellus_type type, int rank,
                                                    const int64_t *dims,
                                                    void *data,
                                                    ocellus_tensor **tensor);
OCELLUS_API void ocellus_tensor_destroy(ocellus_tensor *tensor);
OCELLUS_API ocellus_type ocellus_tensor_type(const ocellus_tensor *tensor);
OCELLUS_API int ocellus_tensor_rank(const ocellus_tensor *tensor);
OCELLUS_API const int64_t *ocellus_tensor_dims(const ocellus_tensor *tensor);
OCELLUS_API size_t ocellus_tensor_count(const ocellus_tensor *tensor);
OCELLUS_API size_t ocellus_tensor_bytes(const ocellus_tensor *tensor);
/* Host memory; NULL for a tensor around device memory. */
OCELLUS_API void *ocellus_tensor_data(const ocellus_tensor *tensor);

/* A tensor from a file and into one, by the ending of its name: .npy (NumPy's)
 * or .pb (ONNX's TensorProto). Others are OCELLUS_BAD_ARGUMENT. Written
 * beside, synced and renamed. */
OCELLUS_API ocellus_status ocellus_tensor_read(const char *path,
                                               ocellus_tensor **tensor);
OCELLUS_API ocellus_status ocellus_tensor_write(const char *path,
                                                const ocellus_tensor *tensor);

/* --------------------------------------------------------------- graphs */

typedef struct ocellus_graph ocellus_graph;
typedef struct ocellus_value ocellus_value;

OCELLUS_API ocellus_status ocellus_graph_create(ocellus_graph **graph);
OCELLUS_API void ocellus_graph_destroy(ocellus_graph *graph);
/* The first failure of a builder, or OCELLUS_OK. */
OCELLUS_API ocellus_status ocellus_graph_check(const ocellus_graph *graph);

/* An input. A dimension of -1 is unknown until a session is run. */
OCELLUS_API ocellus_value *ocellus_graph_input(ocellus_graph *graph,
                                               const char *name,
                                               ocellus_type type, int rank,
                                               const int64_t *dims);
/* A copy of the tensor's numbers. */
OCELLUS_API ocellus_value *ocellus_graph_constant(ocellus_graph *graph,
                                                  const char *name,
                                                  const ocellus_tensor *tensor);
/* A trainable state (float32), named, with a rule for its first numbers:
 * "zeros", "ones", "constant V", "uniform LOW HIGH", "normal STD",
 * "kaiming" (He et al. 2015, fan in, uniform with gain for ReLU),
 * "kaiming_normal", "xavier" (Glorot & Bengio 2010, uniform),
 * "xavier_normal", "lecun" (uniform +-1/sqrt(fan in), what PyTorch's layers
 * start from). Its numbers depend on the seed and its name alone. */
OCELLUS_API ocellus_value *ocellus_graph_parameter(ocellus_graph *graph,
                                                   const char *name, int rank,
                                                   const int64_t *dims,
                                                   const char *init);
/* A state that no gradient reaches (running statistics), same rules. */
OCELLUS_API ocellus_value *ocellus_graph_buffer(ocellus_graph *graph,
                                                const char *name, int rank,
                                                const int64_t *dims,
                                                const char *init);
/* Seed of the parameters' first numbers; 0 unless set. */
OCELLUS_API void ocellus_graph_set_seed(ocellus_graph *graph, uint64_t seed);
/* "fp32" unless set, "bf16" (8 binary digits) or "fp16" (11, from 6e-8 to
 * 65504), for sessions and trainers made of the graph afterwards. Sums,
 * parameters, inputs and outputs stay float32, recurrent layers too.
 *   On processors that multiply bfloat16 (see `bfloat16` of
 * ocellus_device_info) bf16 lets convolutions and matrix products round their
 * factors: a product is off by 1/128 of itself at most, a net's output usually
 * by less than a hundredth of its largest number. On others it changes nothing.
 * Runs with fp16 fail on all processors with OCELLUS_UNSUPPORTED.
 *   On graphics cards the tensors between operators have that type wherever
 * rounding does no harm, parameters are rounded once a step, and with fp16 a
 * trainer scales the loss (states "loss_scale", "loss_scale_steps"): a step
 * whose gradients are infinite changes nothing but that scale, which is halved,
 * and doubled after 2000 good steps. */
OCELLUS_API ocellus_status ocellus_graph_set_precision(ocellus_graph *graph,
                                                       const char *precision);
OCELLUS_API ocellus_status ocellus_graph_output(ocellus_graph *graph,
                                                const char *name,
                                                ocellus_value *value);

/* Any operator of `ocellus ops`, by its ONNX name. Inputs end with NULL in
 * ocellus_apply; ocellus_apply_list takes NULL for an absent optional input.
 * attributes: text such as "kernel_shape=3,3 pads=1,1,1,1 strides=2,2
 * auto_pad=SAME_UPPER alpha=0.1", or NULL. Several outputs: the first is
 * returned, the others by ocellus_value_output(). */
OCELLUS_API ocellus_value *ocellus_apply(ocellus_graph *graph, const char *op,
                                         const char *attributes, ...);
OCELLUS_API ocellus_value *
ocellus_apply_list(ocellus_graph *graph, const char *op, const char *attributes,
                   ocellus_value *const *inputs, int count);
/* Output k of the node that made `value`; NULL when there is none. */
OCELLUS_API ocellus_value *ocellus_value_output(ocellus_value *value, int k);
OCELLUS_API const char *ocellus_value_name(const ocellus_value *value);
OCELLUS_API ocellus_type ocellus_value_type(const ocellus_value *value);
OCELLUS_API int ocellus_value_rank(const ocellus_value *value);
/* -1 where unknown. Of an imported graph's value whose shape comes with the
 * run, the type is OCELLUS_UNDEFINED. */
OCELLUS_API int64_t ocellus_value_dim(const ocellus_value *value, int axis);

/* What a graph takes, gives and holds, for programs that list them. */
OCELLUS_API int ocellus_graph_input_count(const ocellus_graph *graph);
OCELLUS_API ocellus_value *ocellus_graph_get_input(const ocellus_graph *graph,
                                                   int k);
OCELLUS_API int ocellus_graph_output_count(const ocellus_graph *graph);
OCELLUS_API ocellus_value *ocellus_graph_get_output(const ocellus_graph *graph,
                                                    int k);
OCELLUS_API const char *ocellus_graph_output_name(const ocellus_graph *graph,
                                                  int k);
/* Nodes, and the operator of node k, 0 <= k < count ("Conv"). */
OCELLUS_API int ocellus_graph_node_count(const ocellus_graph *graph);
OCELLUS_API const char *ocellus_graph_node_op(const ocellus_graph *graph,
                                              int k);
/* Numbers in all trainable states. */
OCELLUS_API int64_t ocellus_graph_parameter_count(const ocellus_graph *graph);

/* Layers: an operator with parameters of its own, named NAME.weight and
 * NAME.bias as PyTorch names them. x is N x C x H x W. */
OCELLUS_API ocellus_value *ocellus_conv2d(ocellus_value *x, const char *name,
                                          int channels, int kernel, int stride,
                                          int pad, int groups, int bias);
OCELLUS_API ocellus_value *ocellus_linear(ocellus_value *x, const char *name,
                                          int features);
/* Row x[i] of NAME.weight (count x width, normal with deviation 1) for each
 * number of x, which is int64: one axis more than x. */
OCELLUS_API ocellus_value *ocellus_embedding(ocellus_value *x, const char *name,
                                             int count, int width);
/* An LSTM over x, T x N x features: the output is T x 1 x N x hidden, its last
 * h and c (1 x N x hidden) ocellus_value_output(y, 1) and 2. lengths: int32, N,
 * steps of each sample, or NULL. Weights as ONNX lays them, gates in the order
 * i o f c: NAME.weight_ih, NAME.weight_hh, and NAME.bias, both of PyTorch's,
 * one behind the other; all uniform within +-1/sqrt(hidden). */
OCELLUS_API ocellus_value *ocellus_lstm(ocellus_value *x, const char *name,
                                        int hidden, ocellus_value *lengths);
/* eps 1e-5, momentum 0.9 in ONNX's sense (0.1 in PyTorch's). */
OCELLUS_API ocellus_value *ocellus_batch_norm(ocellus_value *x,
                                              const char *name);
OCELLUS_API ocellus_value *ocellus_relu(ocellus_value *x);
OCELLUS_API ocellus_value *ocellus_add(ocellus_value *a, ocellus_value *b);
OCELLUS_API ocellus_value *ocellus_max_pool(ocellus_value *x, int kernel,
                                            int stride, int pad);
OCELLUS_API ocellus_value *ocellus_average_pool(ocellus_value *x, int kernel,
                                                int stride, int pad);
OCELLUS_API ocellus_value *ocellus_global_average_pool(ocellus_value *x);
OCELLUS_API ocellus_value *ocellus_flatten(ocellus_value *x);
OCELLUS_API ocellus_value *ocellus_dropout(ocellus_value *x, float ratio);
/* The smaller of 6 and Relu. */
OCELLUS_API ocellus_value *ocellus_relu6(ocellus_value *x);
/* Max-pooling whose last window may hang over the edge. */
OCELLUS_API ocellus_value *ocellus_max_pool_ceil(ocellus_value *x, int kernel,
                                                 int stride);
OCELLUS_API ocellus_value *ocellus_concat(ocellus_value *a, ocellus_value *b,
                                          int axis);
/* Weights in x out x window, with bias. */
OCELLUS_API ocellus_value *ocellus_conv_transpose2d(ocellus_value *x,
                                                    const char *name,
                                                    int channels, int kernel,
                                                    int stride, int pad);

/* Words that travel with a graph and its model file (ONNX's metadata_props):
 * "ocellus.mean" say. A second value under one key replaces the first. get:
 * NULL where there is none; lent until it is replaced. */
OCELLUS_API ocellus_status ocellus_graph_set_metadata(ocellus_graph *graph,
                                                      const char *key,
                                                      const char *value);
OCELLUS_API const char *ocellus_graph_get_metadata(const ocellus_graph *graph,
                                                   const char *key);

/* A model file as a graph: ONNX (operator sets 1 to 27), or Darknet's .cfg or
 * Caffe's .prototxt with the .weights or .caffemodel of the same name beside it
 * (without, parameters start from chance). What an operator trains by nature
 * (weights and biases) becomes trainable states, the statistics of
 * BatchNormalization states, other numbers constants. OCELLUS_BAD_MODEL,
 * OCELLUS_UNSUPPORTED (naming the node and its operator) or OCELLUS_IO. */
OCELLUS_API ocellus_status ocellus_graph_load(const char *path,
                                              ocellus_graph **graph);
/* The same with the numbers from another file: .weights or .caffemodel for such
 * descriptions, else as ocellus_graph_load_weights. */
OCELLUS_API ocellus_status ocellus_graph_load_with(const char *path,
                                                   const char *weights,
                                                   ocellus_graph **graph);
/* Numbers for the graph's states (parameters and buffers) by name, from a
 * .safetensors file or another model file; half, bfloat16 and double become
 * float32, PyTorch's num_batches_tracked are passed over. OCELLUS_BAD_DATA
 * names what is missing there, has another shape or is unknown here; then
 * nothing has changed. */
OCELLUS_API ocellus_status ocellus_graph_load_weights(ocellus_graph *graph,
                                                      const char *path);
/* All tensors of a .safetensors file, or the states of a model file, into
 * another .safetensors file. */
OCELLUS_API ocellus_status ocellus_weights_copy(const char *from,
                                                const char *to);
/* The graph as an ONNX model file (operator set 17, newer where an operator
 * needs it), with the numbers its states have (ocellus_trainer_get_model) or
 * start from. Written beside, synced and renamed. */
OCELLUS_API ocellus_status ocellus_graph_save(const ocellus_graph *graph,
                                              const char *path);

/* A copy for other classes: the last layer before the first output (Gemm,
 * MatMul or Conv) gives `classes` numbers a sample, with new weights where it
 * gave another number before. `freeze`: nothing but that layer is trained.
 * OCELLUS_UNSUPPORTED, naming the node, where no such layer is found. */
OCELLUS_API ocellus_status ocellus_graph_with_head(const ocellus_graph *graph,
                                                   int classes, int freeze,
                                                   ocellus_graph **copy);

/* A copy whose recurrent layers go on where another run left them: state k,
 * 0 <= k < *states, is read from the input "state:K" (1 x N x hidden; of an
 * LSTM first h, then c) and given as the output "next:K". Zeros begin a
 * sequence. OCELLUS_UNSUPPORTED names a layer that reads from the end. */
OCELLUS_API ocellus_status ocellus_graph_with_states(const ocellus_graph *graph,
                                                     ocellus_graph **copy,
                                                     int *states);

/* A copy for batches of any size, of a model that was made for one: the first
 * dimension of its inputs becomes open. OCELLUS_UNSUPPORTED, naming the node,
 * where the model cannot take others. */
OCELLUS_API ocellus_status
ocellus_graph_with_any_batch(const ocellus_graph *graph, ocellus_graph **copy);

/* What an ONNX file says of itself, also where it could not be run. The texts
 * are lent by the info. */
typedef struct ocellus_model_value {
    const char *name;
    ocellus_type type; /* OCELLUS_UNDEFINED: not said, or no tensor */
    int rank;          /* -1: not said */
    int64_t dims[8];   /* -1: open */
} ocellus_model_value;
typedef struct ocellus_model_op {
    const char *domain; /* "": ONNX's own */
    const char *name;
    int64_t count; /* of nodes, in subgraphs too, in functions once */
    int is_there;  /* 0: Ocellus has no such operator */
} ocellus_model_op;
typedef struct ocellus_model_info {
    int64_t ir_version, opset;
    const char *producer;
    int input_count, output_count, op_count;
    const ocellus_model_value *inputs, *outputs;
    const ocellus_model_op *ops;
} ocellus_model_info;
OCELLUS_API ocellus_status ocellus_model_get_info(const char *path,
                                                  ocellus_model_info **info);
OCELLUS_API void ocellus_model_info_free(ocellus_model_info *info);

/* The graph as text, a node a line, for reading and for tests. Release with
 * ocellus_text_free. */
OCELLUS_API ocellus_status ocellus_graph_show(const ocellus_graph *graph,
                                              char **text);
OCELLUS_API void ocellus_text_free(char *text);

/* A copy for such inputs, one for each of the graph's in their order: all
 * dimensions are known that do not depend on what the run computes, and loops
 * are written out. What shapes depend on is read from the tensors, which must
 * then be in host memory. */
OCELLUS_API ocellus_status ocellus_graph_at(const ocellus_graph *graph,
                                            const ocellus_tensor *const *inputs,
                                            ocellus_graph **copy);

/* Node k, 0 <= k < ocellus_graph_node_count(). The texts and values are lent by
 * the graph. */
typedef struct ocellus_node_info {
    const char *name, *op;
    const ocellus_value *output; /* the first; ocellus_value_output() */
    int computed;                /* 0: its numbers are known before a run */
    int64_t parameters;          /* trained numbers, where it is first to read
                                  * them */
    int64_t bytes;               /* of its outputs; -1: known in the run */
    double flops;                /* multiply-adds counted twice; -1: the same */
} ocellus_node_info;
OCELLUS_API ocellus_status ocellus_graph_get_node_info(
    const ocellus_graph *graph, int k, ocellus_node_info *info);
/* The most bytes of inputs and results at once, when nodes run in their order,
 * nothing is done in place and nothing is kept for gradients; -1 where shapes
 * are known in the run only. */
OCELLUS_API ocellus_status ocellus_graph_peak_bytes(const ocellus_graph *graph,
                                                    int64_t *bytes);
/* A picture, by the ending of the name: .svg, or .dot for Graphviz. */
OCELLUS_API ocellus_status ocellus_graph_draw(const ocellus_graph *graph,
                                              const char *path);

/* ------------------------------------------------------------ operators */

typedef struct ocellus_op_info {
    const char *name;            /* as ONNX has it */
    const char *what;            /* one line */
    const char *implementations; /* "blocked direct", fastest first; "" where
                                  * nothing is computed on a device */
    int has_gradient;
    int internal; /* not ONNX: gradients, updates */
} ocellus_op_info;

OCELLUS_API int ocellus_op_count(void);
/* Row k, 0 <= k < count; 0 past the end. The texts stay for ever. */
OCELLUS_API int ocellus_op_get_info(int k, ocellus_op_info *info);

/* ------------------------------------------------------------- sessions */

typedef struct ocellus_session ocellus_session;

/* Plans are made when input shapes are known; a session keeps a few, keyed by
 * those shapes. The graph is copied: it may change or go afterwards. */
OCELLUS_API ocellus_status ocellus_session_create(ocellus_device *device,
                                                  const ocellus_graph *graph,
                                                  ocellus_session **session);
/* A second graph (an evaluation graph, say) on the states of `other`, matched
 * by name; `other` must outlive it. */
OCELLUS_API ocellus_status ocellus_session_create_shared(
    ocellus_session *other, const ocellus_graph *graph,
    ocellus_session **session);
OCELLUS_API void ocellus_session_destroy(ocellus_session *session);

/* Names a tensor for the runs that follow; it is read at each run. */
OCELLUS_API ocellus_status ocellus_session_set_input(
    ocellus_session *session, const char *name, const ocellus_tensor *tensor);
/* One run; the outputs are in host memory when it returns. */
OCELLUS_API ocellus_status ocellus_session_run(ocellus_session *session);
/* The same, but only enqueued: no output is read back until asked for. */
OCELLUS_API ocellus_status ocellus_session_enqueue(ocellus_session *session);
/* The last run's output, lent until the next run or the session's end. Waits
 * for the run when it was only enqueued. */
OCELLUS_API ocellus_status ocellus_session_get_output(
    ocellus_session *session, const char *name, const ocellus_tensor **tensor);

/* States in plain layout, whatever the device keeps them in. */
OCELLUS_API int ocellus_session_state_count(const ocellus_session *session);
OCELLUS_API const char *
ocellus_session_state_name(const ocellus_session *session, int k);
/* Makes a tensor; the caller destroys it. */
OCELLUS_API ocellus_status ocellus_session_read_state(ocellus_session *session,
                                                      const char *name,
                                                      ocellus_tensor **tensor);
OCELLUS_API ocellus_status ocellus_session_write_state(
    ocellus_session *session, const char *name, const ocellus_tensor *tensor);

/* What the last plan came to. */
typedef struct ocellus_plan_info {
    int nodes;
    int launches;         /* kernel launches a run */
    int programs;         /* distinct programs */
    int built;            /* of those, compiled now, not cached */
    uint64_t arena_bytes; /* activations and scratch */
    uint64_t state_bytes; /* parameters, statistics, moments */
    double flops;         /* multiply-adds counted twice */
} ocellus_plan_info;
OCELLUS_API ocellus_status ocellus_session_get_plan_info(
    ocellus_session *session, ocellus_plan_info *info);
/* On processors a plan of many short steps becomes one launch, whose program
 * may take a minute to build: a thread begins with that when the plan has been
 * run often for a minute, and destroying the session waits for it. This builds
 * it now, and keeps it with the program cache, from where sessions take it at
 * once. It does nothing for other plans. Inputs must have been set. */
OCELLUS_API ocellus_status ocellus_session_prepare(ocellus_session *session);
/* The plan as text: node, implementation, layouts, places; `why` adds who
 * refused and why. Inputs must have been set. */
OCELLUS_API ocellus_status ocellus_session_show(ocellus_session *session,
                                                int why, char **text);

/* One launch of the plan, in their order. The texts are lent by the session,
 * until it is run on other shapes. */
typedef struct ocellus_profile_row {
    const char *node;
    const char *op;
    const char *implementation;
    const char *kernel;
    double microseconds; /* mean over the profiled runs */
    double start, end;   /* microseconds, of the last run */
    double flops, bytes; /* done and moved by one launch; 0: not known */
    int tuned;           /* the tuner chose the implementation */
} ocellus_profile_row;
/* While on, each run is timed, and waits for its end. The inputs must have been
 * set. */
OCELLUS_API ocellus_status ocellus_session_profile(ocellus_session *session,
                                                   int on);
/* Release *rows with ocellus_profile_free. */
OCELLUS_API ocellus_status ocellus_session_get_profile(
    ocellus_session *session, ocellus_profile_row **rows, int *count);
OCELLUS_API void ocellus_profile_free(ocellus_profile_row *rows);

/* --------------------------------------------------------------- tuning */

enum {
    OCELLUS_TUNE_MEASURED, /* now */
    OCELLUS_TUNE_KNOWN,    /* from before */
    OCELLUS_TUNE_LEFT,     /* not measured: the time was up, or it failed */
    OCELLUS_TUNE_DROPPED   /* faster alone, and not in the whole plan */
};

/* Operators of a plan that are alike. All texts are lent for the call. */
typedef struct ocellus_tune_row {
    const char *what;   /* "Conv 1x64x56x56 64x64x3x3 pads=1,1,1,1" */
    int nodes;          /* of the plan */
    double share;       /* of a run's time, without verdicts */
    int state;          /* OCELLUS_TUNE_... */
    const char *usual;  /* the implementation taken without a verdict */
    const char *chosen; /* the one taken from now on */
    double usual_us;    /* microseconds of one node by itself, reorders */
    double chosen_us;   /* included; 0 where it was not measured */
    const char *why;    /* on what was faster and did not win, or "" */
} ocellus_tune_row;

typedef struct ocellus_tune_result {
    int classes, measured, known, left, dropped;
    int kept;        /* 0: no cache could be written; good for this process */
    double usual_ms; /* a run of the plan on the device without verdicts */
    double tuned_ms; /* with them; medians of the same minutes; 0: the time
                      * was up before */
} ocellus_tune_result;

/* Measures which implementation is fastest for the operators of the plan that
 * the session ran last, whose inputs must still be there, and keeps that with
 * the program cache for this device, driver and version: sessions made from now
 * on use it, in this process and in others. States stay as they are. Classes
 * of operators that were measured before are not measured again. It ends
 * `seconds` after its start (0: 180) or with the trial that is under way then
 * (and not before the plan was built and run twice), with what was done. No
 * implementation wins whose numbers differ from the direct one's by more than
 * the doctor allows, and none that the doctor refuses. each() may be NULL; it
 * is called at the end, for each class, the largest first, and stops with a
 * nonzero result. The device's progress callback may cancel
 * (OCELLUS_CANCELLED); what was measured is kept. Nobody else may use the
 * device meanwhile. */
OCELLUS_API ocellus_status
ocellus_session_tune(ocellus_session *session, double seconds,
                     int (*each)(void *user, const ocellus_tune_row *row),
                     void *user, ocellus_tune_result *result);

/* All that was measured, for all devices, as a file of text, and back from such
 * a file: what is there of the same classes gives way, and what is for other
 * devices is kept for them. *entries says how many. Devices opened from then on
 * use it. OCELLUS_BAD_DATA: the file is torn, or of another version; then
 * nothing was taken. */
OCELLUS_API ocellus_status ocellus_tuning_export(const char *path,
                                                 int *entries);
OCELLUS_API ocellus_status ocellus_tuning_import(const char *path,
                                                 int *entries);
/* Forgets all that was measured. */
OCELLUS_API ocellus_status ocellus_tuning_clear(int *entries);
/* How many classes of operators were measured for this device. */
OCELLUS_API int ocellus_device_get_tuned(const ocellus_device *device);

/* ------------------------------------------------------------ data sets */

/* Labelled images (or any C x H x W numbers) in three splits. A data set is
 * read from several threads at once by its loaders and changed by none of
 * them; it must outlive them. */
typedef struct ocellus_dataset ocellus_dataset;

typedef enum ocellus_split {
    OCELLUS_TRAIN,
    OCELLUS_VALIDATION, /* empty unless asked for or brought along */
    OCELLUS_TEST
} ocellus_split;

/* Set `size` and what is wanted; zero is the default of all else:
 *     ocellus_dataset_options options = {.size = sizeof options}; */
typedef struct ocellus_dataset_options {
    size_t size;            /* sizeof(ocellus_dataset_options) */
    uint64_t seed;          /* of splits, limits and drawn digits */
    const char *format;     /* "idx", "cifar10", "cifar100", "npy", "names",
                               "folder"; "text", "series"; NULL: found by
                               looking */
    const char *transform;  /* steps for every sample of every split, none
                               of them random: "resize=32x32 gray" */
    double validation;      /* fraction of the training samples set apart,
                               of each class alike */
    double test;            /* the same for a source that has no test part
                               of its own; 0: 0.2, below 0: none */
    int64_t limit[3];       /* most samples of each split, drawn by seed;
                               0: all */
    int64_t sequence;       /* characters of a text's or numbers of a series'
                               window; of names the most characters; 0: 64,
                               24, those of the longest name */
    const char *vocabulary; /* the characters that texts are numbered by, from
                               elsewhere: a trained model; NULL: those found */
} ocellus_dataset_options;

/* A folder that holds one of
 *   idx       train-images-idx3-ubyte, train-labels-idx1-ubyte and the same
 *             with t10k- or test- (MNIST, Fashion-MNIST, EMNIST), .gz or not
 *   cifar10   data_batch_*.bin, test_batch.bin, batches.meta.txt, .gz or not
 *   cifar100  train.bin, test.bin, fine_label_names.txt (the fine labels)
 *   npy       x_train.npy, y_train.npy, x_test.npy, y_test.npy (x_val, y_val),
 *             or x.npy and y.npy; x is N x H x W, N x C x H x W, N x H x W x C
 *             or N x F, uint8 (divided by 255) or any number as it is
 *   folder    one folder a class with JPEG, PNG, PPM or PGM files, or the same
 *             within train/ and val/ or test/
 *   names     text files, one a class, a name a line
 * or nothing but one folder that does (MNIST/raw, cifar-10-batches-bin); or a
 * file, which is
 *   series    numbers in the last column of a .csv: windows of it, each with
 *             the number that follows
 *   text      in UTF-8: windows of it, each with the same text one character
 *             later. The last tenth of a text, the last fifth of a series, is
 *             the test part (options.test), what stands before it the
 *             validation part.
 * A file classes.txt, one name a line, names the classes of idx and npy.
 * OCELLUS_IO for what cannot be read, OCELLUS_BAD_DATA for what is torn or
 * does not fit together. NULL options are all defaults. */
OCELLUS_API ocellus_status
ocellus_dataset_open(const char *path, const ocellus_dataset_options *options,
                     ocellus_dataset **dataset);
/* Digits drawn like handwriting, 1 x 28 x 28, labels in turn 0..9; needs no
 * file. The same seed gives the same digits. */
OCELLUS_API ocellus_status ocellus_dataset_digits(
    int64_t train, int64_t test, const ocellus_dataset_options *options,
    ocellus_dataset **dataset);

/* A program's own samples. `read` fills channels * height * width floats and
 * the label (0 <= label < classes), and returns OCELLUS_OK or ocellus_fail(),
 * which ends the loader's run. Loaders call it from their threads, several at
 * once (one at a time where the loader's `threads` is 1). */
typedef struct ocellus_sample_source {
    size_t size; /* sizeof(ocellus_sample_source) */
    int channels, height, width, classes;
    int64_t count[3]; /* samples of each split; 0: none */
    ocellus_status (*read)(void *user, ocellus_split split, int64_t index,
                           float *x, int64_t *label);
    void *user;
    const char *const *class_names; /* or NULL */
} ocellus_sample_source;

OCELLUS_API ocellus_status ocellus_dataset_from_source(
    const ocellus_sample_source *source, const ocellus_dataset_options *options,
    ocellus_dataset **dataset);
OCELLUS_API void ocellus_dataset_destroy(ocellus_dataset *dataset);

/* "idx", ..., "digits", "source". */
OCELLUS_API const char *ocellus_dataset_format(const ocellus_dataset *dataset);
OCELLUS_API int64_t ocellus_dataset_count(const ocellus_dataset *dataset,
                                          ocellus_split split);
/* C, H, W of every sample after options.transform; H and W are 0 where images
 * differ in size (a loader then needs a transform that makes them equal). */
OCELLUS_API void ocellus_dataset_shape(const ocellus_dataset *dataset,
                                       int64_t chw[3]);
OCELLUS_API int ocellus_dataset_classes(const ocellus_dataset *dataset);
/* Labels of a sample, 1 for most; a text's window has one for each character.
 * *type (may be NULL): int64, or float32 where a number is to be forecast. */
OCELLUS_API int ocellus_dataset_labels(const ocellus_dataset *dataset,
                                       ocellus_type *type);
/* The characters whose places are the numbers of texts and names, one after
 * the other in UTF-8; names are filled up with the first, a line's end. NULL
 * where samples are no text. Lent until the data set goes. */
OCELLUS_API const char *
ocellus_dataset_vocabulary(const ocellus_dataset *dataset);
/* Never NULL for 0 <= k < classes: the number itself where no name is known. */
OCELLUS_API const char *
ocellus_dataset_class_name(const ocellus_dataset *dataset, int k);
/* The file that a sample of a folder comes from; NULL elsewhere. */
OCELLUS_API const char *
ocellus_dataset_sample_path(const ocellus_dataset *dataset, ocellus_split split,
                            int64_t index);
/* One sample as C x H x W floats, bytes as [0, 1], before normalisation; of a
 * text or name W int64 numbers of characters, of a series W x 1 floats. The
 * caller destroys it. label: an int64_t, or what ocellus_dataset_labels() says;
 * may be NULL. */
OCELLUS_API ocellus_status ocellus_dataset_get(const ocellus_dataset *dataset,
                                               ocellus_split split,
                                               int64_t index,
                                               ocellus_tensor **x, void *label);
/* Mean and standard deviation of each channel, which loaders take off and
 * divide by: measured on the training split the first time that they are asked
 * for (on at most 4,096 of a folder's images), or what was set. mean and std
 * take C floats each. */
OCELLUS_API ocellus_status ocellus_dataset_get_normalization(
    ocellus_dataset *dataset, float *mean, float *std);
/* From elsewhere, a trained model say; before loaders are created. */
OCELLUS_API ocellus_status ocellus_dataset_set_normalization(
    ocellus_dataset *dataset, const float *mean, const float *std);

/* An image file as C x H x W floats in [0, 1], C 1 or 3 as the file has it,
 * through a transform (or NULL). 16-bit files keep their precision. Transparent
 * pixels of a PNG lie on white. */
OCELLUS_API ocellus_status ocellus_image_read(const char *path,
                                              const char *transform,
                                              ocellus_tensor **tensor);
/* NumPy's .npy, versions 1.0 to 3.0; big-endian files are swapped. An array in
 * Fortran order is refused. OCELLUS_BFLOAT16 and OCELLUS_STRING have no
 * counterpart there. */
OCELLUS_API ocellus_status ocellus_npy_read(const char *path,
                                            ocellus_tensor **tensor);
OCELLUS_API ocellus_status ocellus_npy_write(const char *path,
                                             const ocellus_tensor *tensor);

/* Transforms are words with numbers, done from left to right:
 *   resize=S         the shorter side becomes S; resize=HxW: exactly that.
 *                    Bilinear, and averaged over what is left out
 *   crop=S, crop=HxW the middle; what lies outside the image is 0
 *   gray             ITU-R BT.601 luma, 1 channel
 *   rgb              3 channels
 * and random ones, for loaders, each drawn from (seed, epoch, sample):
 *   random-resized-crop=S[,LOW[,HIGH]]   a part of LOW..HIGH (0.08..1) of the
 *                    area and of shape 3:4 .. 4:3, made S (or HxW) large
 *   pad-crop=P       P zeros around, then a crop of the old size
 *   flip, vflip      left-right, up-down, every other time
 *   rotate=DEGREES, shear=DEGREES, shift=PIXELS, scale=FRACTION
 *                    up to that much either way; neighbours make one resampling
 *   elastic=A[,S]    displacements of up to about A pixels, smooth over S (4)
 *   brightness=F, contrast=F, saturation=F    factors within 1-F .. 1+F
 *   noise=STD        Gaussian, in [0, 1] units
 *   cutout=S         an S x S square of the mean (DeVries & Taylor 2017)
 *   mixup=ALPHA      pairs of a batch, weight drawn from Beta(ALPHA, ALPHA)
 *                    (Zhang et al. 2018); cutmix=ALPHA: the same by rectangles
 *                    (Yun et al. 2019)
 * A check alone: OCELLUS_BAD_ARGUMENT with a sentence, or OCELLUS_OK. */
OCELLUS_API ocellus_status ocellus_transform_check(const char *transform);

/* A loader serves one split in batches, which worker threads read and
 * transform ahead of the caller. The numbers depend on the data, the options
 * but `threads` and `ahead`, and the place (epoch, position) alone. */
typedef struct ocellus_loader ocellus_loader;

typedef struct ocellus_loader_options {
    size_t size;         /* sizeof(ocellus_loader_options) */
    int64_t batch;       /* samples; 0: 64 */
    int shuffle;         /* a new order each epoch */
    uint64_t seed;       /* of order and augmentation */
    const char *augment; /* a transform, after the data set's own */
    int threads;         /* 0: as many as processors, at most 8 */
    int ahead;           /* batches made ahead; 0: 4 */
    int raw;             /* do not normalise */
    int64_t epochs;      /* work ahead across the ends of epochs below
                            this one; 0: stop at each end */
    int axes;            /* of an image, without the batch: 0: C x H x W;
                            2: H x W, of images of one channel; 1: all
                            numbers in a row. The same numbers each time */
} ocellus_loader_options;

typedef struct ocellus_batch {
    ocellus_tensor *x;       /* float32, count x C x H x W, or as options.axes
                                says; of texts int64, count x W; of series
                                float32, count x W x 1 */
    ocellus_tensor *labels;  /* int64, count; of texts count x W; of series
                                float32, count x 1, normalised as x */
    ocellus_tensor *labels2; /* of the partners; NULL without mixup */
    float lambda;            /* weight of labels; labels2 has 1 - lambda */
    int64_t count;           /* the last batch of an epoch may be smaller */
    int64_t epoch;
    int64_t position;       /* samples of the epoch up to its end: start()
                               here to go on behind this batch */
    const int64_t *indices; /* of the samples within the split */
} ocellus_batch;

OCELLUS_API ocellus_status ocellus_loader_create(
    ocellus_dataset *dataset, ocellus_split split,
    const ocellus_loader_options *options, ocellus_loader **loader);
OCELLUS_API void ocellus_loader_destroy(ocellus_loader *loader);
/* C, H, W of the batches. */
OCELLUS_API void ocellus_loader_shape(const ocellus_loader *loader,
                                      int64_t chw[3]);
OCELLUS_API int64_t ocellus_loader_count(const ocellus_loader *loader);
OCELLUS_API int64_t ocellus_loader_batches(const ocellus_loader *loader);
/* Goes to a place: position samples (a multiple of batch, or the end) of the
 * epoch are behind. A new loader stands at (0, 0). */
OCELLUS_API ocellus_status ocellus_loader_start(ocellus_loader *loader,
                                                int64_t epoch,
                                                int64_t position);
/* The next batch, lent until the next call on this loader. At the end of an
 * epoch it is NULL once, with OCELLUS_OK; the call after that begins the next
 * epoch. */
OCELLUS_API ocellus_status ocellus_loader_next(ocellus_loader *loader,
                                               const ocellus_batch **batch);
/* ------------------------------------------------- metrics and pictures */

/* How well a classifier does, added up over batches. A class's precision,
 * recall and F1 are 0 where their divisor is (no sample predicted as it, none
 * labelled so), as scikit-learn's zero_division=0. */
typedef struct ocellus_metrics ocellus_metrics;

/* One class, or an average over classes. Fractions of 1. */
typedef struct ocellus_class_score {
    double precision;
    double recall;
    double f1;
    int64_t support;   /* samples labelled so */
    int64_t predicted; /* samples predicted so */
} ocellus_class_score;

/* classes: 1 to 32768; the confusion matrix takes 8 * classes^2 bytes. */
OCELLUS_API ocellus_status ocellus_metrics_create(int classes,
                                                  ocellus_metrics **metrics);
OCELLUS_API void ocellus_metrics_destroy(ocellus_metrics *metrics);
/* Forgets what was added. */
OCELLUS_API void ocellus_metrics_clear(ocellus_metrics *metrics);
/* Samples with this label are passed over; there is none unless set. */
OCELLUS_API void ocellus_metrics_set_ignored_label(ocellus_metrics *metrics,
                                                   int64_t label);
/* scores: count x classes, the larger the likelier (logits, probabilities);
 * the first of equal ones wins, NaN counts as the smallest. labels: count, in
 * [0, classes). OCELLUS_BAD_DATA for another label; then none is added. */
OCELLUS_API ocellus_status ocellus_metrics_add_scores(ocellus_metrics *metrics,
                                                      const float *scores,
                                                      const int64_t *labels,
                                                      size_t count);
/* The same from predicted classes, where no scores are at hand: these samples
 * do not count for ocellus_metrics_top_k. */
OCELLUS_API ocellus_status ocellus_metrics_add_predictions(
    ocellus_metrics *metrics, const int64_t *predictions, const int64_t *labels,
    size_t count);
/* The mean loss of `count` samples. */
OCELLUS_API void ocellus_metrics_add_loss(ocellus_metrics *metrics, double loss,
                                          size_t count);

OCELLUS_API int ocellus_metrics_classes(const ocellus_metrics *metrics);
/* Samples added, without the ignored. */
OCELLUS_API int64_t ocellus_metrics_count(const ocellus_metrics *metrics);
/* Mean over samples; NaN when none was added. */
OCELLUS_API double ocellus_metrics_loss(const ocellus_metrics *metrics);
/* Fractions of the samples; 0 when there are none. Top k: the label is among
 * the k largest scores; NaN when no scores were added. */
OCELLUS_API double ocellus_metrics_accuracy(const ocellus_metrics *metrics);
OCELLUS_API double ocellus_metrics_top_k(const ocellus_metrics *metrics, int k);
/* One class; zeros where there is no such class. */
OCELLUS_API ocellus_class_score
ocellus_metrics_class(const ocellus_metrics *metrics, int class_index);
/* The plain mean over the classes that were seen, as label or prediction; and
 * the mean weighted by support. */
OCELLUS_API ocellus_class_score
ocellus_metrics_macro(const ocellus_metrics *metrics);
OCELLUS_API ocellus_class_score
ocellus_metrics_weighted(const ocellus_metrics *metrics);
/* classes x classes counts, row: the label, column: the prediction; lent until
 * the metrics go. */
OCELLUS_API const int64_t *
ocellus_metrics_confusion(const ocellus_metrics *metrics);

/* What a training came to, epoch by epoch. */
typedef struct ocellus_history ocellus_history;

/* NaN: not measured (an empty cell of the CSV, null in JSON). */
typedef struct ocellus_history_row {
    int64_t epoch; /* 1 for the first; ascending */
    int64_t step;  /* updates made since the beginning */
    double train_loss;
    double train_accuracy; /* fractions of 1, here and below */
    double test_loss;
    double test_accuracy;
    double test_top5;
    double test_f1;           /* macro */
    double learning_rate;     /* of the epoch's last step */
    double images_per_second; /* while training */
    double seconds;           /* of this epoch, test and all */
} ocellus_history_row;

/* folder/history.csv and folder/history.jsonl, rewritten whole (beside, then
 * renamed) with each row added. Rows that are there with epoch <= keep stay:
 * 0 begins anew, the checkpoint's epoch continues. folder NULL: in memory
 * only. OCELLUS_BAD_DATA names the line of a CSV that cannot be read. */
OCELLUS_API ocellus_status ocellus_history_create(const char *folder,
                                                  int64_t keep,
                                                  ocellus_history **history);
/* What a history.csv holds; rows added to it stay in memory. */
OCELLUS_API ocellus_status ocellus_history_read(const char *path,
                                                ocellus_history **history);
OCELLUS_API void ocellus_history_destroy(ocellus_history *history);
OCELLUS_API ocellus_status ocellus_history_add(ocellus_history *history,
                                               const ocellus_history_row *row);
OCELLUS_API int ocellus_history_count(const ocellus_history *history);
/* All rows, lent until the next is added. */
OCELLUS_API const ocellus_history_row *
ocellus_history_rows(const ocellus_history *history);

/* Pictures are PNG files, written beside and renamed, so that a viewer never
 * sees half of one. title: a line above, or NULL. names: the classes', or NULL
 * for their numbers. 1 when this library can draw; otherwise each function
 * below is OCELLUS_UNSUPPORTED. */
OCELLUS_API int ocellus_can_draw(void);
/* Loss, accuracy and learning rate against the epoch. */
OCELLUS_API ocellus_status ocellus_draw_curves(const char *path,
                                               const char *title,
                                               const ocellus_history_row *rows,
                                               int count);
/* confusion: classes x classes, as ocellus_metrics_confusion gives it; at most
 * 4096 classes. Coloured by the share of its row. */
OCELLUS_API ocellus_status ocellus_draw_confusion(const char *path,
                                                  const char *title,
                                                  const int64_t *confusion,
                                                  int classes,
                                                  const char *const *names);
/* Precision, recall and F1 of each class as bars; at most 1024 classes. */
OCELLUS_API ocellus_status ocellus_draw_class_scores(
    const char *path, const char *title, const ocellus_class_score *scores,
    int classes, const char *const *names);

/* A sheet of samples with what was predicted, the wrong ones marked. */
typedef struct ocellus_sheet {
    int count;    /* 1 to 512 */
    int channels; /* 1 or 3 */
    int height, width;
    const float *images;        /* count x channels x height x width */
    float black, white;         /* what is drawn so; equal: each channel's
                                 * smallest and largest number in the sheet,
                                 * which suits normalised images */
    const int64_t *predictions; /* count */
    const int64_t *labels;      /* count, or NULL: not known */
    const float *confidences;   /* count, in 0..1, or NULL */
    int classes;
    const char *const *names; /* classes, or NULL */
} ocellus_sheet;
OCELLUS_API ocellus_status ocellus_draw_sheet(const char *path,
                                              const char *title,
                                              const ocellus_sheet *sheet);

/* ------------------------------------------------------------- training */

/* A net with a loss, an optimizer and its states; one call is one step. The
 * net's first output is what is trained (logits, for cross-entropy). */
typedef struct ocellus_trainer ocellus_trainer;

typedef struct ocellus_trainer_options {
    size_t size;           /* sizeof(ocellus_trainer_options) */
    const char *loss;      /* "cross_entropy" (NULL too; labels are class
                              indices), "sequence_cross_entropy" (the same of
                              N x T x classes), "mse", "smooth_l1", "bce" (with
                              logits): labels have the output's shape */
    float label_smoothing; /* cross-entropy: in [0, 1) */
    const char *optimizer; /* "sgd lr=0.01 momentum=0.9 dampening=0
                              weight_decay=0 nesterov" (NULL: sgd lr=0.01
                              momentum=0.9), "adam lr=0.001 beta1=0.9
                              beta2=0.999 eps=1e-8 weight_decay=0", "adamw"
                              (weight_decay=0.01), "rmsprop lr=0.01
                              alpha=0.99 eps=1e-8 momentum=0": PyTorch's
                              algorithms and defaults */
    const char *schedule;  /* "constant" (NULL too), "step every=30
                              gamma=0.1", "cosine min=0", each with
                              "warmup=EPOCHS"; "onecycle start=0.3 div=25
                              final=10000"; epochs, not steps */
    double epochs;         /* length of the schedule */
    int64_t steps_per_epoch;
    float clip;     /* most norm of the whole gradient; 0: no limit */
    int accumulate; /* micro-batches an update; 0 and 1: no more */
    float average;  /* decay of a moving average of the weights, which
                       evaluation then uses; 0: none */
    int checkpoint; /* gradient checkpointing. 0: normalisations, activations
                       and sums are made again for the backward sweep where
                       that takes next to no time; 1: wherever they can be;
                       more: so many segments of which only the ends are
                       kept. Always the same bits */
    int mixup;      /* steps are given labels2 and mix */
    uint64_t seed;  /* of dropout */
} ocellus_trainer_options;

/* The graph is copied, and its numbers go to the device: destroy it where
 * memory is short. options may be NULL. */
OCELLUS_API ocellus_status ocellus_trainer_create(
    ocellus_device *device, const ocellus_graph *graph,
    const ocellus_trainer_options *options, ocellus_trainer **trainer);
OCELLUS_API void ocellus_trainer_destroy(ocellus_trainer *trainer);

/* One step on a batch: x for the net's first input, labels. With `mixup`,
 * labels2 and mix too: the loss is mix * loss(labels) + (1 - mix) *
 * loss(labels2); otherwise NULL and 1. The loss (mean over the batch, before
 * the update) is read back only where `loss` is not NULL. */
OCELLUS_API ocellus_status ocellus_trainer_step(ocellus_trainer *trainer,
                                                const ocellus_tensor *x,
                                                const ocellus_tensor *labels,
                                                const ocellus_tensor *labels2,
                                                float mix, float *loss);
/* The net's first output in the last step. Lent until the next. */
OCELLUS_API ocellus_status ocellus_trainer_get_output(ocellus_trainer *trainer,
                                                      const ocellus_tensor **y);
/* The first output of the net as it stands, in its inference form (with the
 * averaged weights, where there are such). Lent until the next call. */
OCELLUS_API ocellus_status ocellus_trainer_predict(ocellus_trainer *trainer,
                                                   const ocellus_tensor *x,
                                                   const ocellus_tensor **y);
/* Updates done, the rate of the next one, and another rate for all that
 * follow (the schedule then multiplies it). */
OCELLUS_API int64_t ocellus_trainer_step_count(const ocellus_trainer *trainer);
OCELLUS_API double
ocellus_trainer_learning_rate(const ocellus_trainer *trainer);
OCELLUS_API void ocellus_trainer_set_learning_rate(ocellus_trainer *trainer,
                                                   double rate);
/* The training session, lent: its states are the weights (and the optimizer's
 * moments, named momentum:NAME and so on). */
OCELLUS_API ocellus_session *ocellus_trainer_session(ocellus_trainer *trainer);
/* A copy of the graph with the states' numbers of now (the averaged ones,
 * where there are such): what is saved as a model. */
OCELLUS_API ocellus_status ocellus_trainer_get_model(ocellus_trainer *trainer,
                                                     ocellus_graph **graph);

/* All states, the count of steps, and `note` (the caller's own text: epoch,
 * position), written beside, synced and renamed: a file in the safetensors
 * format. Loading fails, and changes nothing, where the file does not fit the
 * net or the optimizer. *note is released with ocellus_text_free. */
OCELLUS_API ocellus_status ocellus_trainer_save(ocellus_trainer *trainer,
                                                const char *path,
                                                const char *note);
OCELLUS_API ocellus_status ocellus_trainer_load(ocellus_trainer *trainer,
                                                const char *path, char **note);

/* ----------------------------------------------------------- named nets */

/* A net by name, made with the functions above: "mlp", "lenet5" (LeCun et al.
 * 1998, with ReLU and max-pooling), "resnet20", "resnet32", "resnet56" (He et
 * al. 2016, section 4.2), "vgg11", "vgg16", "alexnet", "squeezenet" (1.1),
 * "mobilenetv2", "resnet18", "resnet34", "resnet50", "unet". Parameters are
 * named, and start, as PyTorch's (torchvision's) do. The input is "x", N x
 * channels x height x width, N unknown; the output "y" is N x classes (unet: N
 * x classes x height x width). OCELLUS_BAD_ARGUMENT names the nets there are,
 * or the smallest image that fits. Nets of sequences: "charlstm" (the next
 * character of a text: two LSTMs of 256, x int64 N x T, y N x T x classes),
 * "namelstm" (the class of a name: an LSTM of 128 over the characters but 0, x
 * int64 N x T, y N x classes), "serieslstm" (the next number: an LSTM of 128, x
 * N x T x 1, y N x classes); channels is how many characters there are, height
 * and width are 1 or what you like: T is unknown. */
OCELLUS_API ocellus_status ocellus_net_create(const char *name, int channels,
                                              int height, int width,
                                              int classes, uint64_t seed,
                                              ocellus_graph **graph);
/* What a net is made for: "images", "text", "names" or "series"; NULL: there is
 * no such net. */
OCELLUS_API const char *ocellus_net_takes(const char *name);
/* Name and one line on net k; NULL past the end. */
OCELLUS_API const char *ocellus_net_name(int k);
OCELLUS_API const char *ocellus_net_summary(int k);

#ifdef __cplusplus
}
#endif

#endif
