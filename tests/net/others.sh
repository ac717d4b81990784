#!/bin/sh
# others.sh - Darknet's and Caffe's models of OCELLUS_TEST_DATA beside OpenCV:
# on the photos there, within 1e-3 of the largest number. OPENCV_PYTHON is a
# Python with cv2 (python3).
. "$top_srcdir/tests/cli/common.sh"
python=${OPENCV_PYTHON-python3}
models=${OCELLUS_TEST_DATA-}/data/models
if [ ! -d "$models/darknet" ]; then
    echo "OCELLUS_TEST_DATA is not set: no models of others"
    exit 77
fi
if ! "$python" -c 'import cv2, numpy' 2>/dev/null; then
    echo "$python has no cv2 (OPENCV_PYTHON names one that has)"
    exit 77
fi
need_device
"$python" -W ignore "$top_srcdir/tests/net/others.py" \
    "$OCELLUS" "$models" "$models/../photos" "$here"
