#!/bin/sh
# run.sh - fuzzes some targets, one after the other, after `make fuzz`; run from
# the build folder:
#
#     run.sh SECONDS [TARGET...]
#
# The corpus grows in fuzz/corpus/TARGET. It begins with the target's own seeds
# and, where FUZZ_SEEDS names a folder (ONNX's node tests unpacked, say), with
# the files found there that the target reads. What ended a run lies in
# fuzz/found/TARGET; `fuzz/TARGET FILE` runs one of them.
set -u
seconds=${1:?how many seconds for each target}
shift
[ $# -gt 0 ] || set -- $(for f in fuzz/*; do
    [ -f "$f" ] && [ -x "$f" ] && basename "$f"; done)

wanted() {
    case $1 in
    onnx) echo '*.onnx' ;;
    tensor) echo '*.pb' ;;
    safetensors) echo '*.safetensors' ;;
    npy) echo '*.npy' ;;
    image) echo '*.jpg *.jpeg *.png *.ppm' ;;
    darknet) echo '*.cfg' ;;
    caffe) echo '*.prototxt *.caffemodel' ;;
    esac
}

# Small files only: what is large is slow and teaches nothing new.
gather() {
    [ -n "${FUZZ_SEEDS-}" ] || return 0
    set -f
    for pattern in $(wanted "$1"); do
        find "$FUZZ_SEEDS/" -name "$pattern" -size -64k -type f
    done | while read -r file; do
        cp "$file" "fuzz/corpus/$1/$(cksum <"$file" | tr ' ' -)"
    done
    set +f
}

status=0
for target; do
    mkdir -p "fuzz/corpus/$target" "fuzz/found/$target"
    "tests/fuzz/$target" --seeds "fuzz/corpus/$target" || exit 1
    gather "$target"
    echo "$target: $(ls "fuzz/corpus/$target" | wc -l) inputs to begin with"
    ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 \
    "fuzz/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3072 \
        -malloc_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="fuzz/found/$target/" "fuzz/corpus/$target" \
        >"fuzz/$target.log" 2>&1 || status=1
    tail -n 8 "fuzz/$target.log"
done
exit $status
