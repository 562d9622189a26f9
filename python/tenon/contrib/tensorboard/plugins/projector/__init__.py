"""tf.contrib.tensorboard.plugins.projector: which variables of a checkpoint TensorBoard shows as points."""

import os

from tenon.python.framework.proto import EmbeddingInfo, ProjectorConfig, SpriteMetadata
from tenon.python.framework.proto_text import MessageToString
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.tensorboard.plugins.projector.visualize_embeddings")
def visualize_embeddings(summary_writer, config):
    """Writes CONFIG to projector_config.pbtxt in the folder of SUMMARY_WRITER (or a path), where TensorBoard looks."""
    folder = summary_writer.get_logdir() if hasattr(summary_writer, "get_logdir") else summary_writer
    if not folder:
        raise ValueError("Summary writer must have a logdir")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "projector_config.pbtxt"), "w", encoding="utf-8") as file:
        file.write(MessageToString(config))


__all__ = ["EmbeddingInfo", "ProjectorConfig", "SpriteMetadata", "visualize_embeddings"]
