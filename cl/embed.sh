#!/bin/sh
# embed.sh - writes the kernels' texts as a C file to standard output.
#
#   embed.sh SRCDIR cl/a.cl cl/b.cl ...
#
# Bytes are written as numbers: a string literal may hold 4095 characters only
# (C11 5.2.4.1), and numbers need no quoting.
set -eu

srcdir=$1
shift

stem() {
    basename "$1" .cl
}

echo '/* Made by cl/embed.sh from the files in cl/. */'
echo '#include "op/kernel_source.h"'
echo
echo '#include <stddef.h>'
for file in "$@"; do
    name=$(stem "$file")
    echo
    echo "static const unsigned char text_$name[] = {"
    od -An -v -tu1 "$srcdir/$file" | sed 's/  */,/g; s/^,//; s/$/,/'
    echo '0};'
done
echo
echo 'const struct oc_kernel_source oc_kernel_sources[] = {'
for file in "$@"; do
    name=$(stem "$file")
    echo "    {\"$name\", (const char *)text_$name},"
done
echo '    {NULL, NULL},'
echo '};'
