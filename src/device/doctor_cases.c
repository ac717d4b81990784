/* doctor_cases.c - what the doctor tries: shapes that hurt.
 *
 * A row or a few for every table of implementations with more than the direct
 * one: primes, channels that fill no block, one pixel left over, strides,
 * groups, dilation, more than one image. Small, because the direct
 * implementations are slow; few, because every window and stride is a program
 * of its own. The first row of an operator is the one of the short check.
 */
#include "device/doctor.h"

#define QUICK .quick = 1

static const struct oc_doctor_case cases[] = {
    /* convolutions */
    {"Conv", "pads=1,1,1,1", "2x17x9x11 19x17x3x3 19", NULL, QUICK},
    {"Conv", "pads=1,1,1,1 group=13", "2x13x9x11 13x1x3x3 13", NULL, QUICK},
    {"Conv", "strides=2,2 pads=3,3,3,3", "2x3x15x13 20x3x7x7 20", .quick = 0},
    {"Conv", NULL, "2x24x6x5 40x24x1x1 40", .then = "Relu"},
    {"Conv", "strides=2,2 pads=0,0,1,1", "2x16x9x8 21x16x3x3 21",
     .then = "Add Relu"},
    {"Conv", "pads=2,2,2,2 dilations=2,2", "1x10x9x12 8x10x3x3", .quick = 0},
    {"Conv", "pads=1,1,1,1 group=2", "1x6x9x7 10x3x3x3", .quick = 0},
    {"Conv", "pads=2,1", "2x5x23 7x5x4", .quick = 0},
    {"Conv", "pads=1,1,1,1", "1x64x28x28 64x64x3x3", .quick = 0},
    {"Conv", "pads=1,1,1,1", "2x16x40x40 32x16x3x3 32", .then = "Relu"},
    {"ConvTranspose", "strides=2,2 pads=1,1,1,1 output_padding=1,1",
     "2x11x5x7 11x9x3x3 9", .quick = 0},
    {"ConvTranspose", "kernel_shape=2,2 strides=2,2", "1x16x6x5 16x24x2x2",
     .quick = 0},
    {"ConvGradInput", "kernel_shape=3,3 extent=9,11 pads=1,1,1,1",
     "2x19x9x11 19x17x3x3", NULL, QUICK},
    {"ConvGradInput", "kernel_shape=3,3 extent=9,11 pads=1,1,1,1 group=13",
     "2x13x9x11 13x1x3x3", .quick = 0},
    {"ConvGradInput", "kernel_shape=7,7 strides=2,2 extent=15,13 pads=3,3,3,3",
     "2x20x8x7 20x3x7x7", .quick = 0},
    {"ConvGradInput", "kernel_shape=1,1 strides=2,2 extent=8,7",
     "2x33x4x4 33x17x1x1", .quick = 0},
    {"ConvGradInput", "kernel_shape=3,3 extent=28,28 pads=1,1,1,1",
     "1x64x28x28 64x64x3x3", .quick = 0},
    {"ConvGradWeight", "kernel_shape=3,3 pads=1,1,1,1", "2x17x9x11 2x19x9x11",
     NULL, QUICK},
    {"ConvGradWeight", "kernel_shape=3,3 pads=1,1,1,1 group=13",
     "2x13x9x11 2x13x9x11", .quick = 0},
    {"ConvGradWeight", "kernel_shape=7,7 strides=2,2 pads=3,3,3,3",
     "2x3x15x13 2x20x8x7", .quick = 0},
    {"ConvGradWeight", "kernel_shape=1,1", "2x24x6x5 2x40x6x5", .quick = 0},
    {"ConvGradWeight", "kernel_shape=3,3 pads=1,1,1,1", "1x64x28x28 1x64x28x28",
     .quick = 0},
    {"ConvGradBias", NULL, "2x19x9x11", NULL, QUICK},
    {"ConvGradBias", NULL, "3x64x5x4", .quick = 0},
    /* pooling */
    {"MaxPool", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1", "2x17x9x11", NULL,
     QUICK, .outputs = 1},
    {"MaxPool", "kernel_shape=2,2 strides=2,2", "3x8x8x10", NULL, .outputs = 1},
    {"MaxPoolGrad", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1",
     "2x17x5x6 2x17x9x11", NULL, QUICK},
    {"AveragePool", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1", "2x17x9x11",
     NULL, QUICK},
    {"AveragePool",
     "kernel_shape=2,3 count_include_pad=1 pads=1,1,0,1 ceil_mode=1", "1x9x7x8",
     .quick = 0},
    {"AveragePoolGrad", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1",
     "2x17x5x6 2x17x9x11", NULL, QUICK},
    {"GlobalAveragePool", NULL, "2x19x7x5", NULL, QUICK},
    {"GlobalMaxPool", NULL, "2x19x7x5", .quick = 0},
    {"GlobalAveragePoolGrad", NULL, "2x19x1x1 2x19x7x5", NULL, QUICK},
    {"GlobalMaxPoolGrad", NULL, "2x19x1x1 2x19x7x5", .quick = 0},
    /* normalisation */
    {"BatchNormalization", NULL, "2x17x9x11 17 17 17 +17", NULL, QUICK},
    {"BatchNormalization", "training_mode=1", "3x17x5x7 17 17 17 +17", NULL,
     QUICK},
    {"BatchNormalization", "training_mode=1", "23x19 19 19 19 +19", .quick = 0},
    {"BatchNormalizationGrad", NULL, "3x17x5x7 3x17x5x7 17 17 +17", NULL,
     QUICK},
    {"LayerNormalization", "axis=-1", "5x7x131 131 131", NULL, QUICK},
    {"InstanceNormalization", NULL, "2x5x7x9 5 5", .quick = 0},
    {"GroupNormalization", "num_groups=3", "2x6x5x7 6 6", .quick = 0},
    {"LayerNormalizationGrad", "rows=35 size=131 modulus=1 inner=1 centre=1",
     "35x131 35x131 131 35 +35", NULL, QUICK},
    {"Softmax", NULL, "5x7x131", NULL, QUICK},
    {"LogSoftmax", "axis=1", "2x19x5x3", .quick = 0},
    {"SoftmaxGrad", NULL, "+5x37 5x37", .quick = 0},
    {"LogSoftmaxGrad", NULL, "5x37 5x37", .quick = 0},
    /* matrix products */
    {"Gemm", NULL, "37x53 53x29 29", NULL, QUICK},
    {"Gemm", "transA=1 transB=1 alpha=0.5 beta=2.0", "53x37 29x53 37x29",
     .quick = 0},
    {"Gemm", "transB=1", "64x300 130x300 130", .then = "Relu"},
    {"Gemm", "transB=1", "11x1100 70x1100 70", .then = "Relu"},
    {"MatMul", NULL, "3x17x23 3x23x31", NULL, QUICK},
    {"MatMul", NULL, "2x3x7x11 11x5", .quick = 0},
    {"MatMulT", "transA=1", "3x23x17 3x23x31", .quick = 0},
    /* sequences; a gradient's R, Y, gates, cells and dY */
    {"LSTM", NULL, "5x3x9 1x68x9 1x68x17 1x136", NULL, QUICK},
    {"LSTM", "direction=bidirectional", "3x67x5 2x44x5 2x44x11", .quick = 0},
    {"GRU", "linear_before_reset=1", "4x3x5 1x57x5 1x57x19 1x114", .quick = 0},
    {"LSTMGrad", NULL, "1x68x17 5x1x3x17 +1x15x68 1x15x17 - - - - 5x1x3x17",
     NULL, QUICK, .outputs = 2},
    /* numbers in other places */
    {"Concat", "axis=1", "2x16x5x7 2x32x5x7", NULL, QUICK},
    {"Concat", "axis=1", "2x5x5x7 2x9x5x7 2x1x5x7", .quick = 0},
    {"Split", "axis=1", "2x48x5x7 [16,32]", NULL, QUICK},
    {"Split", "axis=1", "2x13x5x7 [5,8]", .quick = 0},
    {"GatherGrad", NULL, "11x5 11%7 [7,5]", NULL, QUICK},
    {"GatherGrad", "axis=1", "3x41x5 41%13 [3,13,5]", .quick = 0},
    /* pointwise: one kernel for all formulas */
    {"Relu", NULL, "2x17x9x11", NULL, QUICK},
    {"Add", NULL, "2x17x9x11 1x17x1x1", NULL, QUICK},
    {"Mul", NULL, "7x1x5 1x3x1", .quick = 0},
    {"Div", NULL, "2x33x7 +33x1", .quick = 0},
    {"Sigmoid", NULL, "2x5x3x7", .quick = 0},
    {"Erf", NULL, "1031", .quick = 0},
    {"Log", NULL, "+1031", .quick = 0},
    {"Where", NULL, "?5x1x7 5x3x7 3x1", .quick = 0},
    {"Sum", NULL, "2x17x5x3 2x17x5x3 17x1x1 . 3", NULL, QUICK},
    {"Max", NULL, "2x3x5 3x5 2x1x5", .quick = 0},
    /* along axes */
    {"ReduceSum", NULL, "2x17x9x11 [0,2,3]", NULL, QUICK},
    {"ReduceSum", "keepdims=0", "13x101 [1]", .quick = 0},
    {"ReduceMax", NULL, "7x19x13 [1]", .quick = 0},
    {"ReduceMean", "keepdims=0", "3x5003 []", .quick = 0},
    {"ReduceLogSumExp", NULL, "5x7x11 [1,2]", .quick = 0},
};

const struct oc_doctor_case *
oc_doctor_cases(int *count)
{
    *count = (int)OC_COUNT(cases);
    return cases;
}
