# OC_CLBLAST - CLBlast with its C interface (clblast_c.h). Wants OC_OPENCL
# before it. Sets and substitutes CLBLAST_CFLAGS and CLBLAST_LIBS.
AC_DEFUN([OC_CLBLAST], [
  AC_REQUIRE([OC_OPENCL])
  PKG_CHECK_MODULES([CLBLAST], [clblast], [], [
    CLBLAST_LIBS=-lclblast
    CLBLAST_CFLAGS=
  ])

  oc_saved_CPPFLAGS=$CPPFLAGS
  oc_saved_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $CLBLAST_CFLAGS $OPENCL_CFLAGS"
  LIBS="$CLBLAST_LIBS $OPENCL_LIBS $LIBS"
  AC_CACHE_CHECK([for CLBlast's C interface], [oc_cv_clblast], [
    AC_LINK_IFELSE([AC_LANG_PROGRAM(
      [[#include <clblast_c.h>]],
      [[return CLBlastClearCache();]])],
      [oc_cv_clblast=yes], [oc_cv_clblast=no])
  ])
  CPPFLAGS=$oc_saved_CPPFLAGS
  LIBS=$oc_saved_LIBS
  AS_IF([test "$oc_cv_clblast" = no], [
    AC_MSG_ERROR([CLBlast with clblast_c.h is missing.
On Debian and Ubuntu: apt-get install libclblast-dev])
  ])
  AC_SUBST([CLBLAST_CFLAGS])
  AC_SUBST([CLBLAST_LIBS])
])
