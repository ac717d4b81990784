#!/bin/sh
# embed.sh - writes the kernels' texts as a C file to standard output.
#
#   embed.sh SRCDIR cl/a.cl cl/b.cl ...
#
# A line `#include "NAME.clh"` gives way to that file, since OpenCL compilers are
# handed text and know of no folder.
#
# Bytes are written as numbers: a string literal may hold 4095 characters only
# (C11 5.2.4.1), and numbers need no quoting.
set -eu

srcdir=$1
shift

part=$(mktemp)
trap 'rm -f "$part"' EXIT

stem() {
    basename "$1" .cl
}

whole() {
    awk -v folder="$srcdir/cl" '
        /^#include "[a-z_]*\.clh"$/ {
            split($0, word, "\"")
            part = folder "/" word[2]
            while ((got = (getline line < part)) > 0)
                print line
            if (got < 0) {
                print "embed.sh: cannot read " part > "/dev/stderr"
                exit 1
            }
            close(part)
            next
        }
        { print }' "$1"
}

echo '/* Made by cl/embed.sh from the files in cl/. */'
echo '#include "op/kernel_source.h"'
echo
echo '#include <stddef.h>'
for file in "$@"; do
    name=$(stem "$file")
    echo
    echo "static const unsigned char text_$name[] = {"
    whole "$srcdir/$file" >"$part"
    od -An -v -tu1 "$part" | sed 's/  */,/g; s/^,//; s/$/,/'
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
