/* unet.c - U-Net (Ronneberger et al., MICCAI 2015) with padded convolutions
 * and batch normalisation: down and up again through `LEVELS` halvings. */
#include <stdio.h>

#include "net/net.h"

#define LEVELS 4
#define WIDTH 32

static ocellus_value *
twice(ocellus_value *x, const char *name, int channels)
{
    char conv[48], norm[48];
    for (int k = 0; k < 2; k++) {
        snprintf(conv, sizeof conv, "%.24s.conv%d", name, k + 1);
        snprintf(norm, sizeof norm, "%.24s.bn%d", name, k + 1);
        x = oc_net_conv_norm(x, conv, norm, channels, 3, 1, 1, 1, 1);
    }
    return x;
}

ocellus_value *
oc_net_unet(ocellus_value *x, int classes)
{
    ocellus_value *across[LEVELS];
    char name[32];
    int channels = WIDTH;
    for (int k = 0; k < LEVELS; k++, channels *= 2) {
        snprintf(name, sizeof name, "down%d", k + 1);
        across[k] = x = twice(x, name, channels);
        x = ocellus_max_pool(x, 2, 2, 0);
    }
    x = twice(x, "middle", channels);
    for (int k = LEVELS - 1; k >= 0; k--) {
        channels /= 2;
        snprintf(name, sizeof name, "up%d.rise", k + 1);
        x = ocellus_conv_transpose2d(x, name, channels, 2, 2, 0);
        x = ocellus_concat(across[k], x, 1);
        snprintf(name, sizeof name, "up%d", k + 1);
        x = twice(x, name, channels);
    }
    return ocellus_conv2d(x, "last", classes, 1, 1, 0, 1, 1);
}
