#!/bin/sh
# format.sh - clang-format would change nothing.
cd "${top_srcdir:-.}" || exit 99
format=${CLANG_FORMAT:-clang-format}
if ! command -v "$format" >/dev/null 2>&1; then
    echo 'ok - # SKIP clang-format is missing'
    exit 77
fi
# Other versions break lines elsewhere.
case $("$format" --version) in
*'version 14.'*) ;;
*)
    echo 'ok - # SKIP only clang-format 14 is asked'
    exit 77
    ;;
esac

failed=0
for file in $(find src include tests -name '*.[ch]' | sort); do
    said=$("$format" --dry-run -Werror "$file" 2>&1) && continue
    echo "not ok - $file"
    echo "$said" | head -n 4 | sed 's/^/    /'
    failed=1
done
[ $failed -eq 0 ] && echo 'ok - formatted'
exit $failed
