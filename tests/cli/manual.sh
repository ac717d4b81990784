#!/bin/sh
# manual.sh - the manual and --help name the same options, and no screen of help
# is wider than a terminal.
. "$top_srcdir/tests/cli/common.sh"

run --help
commands=$(sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' "$here/out")
cp "$here/out" "$here/screens"
for command in $commands; do
    run "$command" --help
    cat "$here/out" >>"$here/screens"
done
ok "there is help" [ "$(wc -l <"$here/screens")" -gt 100 ]
sed -n 's/^  --\([a-z-]*\).*/\1/p' "$here/screens" | sort -u >"$here/help"
sed 's/\\-/-/g' "$top_srcdir/src/cmd/ocellus.1" |
    grep -o -- '--[a-z][a-z-]*' | sed 's/^--//' | sort -u >"$here/man"
for option in $(cat "$here/help"); do
    ok "--$option is in the manual" grep -qx -- "$option" "$here/man"
done
for option in $(cat "$here/man"); do
    [ "$option" = version ] ||
        ok "--$option of the manual is there" \
            grep -qx -- "$option" "$here/help"
done

# Each command's own: a heading under OPTIONS names the command, or all; or its
# paragraph under COMMANDS does. Lines of "command option".
sed 's/\\-/-/g; s/[",;:]/ /g' "$top_srcdir/src/cmd/ocellus.1" | awk '
    /^\.SH/ { part = $2; heading = part == "COMMANDS" ? "" : heading }
    /^\.SS/ { heading = $0; sub(/^\.SS/, "", heading) }
    /^\.TP/ { tag = 1; next }
    tag && part == "COMMANDS" { heading = $2 }
    { tag = 0 }
    part == "COMMANDS" || part == "OPTIONS" {
        for (k = 1; k <= NF; k++)
            if ($k ~ /^--[a-z]/) {
                n = split(heading, command, " ")
                for (c = 1; c <= n; c++)
                    print command[c], $k
            }
    }' >"$here/own"
for command in $commands; do
    run "$command" --help
    for option in $(sed -n 's/^  \(--[a-z-]*\).*/\1/p' "$here/out"); do
        ok "the manual has $command $option" \
            grep -qxE -- "($command|All) $option" "$here/own"
    done
done
ok "no line of help is wider than 80" \
    [ "$(awk 'length > 80' "$here/screens" | wc -l)" -eq 0 ]
for word in OCELLUS_DEVICE OCELLUS_CLASS OCELLUS_LOG; do
    ok "$word is in the manual" \
        grep -q "^\.B $word" "$top_srcdir/src/cmd/ocellus.1"
done
finish
