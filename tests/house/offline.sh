#!/bin/sh
# offline.sh - the programs for graphics cards, through compilers for cards
# that need not be there: clang and libclc for NVIDIA (PTX, which ptxas
# assembles where CUDA has brought it) and for AMD; ocloc for Intel where it is
# installed.
#
# What is compiled: all that gpu_programs plans for named nets, and every other
# file of cl/ with the defaults of its options. All must compile. A kernel whose
# file says in its head
#
#     Registers at most: NAME 168, NAME/128x128 128, NAME/128x128/halves 136.
#
# (the second with tiles of 128 x 128, the third with those and -DHALVES=1) must
# also keep all its variables in registers, no more than so many: NVIDIA's a
# work-item, AMD's vectors a lane.
# Programs with NVIDIA's instructions (-DMMA_PTX=1) are compiled for NVIDIA
# alone, where their multiplications must be in the PTX, those with AMD's
# products of two halves (-DHALVES=1) for AMD's cards that have them; without
# them the same in loops is for tests, and may take what it takes.
#
# The table is in the test's log:
#
#     sm_80, sm_90     registers, bytes of stack, bytes of spill stores
#     gfx900, gfx1030  vector registers, bytes of scratch, waves a SIMD; the
#                      first in `make check-full` alone
top_builddir=${top_builddir:-.}
srcdir=${top_srcdir:-.}
clang=${CLANG:-clang-14}
clc=${LIBCLC:-/usr/lib/clc}
cards='gfx1030'
[ -z "${OCELLUS_TEST_FULL-}" ] || cards='gfx900 gfx1030'
intel='dg2'

# ------------------------------------------------------------- one program

# The arguments for clang that all targets share; then "$@".
compile() {
    "$clang" -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -O3 -S \
        -Wno-linker-warnings -Wno-unused-command-line-argument -nogpulib "$@"
}

# Has the program instructions of NVIDIA's?
multiplies() {
    case $options in
    *-DMMA_PTX=1*) return 0 ;;
    esac
    return 1
}

# Has it instructions of AMD's?
adds_pairs() {
    case $options in
    *-DHALVES=1*) return 0 ;;
    esac
    return 1
}

