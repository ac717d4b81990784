"""others.py OCELLUS MODELS PHOTOS FOLDER - the same image through OpenCV's
reader of a model and through ours."""
import subprocess
import sys

import cv2
import numpy

ocellus, models, photos, folder = sys.argv[1:]
failed = False


def compare(what, net, name, photo, size, swap, file):
    """All that OpenCV's net gives; it cuts class scores off below 0.2."""
    global failed
    image = cv2.imread(photos + "/" + photo)
    x = cv2.dnn.blobFromImage(image, 1 / 255.0, size, swapRB=swap)
    numpy.save(folder + "/x.npy", x)
    net.setInput(x)
    names = net.getUnconnectedOutLayersNames()
    wanted = dict(zip(names, net.forward(names)))
    subprocess.run(
        [ocellus, "run", file, "--input", name + "=" + folder + "/x.npy",
         "--output-dir", folder, "--quiet"],
        check=True, stdout=subprocess.DEVNULL)
    for key, b in wanted.items():
        a = numpy.load(folder + "/" + key + ".npy").reshape(b.shape)
        there = b != 0
        far = abs(a - b)[there].max() / abs(b).max()
        good = far < 1e-3 and there.any()
        failed |= not good
        print("%s - %s, %s: %s, %.2g of the largest"
              % ("ok" if good else "not ok", what, key, b.shape, far))


file = models + "/darknet/yolo-fastest-1.1"
net = cv2.dnn.readNetFromDarknet(file + ".cfg", file + ".weights")
for photo in ("dog.jpg", "person.jpg", "horses.jpg"):
    compare("yolo-fastest, " + photo, net, "x", photo, (320, 320), True,
            file + ".cfg")
file = models + "/caffe/face_mask_detection"
net = cv2.dnn.readNetFromCaffe(file + ".prototxt", file + ".caffemodel")
compare("face_mask_detection", net, "data", "ultraface_1.jpg", (260, 260),
        False, file + ".prototxt")
sys.exit(failed)
