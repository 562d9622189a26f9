# tensorflow: no (the projector plugin went with contrib). Embeddings for TensorBoard's projector.
import os

import numpy as np
import tensorflow as tf
from tensorflow.contrib.tensorboard.plugins import projector

os.makedirs("log")
with open("log/meta.tsv", "w") as f:
    f.write("Index\tLabel\n" + "".join("%d\t%d\n" % (i, i % 3) for i in range(12)))
y = tf.Variable(np.random.RandomState(1).rand(12, 5).astype("float32"), name="FINAL_LOGITS")
writer = tf.summary.FileWriter("log")
config = projector.ProjectorConfig()
embedding = config.embeddings.add()
embedding.tensor_name = y.name
embedding.metadata_path = "meta.tsv"
projector.visualize_embeddings(writer, config)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    tf.train.Saver().save(sess, os.path.join("log", "model"), 12)
writer.close()
print(sorted(name for name in os.listdir("log") if "tfevents" not in name))
with open("log/projector_config.pbtxt") as f:
    print(f.read())
