# OC_WARNINGS - the warnings that every file must be free of, in
# OC_WARNING_CFLAGS, as far as this compiler knows them.
AC_DEFUN([OC_WARNINGS], [
  OC_WARNING_CFLAGS=
  for oc_flag in -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
      -Wstrict-prototypes -Wmissing-prototypes; do
    AS_VAR_PUSHDEF([oc_cache], [oc_cv_flag_$oc_flag])
    AC_CACHE_CHECK([whether $CC takes $oc_flag], [oc_cache], [
      oc_saved_CFLAGS=$CFLAGS
      CFLAGS="$CFLAGS -Werror $oc_flag"
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
        [AS_VAR_SET([oc_cache], [yes])], [AS_VAR_SET([oc_cache], [no])])
      CFLAGS=$oc_saved_CFLAGS
    ])
    AS_VAR_IF([oc_cache], [yes],
      [OC_WARNING_CFLAGS="$OC_WARNING_CFLAGS $oc_flag"])
    AS_VAR_POPDEF([oc_cache])
  done
  AC_SUBST([OC_WARNING_CFLAGS])
])
