/* forecast.c - see forecast.h. */
#include "cmd/forecast.h"

#include <math.h>

ocellus_status
cmd_forecast_add(struct cmd_forecast *forecast, const ocellus_tensor *y,
                 const ocellus_batch *batch)
{
    const float *made = ocellus_tensor_data(y);
    const float *right = ocellus_tensor_data(batch->labels);
    const float *seen = ocellus_tensor_data(batch->x);
    const int64_t window = ocellus_tensor_dims(batch->x)[1];
    if (ocellus_tensor_type(y) != OCELLUS_FLOAT ||
        ocellus_tensor_count(y) != (size_t)batch->count)
        return cmd_fail(OCELLUS_BAD_MODEL,
                        "the model gave %zu numbers for %lld windows",
                        ocellus_tensor_count(y), (long long)batch->count);
    for (int64_t k = 0; k < batch->count; k++) {
        double off = (double)made[k] - (double)right[k];
        double last = (double)seen[(k + 1) * window - 1] - (double)right[k];
        forecast->squares += off * off;
        forecast->naive += last * last;
    }
    forecast->count += batch->count;
    return OCELLUS_OK;
}

double
cmd_forecast_loss(const struct cmd_forecast *forecast)
{
    return forecast->count > 0 ? forecast->squares / (double)forecast->count
                               : NAN;
}

double
cmd_forecast_unit(double loss, ocellus_dataset *dataset)
{
    float mean, std;
    if (ocellus_dataset_get_normalization(dataset, &mean, &std) != OCELLUS_OK)
        return NAN;
    return sqrt(loss) * (double)std;
}

json_t *
cmd_forecast_json(const struct cmd_forecast *forecast, ocellus_dataset *dataset)
{
    double loss = cmd_forecast_loss(forecast);
    double naive = forecast->naive / (double)forecast->count;
    json_t *o = json_object();
    json_object_set_new(o, "rmse", cmd_real(cmd_forecast_unit(loss, dataset)));
    json_object_set_new(o, "naive_rmse",
                        cmd_real(cmd_forecast_unit(naive, dataset)));
    json_object_set_new(o, "loss", cmd_real(loss));
    json_object_set_new(o, "windows", json_integer(forecast->count));
    return o;
}

int
cmd_forecasts(const ocellus_dataset *dataset)
{
    ocellus_type type;
    ocellus_dataset_labels(dataset, &type);
    return type == OCELLUS_FLOAT;
}
