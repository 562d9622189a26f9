# The old input functions: producers of ranges and slices, readers of lines, batches of several sizes, epochs.
import os

import numpy as np
import tensorflow as tf

for name, rows in (("a.csv", ["1,2.5,x", "2,,y"]), ("b.csv", ["3,4.5,z", "4,1.0,w", "5,0.5,v"])):
    with open(name, "w") as f:
        f.write("\n".join(["id,value,word"] + rows) + "\n")

with tf.Graph().as_default():
    queue = tf.train.string_input_producer(["a.csv", "b.csv"], shuffle=False, num_epochs=2)
    reader = tf.TextLineReader(skip_header_lines=1)
    key, line = reader.read(queue)
    number, value, word = tf.decode_csv(line, record_defaults=[[0], [9.0], [""]])
    numbers, values, words = tf.train.batch([number, value, word], 4, allow_smaller_final_batch=True, num_threads=1)
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess=sess, coord=coord)
        try:
            while not coord.should_stop():
                print([part.tolist() for part in sess.run([numbers, values, words])])
        except tf.errors.OutOfRangeError:
            print("Done training -- epoch limit reached")
        finally:
            coord.request_stop()
        coord.join(threads)

with tf.Graph().as_default():
    images = np.arange(24).reshape(6, 4).astype("float32")
    labels = np.arange(6)
    image, label = tf.train.slice_input_producer([images, labels], shuffle=False, num_epochs=None)
    index = tf.train.range_input_producer(5, shuffle=False).dequeue()
    image_batch, label_batch, index_batch = tf.train.batch([image, label, index], batch_size=4, capacity=12)
    other = tf.train.slice_input_producer([labels], shuffle=True, seed=5)[0]
    doubled = tf.train.batch([tf.stack([other, other * 2])], 3, enqueue_many=True)
    padded = tf.train.batch(
        [tf.range(tf.train.range_input_producer(3, shuffle=False).dequeue() + 1)], 3, dynamic_pad=True
    )
    one = tf.train.limit_epochs(tf.constant(7), num_epochs=1)
    with tf.Session() as sess:
        tf.local_variables_initializer().run()
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(coord=coord)
        for _ in range(3):
            i, l, n = sess.run([image_batch, label_batch, index_batch])
            print(i.shape, i.sum(), l, n)
        print(sess.run(doubled).shape, sess.run(padded).tolist())
        print(sess.run(one))
        try:
            sess.run(one)
        except tf.errors.OutOfRangeError as error:
            print("Reached limit of 1" in error.message)
        coord.request_stop()
        coord.join(threads)

with tf.Graph().as_default():
    queue = tf.FIFOQueue(10, [tf.float32, tf.int32], shapes=[[2], []])
    enqueue = queue.enqueue_many([tf.random_uniform([4, 2], seed=1), [1, 2, 3, 4]])
    qr = tf.train.QueueRunner(queue, [enqueue] * 2)
    tf.train.add_queue_runner(qr)
    vectors, tags = queue.dequeue_many(8)
    shuffled = tf.train.shuffle_batch([tags], 8, capacity=64, min_after_dequeue=16, enqueue_many=True, seed=4)
    with tf.Session() as sess:
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess=sess, coord=coord, daemon=True)
        v, t = sess.run([vectors, tags])
        print(v.shape, sorted(set(t)), sorted(set(sess.run(shuffled)) | {1, 2, 3, 4}))
        print(queue.name, queue.dtypes, [s.as_list() for s in queue.shapes])
        coord.request_stop()
        sess.run(queue.close(cancel_pending_enqueues=True))
        coord.join(threads, stop_grace_period_secs=10)
print(sorted(name for name in os.listdir(".") if "csv" in name))
