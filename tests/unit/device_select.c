/* device_select.c - which device a choice means, on lists written by hand and
 * on the real one. */
#include <stdio.h>
#include <string.h>

#include "device/inside.h"
#include "tests/unit/suite.h"

static struct oc_found list[4];

static void
set_device(int k, const char *name, const char *platform, const char *kind,
           int64_t score)
{
    ocellus_device_info *info = &list[k].info;

    memset(info, 0, sizeof(*info));
    info->index = k;
    info->score = score;
    snprintf(info->name, sizeof(info->name), "%s", name);
    snprintf(info->platform, sizeof(info->platform), "%s", platform);
    snprintf(info->vendor, sizeof(info->vendor), "Some Maker");
    snprintf(info->kind, sizeof(info->kind), "%s", kind);
}

static void
setup(void)
{
    unsetenv("OCELLUS_DEVICE");
    set_device(0, "Brand CPU", "Portable Computing Language", "cpu", 10);
    set_device(1, "Swift 100", "Swift OpenCL", "gpu", 30);
    set_device(2, "Swift 1000", "Swift OpenCL", "gpu", 40);
    set_device(3, "Odd One", "Odd", "accelerator", 20);
}

static void
check_choice(const char *choice, int index)
{
    int got = -1;

    ck_assert_msg(oc_found_choose(list, 4, choice, &got) == OCELLUS_OK, "%s",
                  ocellus_error());
    ck_assert_int_eq(got, index);
    for (int k = 0; k < 4; k++)
        ck_assert_int_eq(list[k].info.chosen, k == index);
}

START_TEST(a_choice_that_fits)
{
    check_choice(NULL, 2);
    check_choice("", 2);
    check_choice("0", 0);
    check_choice("3", 3);
    check_choice("gpu", 2);
    check_choice("CPU", 0);
    check_choice("accelerator", 3);
    check_choice("brand", 0);
    check_choice("portable", 0);
    check_choice("Swift 100", 1);
    check_choice("swift 1000", 2);
    setenv("OCELLUS_DEVICE", "cpu", 1);
    check_choice(NULL, 0);
    check_choice("1", 1);
}
END_TEST

static void
check_refused(const char *choice, int count, ocellus_status status,
              const char *words)
{
    int index;

    ck_assert_int_eq(oc_found_choose(list, count, choice, &index), status);
    ck_assert_msg(strstr(ocellus_error(), words) != NULL, "%s",
                  ocellus_error());
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "0: Brand CPU"));
}

START_TEST(a_choice_that_does_not_fit_lists_what_there_is)
{
    check_refused("swift", 4, OCELLUS_BAD_ARGUMENT, "fits several");
    check_refused("nonsense", 4, OCELLUS_BAD_ARGUMENT, "\"nonsense\"");
    check_refused("4", 4, OCELLUS_BAD_ARGUMENT, "3: Odd One");
    check_refused("99999999999999999999", 4, OCELLUS_BAD_ARGUMENT, "past");
    check_refused("-1", 4, OCELLUS_BAD_ARGUMENT, "is not known");
    check_refused("gpu", 1, OCELLUS_NO_DEVICE, "is not here");
    setenv("OCELLUS_DEVICE", "rubbish", 1);
    check_refused(NULL, 4, OCELLUS_BAD_ARGUMENT, "\"rubbish\"");
}
END_TEST

START_TEST(the_real_list)
{
    ocellus_device_info *real;
    ocellus_device *device;
    int count, chosen = 0;

    ck_assert_int_eq(ocellus_device_list(0, &real, &count), OCELLUS_OK);
    ck_assert_int_gt(count, 0);
    for (int k = 0; k < count; k++) {
        ck_assert_int_eq(real[k].index, k);
        ck_assert_int_ne(real[k].name[0], '\0');
        ck_assert_uint_ge(real[k].memory, real[k].largest_allocation);
        ck_assert_int_eq(real[k].half, -1);
        chosen += real[k].chosen;
    }
    ck_assert_int_eq(chosen, 1);
    ocellus_device_list_free(real);
    ck_assert_int_eq(ocellus_device_open("0", &device), OCELLUS_OK);
    ck_assert_int_ge(ocellus_device_get_info(device)->half, 0);
    ck_assert_int_ge(ocellus_device_get_info(device)->fp64, 0);
    ck_assert_int_eq(ocellus_device_wait(device), OCELLUS_OK);
    ocellus_device_close(device);
    ocellus_device_close(NULL);
}
END_TEST

/* A nonsensical OCELLUS_DEVICE fails to open, but the list is still shown. */
START_TEST(nonsense_in_the_environment)
{
    ocellus_device_info *real;
    ocellus_device *device;
    int count;

    setenv("OCELLUS_DEVICE", "no such thing at all", 1);
    ck_assert_int_eq(ocellus_device_open(NULL, &device), OCELLUS_BAD_ARGUMENT);
    ck_assert_ptr_null(device);
    ck_assert_int_eq(ocellus_device_list(0, &real, &count), OCELLUS_OK);
    for (int k = 0; k < count; k++)
        ck_assert_int_eq(real[k].chosen, 0);
    ocellus_device_list_free(real);
}
END_TEST

/* What the doctor found wrong stays refused in the next process, until it is
 * found right. */
START_TEST(verdicts_of_the_doctor)
{
    ocellus_device *device;
    char folder[] = "/tmp/ocellus-verdict-XXXXXX", command[64];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    for (int round = 0; round < 3; round++) {
        const struct oc_caps *caps;

        ck_assert_int_eq(ocellus_device_open(NULL, &device), OCELLUS_OK);
        caps = oc_device_caps(device);
        ck_assert_int_eq(caps->n_quarantine, round == 0 ? 0 : 1);
        if (round > 0)
            ck_assert_str_eq(caps->quarantine[0],
                             round == 1 ? "Conv:fast" : "Gemm:fast");
        ck_assert_int_eq(oc_device_judge(device, "Gemm:fast", "off by 1"),
                         OCELLUS_OK);
        ck_assert_int_eq(oc_device_judge(device, "Conv:fast", "off by 2"),
                         OCELLUS_OK);
        ck_assert_int_eq(oc_device_judge(device, "Relu:fast", NULL),
                         OCELLUS_OK);
        ck_assert_int_eq(caps->n_quarantine, 2);
        ck_assert_int_eq(
            oc_device_judge(device, round ? "Conv:fast" : "Gemm:fast", NULL),
            OCELLUS_OK);
        ck_assert_int_eq(caps->n_quarantine, 1);
        ocellus_device_close(device);
    }
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* The loader finds no driver where its folder of drivers is another one. */
START_TEST(no_device_names_a_package)
{
    ocellus_device_info *real;
    ocellus_device *device;
    int count;

    setenv("OCL_ICD_VENDORS", "/nonexistent/", 1);
    if (ocellus_device_list(0, &real, &count) == OCELLUS_OK) {
        /* A loader that does not know the variable. */
        ocellus_device_list_free(real);
        return;
    }
    ck_assert_ptr_null(real);
    ck_assert_int_eq(count, 0);
    ck_assert_int_eq(ocellus_device_open(NULL, &device), OCELLUS_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(ocellus_error(), "pocl-opencl-icd"));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, a_choice_that_fits);
    tcase_add_test(tests, a_choice_that_does_not_fit_lists_what_there_is);
    tcase_add_test(tests, the_real_list);
    tcase_add_test(tests, nonsense_in_the_environment);
    tcase_add_test(tests, verdicts_of_the_doctor);
    tcase_add_test(tests, no_device_names_a_package);
}

int
main(void)
{
    return run_suite("device_select", add);
}
