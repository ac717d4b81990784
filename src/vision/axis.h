/* axis.h - a scale with ticks that a person would have chosen. */
#ifndef OC_VISION_AXIS_H
#define OC_VISION_AXIS_H

#define OC_MOST_TICKS 24

struct oc_scale {
    double low, high; /* low < high, both finite */
    int logarithmic;
    int decimals; /* of the labels; -1: as many as %g gives */
    int ticks;
    double tick[OC_MOST_TICKS];
};

/* Covers low..high, widened to whole steps of 1, 2 or 5 times a power of ten,
 * about `wanted` of them. Equal ends are widened too. */
struct oc_scale oc_scale_linear(double low, double high, int wanted);
/* The same for 0 < low; ticks at powers of ten, with 2 and 5 where few. */
struct oc_scale oc_scale_logarithmic(double low, double high);
/* From first to last and not beyond; ticks at whole numbers. */
struct oc_scale oc_scale_whole(double first, double last, int wanted);

/* 0 at the low end, 1 at the high end. */
double oc_scale_place(const struct oc_scale *scale, double value);
/* Tick k as text; returns it. */
char *oc_scale_label(const struct oc_scale *scale, int k, char text[24]);

#endif
