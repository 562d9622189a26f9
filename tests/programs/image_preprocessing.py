# Pictures: encoded, decoded, resized, cropped, flipped, with other colours and boxes.
import numpy as np
import tensorflow as tf

picture = np.random.RandomState(3).randint(0, 255, (24, 32, 3)).astype("uint8")
with tf.Session() as sess:
    png = sess.run(tf.image.encode_png(picture))
    with tf.gfile.GFile("picture.png", "wb") as f:
        f.write(png)
    image_raw = tf.gfile.FastGFile("picture.png", "rb").read()
    img = tf.image.decode_png(image_raw)
    print((img.eval() == picture).all(), img.dtype.name)
    img = tf.image.convert_image_dtype(img, dtype=tf.float32)
    steps = [tf.image.resize_images(img, [12, 20], method=m) for m in range(4)]
    steps += [
        tf.image.resize_image_with_crop_or_pad(img, 30, 16),
        tf.image.central_crop(img, 0.5),
        tf.image.flip_up_down(img),
        tf.image.flip_left_right(img),
        tf.image.transpose_image(img),
        tf.image.adjust_brightness(img, -0.3),
        tf.image.adjust_contrast(img, -5),
        tf.image.adjust_hue(img, 0.3),
        tf.image.adjust_saturation(img, -2),
        tf.image.per_image_standardization(img),
        tf.image.random_brightness(img, 0.3, seed=1),
        tf.image.random_flip_left_right(img, seed=2),
        tf.image.random_contrast(img, 0.1, 2.0, seed=3),
        tf.clip_by_value(img, 0.2, 0.8),
    ]
    for step in steps:
        value = sess.run(step)
        print(value.shape, "%.4f %.4f" % (value.mean(), value.std()))
    boxes = tf.constant([[[0.05, 0.05, 0.9, 0.7], [0.35, 0.47, 0.5, 0.56]]])
    drawn = tf.image.draw_bounding_boxes(tf.expand_dims(img, 0), boxes)
    print("%.4f" % sess.run(drawn).mean())
    begin, size, box = tf.image.sample_distorted_bounding_box(tf.shape(img), boxes, seed=4, min_object_covered=0.4)
    print([v.ravel().tolist() for v in sess.run([begin, size])])
