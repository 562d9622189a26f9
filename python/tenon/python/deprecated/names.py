"""Names from before TensorFlow 1.0, each with what it is called now: using one warns once."""

import functools

from tenon import _namespace
from tenon.python.util import deprecation

TF_RENAMED = {
    "Saver": "train.Saver", "batch_band_part": "matrix_band_part", "batch_cholesky": "cholesky",
    "batch_cholesky_solve": "cholesky_solve", "batch_fft": "fft", "batch_fft2d": "fft2d", "batch_fft3d": "fft3d",
    "batch_ifft": "ifft", "batch_ifft2d": "ifft2d", "batch_ifft3d": "ifft3d",
    "batch_matrix_band_part": "matrix_band_part", "batch_matrix_determinant": "matrix_determinant",
    "batch_matrix_diag": "matrix_diag", "batch_matrix_diag_part": "matrix_diag_part",
    "batch_matrix_inverse": "matrix_inverse", "batch_matrix_set_diag": "matrix_set_diag",
    "batch_matrix_solve": "matrix_solve", "batch_matrix_solve_ls": "matrix_solve_ls",
    "batch_matrix_transpose": "matrix_transpose", "batch_matrix_triangular_solve": "matrix_triangular_solve",
    "batch_self_adjoint_eig": "self_adjoint_eig", "batch_self_adjoint_eigvals": "self_adjoint_eigvals",
    "batch_svd": "svd", "complex_abs": "abs", "histogram_summary": "contrib.deprecated.histogram_summary",
    "image_summary": "contrib.deprecated.image_summary", "audio_summary": "contrib.deprecated.audio_summary",
    "scalar_summary": "contrib.deprecated.scalar_summary", "merge_summary": "contrib.deprecated.merge_summary",
    "merge_all_summaries": "contrib.deprecated.merge_all_summaries", "initialize_all_tables": "tables_initializer",
    "inv": "reciprocal", "list_diff": "setdiff1d", "listdiff": "setdiff1d", "mul": "multiply", "neg": "negative",
    "sub": "subtract", "pack": "stack", "unpack": "unstack", "select": "where",
    "nn.bidirectional_rnn": "nn.static_bidirectional_rnn", "nn.rnn": "nn.static_rnn",
    "nn.state_saving_rnn": "nn.static_state_saving_rnn", "nn.deconv2d": "nn.conv2d_transpose",
    "nn.rnn_cell.EmbeddingWrapper": "contrib.rnn.EmbeddingWrapper",
    "nn.rnn_cell.InputProjectionWrapper": "contrib.rnn.InputProjectionWrapper",
    "nn.rnn_cell.OutputProjectionWrapper": "contrib.rnn.OutputProjectionWrapper",
    "nn.seq2seq.attention_decoder": "contrib.legacy_seq2seq.attention_decoder",
    "nn.seq2seq.basic_rnn_seq2seq": "contrib.legacy_seq2seq.basic_rnn_seq2seq",
    "nn.seq2seq.embedding_attention_decoder": "contrib.legacy_seq2seq.embedding_attention_decoder",
    "nn.seq2seq.embedding_attention_seq2seq": "contrib.legacy_seq2seq.embedding_attention_seq2seq",
    "nn.seq2seq.embedding_rnn_decoder": "contrib.legacy_seq2seq.embedding_rnn_decoder",
    "nn.seq2seq.embedding_rnn_seq2seq": "contrib.legacy_seq2seq.embedding_rnn_seq2seq",
    "nn.seq2seq.embedding_tied_rnn_seq2seq": "contrib.legacy_seq2seq.embedding_tied_rnn_seq2seq",
    "nn.seq2seq.model_with_buckets": "contrib.legacy_seq2seq.model_with_buckets",
    "nn.seq2seq.one2many_rnn_seq2seq": "contrib.legacy_seq2seq.one2many_rnn_seq2seq",
    "nn.seq2seq.rnn_decoder": "contrib.legacy_seq2seq.rnn_decoder",
    "nn.seq2seq.sequence_loss": "contrib.legacy_seq2seq.sequence_loss",
    "nn.seq2seq.sequence_loss_by_example": "contrib.legacy_seq2seq.sequence_loss_by_example",
    "nn.seq2seq.tied_rnn_seq2seq": "contrib.legacy_seq2seq.tied_rnn_seq2seq",
    "train.SummaryWriter": "summary.FileWriter",
}  # fmt: skip


def _find(public):
    value = None
    for i, part in enumerate(public.split(".")):
        value = _namespace.load("", part) if i == 0 else getattr(value, part)
    return value


def __getattr__(name):
    """NAME under which something was known: what it is now, with a warning."""
    now = TF_RENAMED.get(name)
    if now is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    found = _find(now)
    message = f"tf.{name} is deprecated: use tf.{now} instead."
    if isinstance(found, type):
        deprecation._warn(name, message)
        return found

    @functools.wraps(found)
    def renamed(*args, **kwargs):
        deprecation._warn(name, message)
        return found(*args, **kwargs)

    return renamed
