#!/bin/sh
# tune.sh - `ocellus tune`: measures, goes on, carries over, forgets.
. "$top_srcdir/tests/cli/common.sh"
need_device

XDG_CACHE_HOME=$here/cache
export XDG_CACHE_HOME

run tune lenet5 --batch 4 --time 30
ok "tune lenet5" [ "$code" -eq 0 ]
ok "a row for its convolutions" grep -q ' Conv 4x1x28x28 6x1x5x5 6 ' "$here/out"
ok "a sum" grep -q '^the net: .* ms instead of .* ms' "$here/out"
run tune lenet5 --batch 4 --time 30 --json
ok "again: nothing is measured" [ "$(number measured)" -eq 0 ]
ok "again: all is known" [ "$(number known)" -gt 0 ]
known=$(number known)
run tune lenet5 --batch 4 --train --time 1 --json
ok "tune lenet5 --train within a second" [ "$code" -eq 0 ]
ok "what is left is counted" \
    [ $(($(number measured) + $(number known) + $(number left) + \
        $(number dropped))) -eq "$(number classes)" ]

run tune --export "$here/all.tuning"
ok "export" [ "$code" -eq 0 ]
run tune --clear --json
ok "clear" [ "$(number verdicts)" -ge "$known" ]
kept=$(number verdicts)
run tune --import "$here/all.tuning" --json
ok "import: as many as were there" [ "$(number verdicts)" -eq "$kept" ]
run tune lenet5 --batch 4 --json
ok "nothing is measured after the import" [ "$(number measured)" -eq 0 ]

# A verdict of another mind, put where the tuner keeps them: plans follow it.
if sqlite3 --version >/dev/null 2>&1; then
    db=$here/cache/ocellus/cache.db
    sqlite3 "$db" "UPDATE verdict SET text = 'direct 1 blocked 2'
        WHERE kind = 'tune' AND name LIKE 'Conv 4x1x28x28 %'
        AND name NOT LIKE '%training'"
    run show lenet5 --batch 4 --why
    ok "show: tuned" grep -qE '^c1 .* Conv .* direct .* tuned' "$here/out"
    run bench lenet5 --batch 4 --seconds 0.1 --profile
    ok "bench --profile: tuned" grep -qE '^Conv +direct +\*' "$here/out"
fi

# What was changed by hand is not believed.
sed "s/^[^ ]* [0-9]* \([^ ]* [0-9]* Conv 4x1x28x28\)/direct 1 \1/" \
    "$here/all.tuning" >"$here/edited.tuning"
ok "a verdict was edited" \
    [ "$(cmp "$here/all.tuning" "$here/edited.tuning" | wc -l)" -eq 1 ]
exits 5 "a file that was changed" tune --import "$here/edited.tuning"
head -n 4 "$here/all.tuning" >"$here/torn.tuning"
exits 5 "a file that is torn" tune --import "$here/torn.tuning"
exits 10 "a file that is not there" tune --import "$here/none"
exits 2 "neither a net nor a file" tune
exits 2 "both" tune lenet5 --clear
finish
