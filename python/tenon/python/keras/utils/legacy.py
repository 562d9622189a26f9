"""keras.legacy.interfaces: marks of methods whose arguments were once called otherwise; here nothing is renamed."""

_KINDS = ("dense", "dropout", "embedding", "pooling1d", "prelu", "gaussiannoise", "recurrent", "gaussiandropout",
          "pooling2d", "pooling3d", "global_pooling", "upsampling1d", "upsampling2d", "upsampling3d", "conv1d",
          "conv2d", "separable_conv2d", "deconv2d", "conv3d", "convlstm2d",
          "batchnorm", "zeropadding2d", "zeropadding3d",
          "cropping2d", "cropping3d", "generator_methods", "model_constructor", "input", "lambda", "spatialdropout1d",
          "spatialdropoutNd", "add_weight", "get_updates", "random_uniform")  # fmt: skip


def _same(function):
    return function


globals().update({f"legacy_{kind}_support": _same for kind in _KINDS})
