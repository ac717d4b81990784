#!/bin/sh
# floors.sh - a file includes its own floor and lower ones, never a higher one;
# src/net and src/cmd see the public headers alone; and nothing outside
# src/device, src/api and ocellus_cl.h says cl_.
cd "${top_srcdir:-.}" || exit 99

sources=$(find src -name '*.[ch]' -o -name '*.def' | sort)

includes() {
    # shellcheck disable=SC2086 # a list of names
    awk '{
        if (match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*/)) {
            name = substr($0, RSTART, RLENGTH)
            sub(/^[^"<]*/, "", name)
            print FILENAME, substr(name, 2), substr(name, 1, 1)
        }
    }' $sources
}

floors() {
    includes | awk '
    BEGIN {
        floor["base"] = 0; floor["graph"] = 1; floor["op"] = 2
        floor["pass"] = 3; floor["plan"] = 4; floor["device"] = 5
        floor["format"] = 5; floor["data"] = 5; floor["train"] = 6
        floor["vision"] = 6; floor["api"] = 7; floor["net"] = 8
        floor["cmd"] = 9
    }
    function complain(what) { print "not ok - " $1 " includes " $2 ": " what }
    {
        split($1, from, "/"); mine = from[2]
        split($2, to, "/"); its = to[1]
        if (!(mine in floor)) {
            print "not ok - " $1 ": room src/" mine " has no floor"
        } else if ($2 ~ /^CL\// || $2 ~ /^clblast/) {
            if (mine != "device" && mine != "api")
                complain("OpenCL is for src/device and src/api")
        } else if ($3 == "<" || $2 ~ /^(ocellus|ocellus_cl|config)\.h$/) {
            next
        } else if (index($2, "/") == 0) {
            complain("say the room, \"" mine "/" $2 "\"")
        } else if (!(its in floor)) {
            complain("there is no room " its)
        } else if (floor[mine] >= 8 && its != mine) {
            complain("src/" mine " sees the public headers alone")
        } else if (floor[its] > floor[mine]) {
            complain("floor " floor[its] " is above floor " floor[mine])
        }
    }'
}

opencl() {
    # shellcheck disable=SC2086 # a list of names
    grep -nE '(^|[^A-Za-z0-9_])cl_' $sources include/ocellus.h |
        grep -vE '^src/(device|api)/' |
        sed 's/^/not ok - says cl_: /'
}

wrong=$(floors; opencl)
if [ -n "$wrong" ]; then
    echo "$wrong"
    exit 1
fi
echo "ok - $(echo "$sources" | wc -l) files keep to their floors"
