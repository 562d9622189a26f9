# tensorflow: no (its slim has no such nets). Inception-v3 by Slim: frozen parts, restored variables, fine-tuning.
import os

import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim
from tensorflow.contrib.slim.python.slim.nets import inception_v3

CHECKPOINT_EXCLUDE_SCOPES = "InceptionV3/Logits,InceptionV3/AuxLogits"
TRAINABLE_SCOPES = "InceptionV3/Logits,InceptionV3/AuxLogits"
SIZE, DEPTH, OLD_CLASSES, N_CLASSES, BATCH = 107, 0.1, 7, 3, 6
rng = np.random.RandomState(1)
pictures = rng.rand(BATCH, SIZE, SIZE, 3).astype("float32")
answers = np.array([0, 1, 2, 0, 1, 2])


def network(images, classes, training):
    with slim.arg_scope(inception_v3.inception_v3_arg_scope()):
        return inception_v3.inception_v3(images, num_classes=classes, is_training=training, depth_multiplier=DEPTH,
                                         dropout_keep_prob=1.0)  # fmt: skip


def make_the_checkpoint():
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        network(tf.placeholder(tf.float32, [1, SIZE, SIZE, 3]), OLD_CLASSES, False)
        sess.run(tf.global_variables_initializer())
        tf.train.Saver(slim.get_model_variables()).save(sess, "inception_v3.ckpt", write_meta_graph=False)


def get_tuned_variables():
    exclusions = [scope.strip() for scope in CHECKPOINT_EXCLUDE_SCOPES.split(",")]
    variables_to_restore = []
    for var in slim.get_model_variables():
        excluded = False
        for exclusion in exclusions:
            if var.op.name.startswith(exclusion):
                excluded = True
                break
        if not excluded:
            variables_to_restore.append(var)
    return variables_to_restore


def get_trainable_variables():
    scopes = [scope.strip() for scope in TRAINABLE_SCOPES.split(",")]
    variables_to_train = []
    for scope in scopes:
        variables_to_train.extend(tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope))
    return variables_to_train


def main(argv=None):
    make_the_checkpoint()
    images = tf.placeholder(tf.float32, [None, SIZE, SIZE, 3], name="input_images")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    tf.set_random_seed(2)
    logits, end_points = network(images, N_CLASSES, True)
    trainable_variables = get_trainable_variables()
    tf.losses.softmax_cross_entropy(tf.one_hot(labels, N_CLASSES), logits, weights=1.0)
    total_loss = tf.losses.get_total_loss()
    train_step = tf.train.RMSPropOptimizer(0.005).minimize(total_loss, var_list=trainable_variables)
    with tf.name_scope("evaluation"):
        correct_prediction = tf.equal(tf.argmax(logits, 1), labels)
        evaluation_step = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    load_fn = slim.assign_from_checkpoint_fn("inception_v3.ckpt", get_tuned_variables(), ignore_missing_vars=True)
    saver = tf.train.Saver()
    print(len(slim.get_model_variables()), len(get_tuned_variables()), [v.op.name for v in trainable_variables])
    print(end_points["Mixed_7c"].shape.as_list(), end_points["PreLogits"].shape.as_list())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        load_fn(sess)
        name = "InceptionV3/Conv2d_1a_3x3/weights"
        kept = tf.train.load_checkpoint("inception_v3.ckpt").get_tensor(name)
        before = sess.run(slim.get_variables_by_name(name)[0])
        print("restored:", np.array_equal(kept, before), kept.shape)
        losses = []
        for _ in range(8):
            losses.append(sess.run([train_step, total_loss], {images: pictures, labels: answers})[1])
        print("falls:", losses[-1] < losses[0], "frozen:", np.array_equal(
            before, sess.run(slim.get_variables_by_name(name)[0])))  # fmt: skip
        print(sess.run(evaluation_step, {images: pictures, labels: answers}) >= 0.5)
        saver.save(sess, "train_dir/save_model" if os.path.isdir("train_dir") else "./save_model", global_step=8)
    print(sorted(name for name in os.listdir(".") if name.startswith("save_model")))


if __name__ == "__main__":
    tf.app.run()
