# OC_OPENCL - the OpenCL ICD loader and the headers of OpenCL 1.2 or newer.
#
# Sets and substitutes OPENCL_CFLAGS and OPENCL_LIBS. The headers are told to
# declare OpenCL 1.2 and no more: it is the floor of every device, and a call
# that is not declared cannot be made by mistake.
AC_DEFUN([OC_OPENCL], [
  PKG_CHECK_MODULES([OPENCL], [OpenCL], [], [
    OPENCL_LIBS=-lOpenCL
    OPENCL_CFLAGS=
  ])
  OPENCL_CFLAGS="$OPENCL_CFLAGS -DCL_TARGET_OPENCL_VERSION=120"

  oc_saved_CPPFLAGS=$CPPFLAGS
  oc_saved_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $OPENCL_CFLAGS"
  LIBS="$OPENCL_LIBS $LIBS"
  AC_CACHE_CHECK([for the OpenCL loader and headers], [oc_cv_opencl], [
    AC_LINK_IFELSE([AC_LANG_PROGRAM(
      [[#include <CL/cl.h>
#ifndef CL_VERSION_1_2
#error headers older than OpenCL 1.2
#endif]],
      [[cl_uint n; return clGetPlatformIDs(0, 0, &n);]])],
      [oc_cv_opencl=yes], [oc_cv_opencl=no])
  ])
  CPPFLAGS=$oc_saved_CPPFLAGS
  LIBS=$oc_saved_LIBS
  AS_IF([test "$oc_cv_opencl" = no], [
    AC_MSG_ERROR([the OpenCL loader or its headers are missing.
On Debian and Ubuntu: apt-get install ocl-icd-opencl-dev opencl-headers
On Fedora: dnf install ocl-icd-devel opencl-headers])
  ])
  AC_SUBST([OPENCL_CFLAGS])
  AC_SUBST([OPENCL_LIBS])
])