# clang hides vload_half, which is in every OpenCL, where half is no type.
nvidia() {
    # shellcheck disable=SC2086 # words
    compile -target nvptx64-nvidia-nvcl -fgnu-keywords \
        -Xclang -cl-ext=+cl_khr_fp16 \
        -Xclang -target-cpu -Xclang sm_80 \
        -Xclang -target-feature -Xclang +ptx70 \
        -Xclang -mlink-builtin-bitcode -Xclang "$clc/nvptx64--nvidiacl.bc" \
        $options "$program.cl" -o "$program.ptx" || return 1
    # Private arrays that did not become registers lie in a "depot".
    awk '
        /^\.entry/ { kernel = $2; sub(/\(.*/, "", kernel); depot[kernel] = 0 }
        /__local_depot[0-9]+\[/ {
            split($0, part, /[\[\]]/)
            depot[kernel] = part[2]
        }
        END { for (k in depot) print k, "ptx", "-", depot[k], 0 }' \
        "$program.ptx" >>"$program.row"
    if multiplies && ! grep -q '^[[:space:]]*mma\.sync\.aligned' \
        "$program.ptx"; then
        echo 'there is no mma.sync in it'
        return 1
    fi
    command -v ptxas >/dev/null 2>&1 || return 0
    for arch in sm_80 sm_90; do
        ptxas -v -arch=$arch "$program.ptx" -o "$program.cubin" \
            2>"$program.said" || {
            cat "$program.said"
            return 1
        }
        if multiplies && command -v nvdisasm >/dev/null 2>&1 &&
            ! nvdisasm "$program.cubin" | grep -q 'HMMA'; then
            echo "there is no HMMA in it for $arch"
            return 1
        fi
        awk -v arch=$arch '
            /Compiling entry function/ {
                kernel = $7
                gsub(/\047/, "", kernel)
            }
            /bytes stack frame/ { stack = $1; spill = $5 }
            /Used [0-9]+ registers/ {
                for (i = 1; i < NF; i++)
                    if ($i == "Used")
                        print kernel, arch, $(i + 1), stack, spill
            }' "$program.said" >>"$program.row"
    done
}

amd() {
    # shellcheck disable=SC2086 # words
    compile -target amdgcn-amd-amdhsa -mcpu="$1" \
        -Xclang -mlink-builtin-bitcode -Xclang "$clc/amdgcn--amdhsa.bc" \
        $options "$program.cl" -o "$program.s" || return 1
    if adds_pairs && ! grep -q 'v_dot2' "$program.s"; then
        echo 'there is no v_dot2 in it'
        return 1
    fi
    awk -v card="$1" '
        /\.amdhsa_kernel / { kernel = $2 }
        /^; NumVgprs:/ { registers = $3 }
        /^; ScratchSize:/ { scratch = $3 }
        /^; Occupancy:/ { print kernel, card, registers, scratch, $3 }' \
        "$program.s" >>"$program.row"
}

# It names a kernel that spills in a warning.
intel() {
    # shellcheck disable=SC2086 # words
    ocloc compile -file "$program.cl" -device "$1" -output "${program##*/}" \
        -out_dir "${program%/*}" -options "-cl-std=CL1.2 $options" \
        >"$program.said" 2>&1 || {
        cat "$program.said"
        return 1
    }
    sed -n "s/.*kernel \([a-z_0-9]*\).*spilled around \([0-9]*\).*/\
\1 $1 - \2 0/p" "$program.said" >>"$program.row"
}

if [ "$1" = one ]; then
    program=$2
    : >"$program.row"
    options=$(cut -s -d ' ' -f 2- "$program.options")
    {
        adds_pairs || nvidia || echo 'does not compile for NVIDIA'
        multiplies && cards=
        adds_pairs && cards=gfx1030
        multiplies && intel=
        adds_pairs && intel=
        for card in $cards; do
            amd "$card" || echo "does not compile for $card"
        done
        if command -v ocloc >/dev/null 2>&1; then
            for card in $intel; do
                intel "$card" || echo "does not compile for $card"
            done
        fi
    } >"$program.wrong" 2>&1
    rm -f "$program.ptx" "$program.s" "$program.cubin"
    exit 0
fi

# ---------------------------------------------------------------- all of them

if ! command -v "$clang" >/dev/null 2>&1; then
    echo "ok - # SKIP $clang is missing (Debian: clang-14)"
    exit 77
fi
for part in nvptx64--nvidiacl.bc amdgcn--amdhsa.bc; do
    if [ ! -f "$clc/$part" ]; then
        echo "ok - # SKIP $clc/$part is missing (Debian: libclc-14)"
        exit 77
    fi
done
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT

"$top_builddir/tests/house/gpu_programs" "$folder" >"$folder/count" || exit 99
for file in "$srcdir"/cl/*.cl; do
    name=$(basename "$file" .cl)
    if [ "$name" = common ] || grep -qs "^$name " "$folder"/*.options; then
        continue
    fi
    # An OpenCL compiler knows of no folder: parts go in as embed.sh does it.
    cat "$srcdir/cl/common.cl" >"$folder/$name.cl"
    awk -v folder="$srcdir/cl" '
        /^#include "[a-z_]*\.clh"$/ {
            split($0, word, "\"")
            part = folder "/" word[2]
            while ((getline line < part) > 0)
                print line
            close(part)
            next
        }
        { print }' "$file" >>"$folder/$name.cl"
    echo "$name " >"$folder/$name.options"
done
command -v ptxas >/dev/null 2>&1 ||
    echo '# no ptxas (CUDA): for NVIDIA only what PTX says'
command -v nvdisasm >/dev/null 2>&1 ||
    echo '# no nvdisasm (CUDA): multiplications looked for in PTX alone'
command -v ocloc >/dev/null 2>&1 ||
    echo '# no ocloc (Debian: intel-opencl-icd): not compiled for Intel'
find "$folder" -name '*.options' | sed 's/\.options$//' | sort |
    xargs -n 1 -P "$(nproc 2>/dev/null || echo 1)" sh "$0" one

# FILE KERNEL REGISTERS: two files may have kernels of one name.
for file in "$srcdir"/cl/*.cl; do
    sed -n 's/^.*Registers at most: *//p' "$file" | sed 's/\..*//' |
        tr ',' '\n' | sed "s/^ */$(basename "$file" .cl) /"
done >"$folder/limits"

failed=0
for options in "$folder"/*.options; do
    program=${options%.options}
    what=$(cat "$options")
    if [ -s "$program.wrong" ]; then
        echo "not ok - cl/$what"
        sed 's/^/# /' "$program.wrong" | head -n 20
        failed=1
        continue
    fi
    # The table; a heavy kernel's row may be wrong.
    if awk -v limits="$folder/limits" -v what="$what" \
        -v file="${what%% *}" '
        function option(name) {
            if (!match(what, "-D" name "=[0-9]+"))
                return ""
            return substr(what, RSTART + length(name) + 3,
                          RLENGTH - length(name) - 3)
        }
        BEGIN {
            tile = "/" option("TILE_M") "x" option("TILE_N")
            while ((getline line < limits) > 0) {
                split(line, word, " ")
                if (word[1] == file)
                    limit[word[2]] = word[3]
            }
        }
        {
            gpu = $2 ~ /^gfx/
            waves = gpu ? ", " $5 " waves" : ""
            spill = gpu ? 0 : $5
            most = "none"
            if ($1 in limit)
                most = limit[$1]
            if (($1 tile) in limit)
                most = limit[$1 tile]
            if (what ~ /-DHALVES=1/ && ($1 tile "/halves") in limit)
                most = limit[$1 tile "/halves"]
            if (what ~ /-DMMA_PTX=0/)
                most = "none"
            bad = most != "none" && ($4 > 0 || spill > 0 ||
                                  ($3 != "-" && $3 > most + 0))
            if (most != "none")
                printf "# %s%-16s %-8s %4s registers, %d on the stack, " \
                    "%d spilled%s\n", bad ? "WRONG " : "", $1, $2, $3, $4, \
                    spill, waves
            wrong = wrong || bad
        }
        END { exit wrong }' "$program.row" >"$program.said"; then
        echo "ok - cl/$what"
    else
        echo "not ok - cl/$what"
        failed=1
    fi
    cat "$program.said"
done
exit $failed
