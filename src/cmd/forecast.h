/* forecast.h - how well numbers are forecast: the root of the mean squared
 * error, in the data's unit, beside that of taking the last number seen. */
#ifndef OC_CMD_FORECAST_H
#define OC_CMD_FORECAST_H

#include "cmd/cmd.h"

/* Begins zeroed. */
struct cmd_forecast {
    double squares, naive; /* sums of squared errors, of normalised numbers */
    int64_t count;
};

/* A batch's forecasts, N x 1. */
ocellus_status cmd_forecast_add(struct cmd_forecast *forecast,
                                const ocellus_tensor *y,
                                const ocellus_batch *batch);
/* Mean squared error of normalised numbers; NaN when there are none. */
double cmd_forecast_loss(const struct cmd_forecast *forecast);
/* Such an error in the data's unit, as a root. */
double cmd_forecast_unit(double loss, ocellus_dataset *dataset);
/* rmse, naive_rmse, loss, windows. */
json_t *cmd_forecast_json(const struct cmd_forecast *forecast,
                          ocellus_dataset *dataset);
/* What is forecast: labels are numbers, no classes. */
int cmd_forecasts(const ocellus_dataset *dataset);

#endif
