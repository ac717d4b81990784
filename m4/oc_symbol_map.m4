# OC_SYMBOL_MAP - whether the linker takes a version script; the conditional
# HAVE_SYMBOL_MAP. Hidden visibility does most of the work without it.
AC_DEFUN([OC_SYMBOL_MAP], [
  AC_CACHE_CHECK([whether the linker takes a version script],
    [oc_cv_symbol_map], [
    echo 'OCELLUS_TRY { global: main; local: *; };' > conftest.map
    oc_saved_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS -Wl,--version-script=conftest.map"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
      [oc_cv_symbol_map=yes], [oc_cv_symbol_map=no])
    LDFLAGS=$oc_saved_LDFLAGS
    rm -f conftest.map
  ])
  AM_CONDITIONAL([HAVE_SYMBOL_MAP], [test "$oc_cv_symbol_map" = yes])
])
