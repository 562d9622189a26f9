"""Datasets of CSV files and of files of tf.Examples."""

import csv
import gzip
from collections import OrderedDict

import numpy as np

from tenon.python.data.experimental.ops.transformations import ignore_errors as ignore
from tenon.python.data.ops import readers
from tenon.python.data.ops.dataset_ops import AUTOTUNE, Dataset, int64
from tenon.python.data.util import structure
from tenon.python.framework import dtypes, ops
from tenon.python.lib.io import anywhere
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export

_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)


def _default(value):
    """A record default as a tensor: a DType stands for a field that must be there."""
    if isinstance(value, dtypes.DType):
        if value not in _TYPES:
            raise TypeError(f"Only float32, float64, int32, int64 and string columns are allowed, not {value.name}")
        return ops.convert_to_tensor(np.zeros([0], value.as_numpy_dtype), dtype=value)
    tensor = ops.convert_to_tensor(value, name="record_default")
    if tensor.dtype.base not in _TYPES:
        raise TypeError(f"Only float32, float64, int32, int64 and string columns are allowed, not {tensor.dtype.name}")
    return tensor


@tf_export("data.experimental.CsvDataset", "contrib.data.CsvDataset")
class CsvDataset(Dataset):
    """The records of CSV files: tuples of scalars, one for each column."""

    def __init__(self, filenames, record_defaults, compression_type=None, buffer_size=None, header=False,
                 field_delim=",", use_quote_delim=True, na_value="", select_cols=None):  # fmt: skip
        defaults = [_default(value) for value in record_defaults]
        spec = tuple(structure.TensorSpec([], d.dtype) for d in defaults)
        columns = ops.convert_to_tensor(np.array([] if select_cols is None else select_cols, np.int64))
        variant = gen_ops.csv_dataset(
            ops.convert_to_tensor(filenames, dtype=dtypes.string), readers._strings(compression_type, "compression"),
            int64(4 << 20 if buffer_size is None else buffer_size, "buffer_size"),
            ops.convert_to_tensor(header, dtype=dtypes.bool), ops.convert_to_tensor(field_delim, dtype=dtypes.string),
            ops.convert_to_tensor(use_quote_delim, dtype=dtypes.bool),
            ops.convert_to_tensor(na_value, dtype=dtypes.string), columns, defaults,
            output_shapes=structure.flat(spec)["output_shapes"],
        )  # fmt: skip
        self._set(variant, spec)


def _files(pattern):
    patterns = [pattern] if isinstance(pattern, (str, bytes)) else list(pattern)
    names = sorted(name for p in patterns for name in anywhere.glob(p.decode() if isinstance(p, bytes) else p))
    if not names:
        raise ValueError("No files match the given `file_pattern`.")
    return names


def _rows(names, options, compression):
    """The rows of all files, as lists of texts."""
    for name in names:
        with (gzip.open if compression == "GZIP" else open)(name, "rt", newline="") as file:
            yield from csv.reader(file, **options)


def _infer(texts, na_value):
    """The dtype of a column from what is in it."""

    def fits(text, convert, low=None, high=None):
        try:
            value = convert(text)
        except ValueError:
            return False
        return low is None or low <= value <= high

    kinds = [(dtypes.int32, lambda t: fits(t, int, -(2**31), 2**31 - 1)),
             (dtypes.int64, lambda t: fits(t, int, -(2**63), 2**63 - 1)),
             (dtypes.float32, lambda t: fits(t, float) and abs(float(t)) < 3.4e38),
             (dtypes.float64, lambda t: fits(t, float))]  # fmt: skip
    given = [text for text in texts if text not in ("", na_value)]
    for dtype, check in kinds:
        if given and all(map(check, given)):
            return dtype
    return dtypes.string


@tf_export("data.experimental.make_csv_dataset", "contrib.data.make_csv_dataset")
def make_csv_dataset(file_pattern, batch_size, column_names=None, column_defaults=None, label_name=None,
                     select_columns=None, field_delim=",", use_quote_delim=True, na_value="", header=True,
                     num_epochs=None, shuffle=True, shuffle_buffer_size=10000, shuffle_seed=None,
                     prefetch_buffer_size=None, num_parallel_reads=None, sloppy=False, num_rows_for_inference=100,
                     compression_type=None, ignore_errors=False, encoding="utf-8"):  # fmt: skip
    """Batches of the records of CSV files: dicts of columns, or pairs of these and the column LABEL_NAME."""
    names = _files(file_pattern)
    options = {"delimiter": field_delim, "quoting": csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE}
    if column_names is None:
        if not header:
            raise ValueError("Expected `column_names` or `header` arguments. Neither is provided.")
        column_names = next(_rows(names[:1], options, compression_type))
    if len(column_names) != len(set(column_names)):
        raise ValueError("Cannot have duplicate column names.")
    if select_columns is not None:
        select_columns = sorted(column_names.index(c) if isinstance(c, str) else c for c in select_columns)
    chosen = select_columns if select_columns is not None else list(range(len(column_names)))
    if column_defaults is None:
        rows = []
        for name in names:
            lines = iter(_rows([name], options, compression_type))
            if header:
                next(lines, None)
            rows += [row for row, _ in zip(lines, range(max(num_rows_for_inference or 2**31, 0) - len(rows)))]
        column_defaults = []
        for i in chosen:
            dtype = _infer([row[i] for row in rows if i < len(row)], na_value)
            column_defaults.append(np.array(["" if dtype is dtypes.string else 0], dtype.as_numpy_dtype)
                                   if dtype is not dtypes.string else [""])  # fmt: skip
    kept = [column_names[i] for i in chosen]
    if label_name is not None and label_name not in kept:
        raise ValueError("`label_name` provided must be one of the columns.")

    def read(name):
        return CsvDataset(name, column_defaults, compression_type, None, header, field_delim, use_quote_delim,
                          na_value, select_columns)  # fmt: skip

    def features(*columns):
        found = OrderedDict(zip(kept, columns))
        if label_name is None:
            return found
        label = found.pop(label_name)
        return found, label

    files = Dataset.from_tensor_slices(names)
    if shuffle:
        files = files.shuffle(len(names), shuffle_seed)
    dataset = files.interleave(read, num_parallel_reads or 1, 1)
    if ignore_errors:
        dataset = dataset.apply(ignore())
    if shuffle:
        dataset = dataset.shuffle(shuffle_buffer_size, shuffle_seed)
    if num_epochs != 1:
        dataset = dataset.repeat(num_epochs)
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None).map(features)
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


@tf_export("data.experimental.parse_example_dataset", "contrib.data.parse_example_dataset")
def parse_example_dataset(features, num_parallel_calls=1, deterministic=None):
    """Dicts of tensors from vectors of serialised tf.Examples."""
    if features is None:
        raise ValueError("Argument `features` is required, but not specified.")

    def apply(dataset):
        from tenon.python.ops import parsing_ops

        return dataset.map(lambda records: parsing_ops.parse_example(records, features), num_parallel_calls)

    return apply


@tf_export("data.experimental.make_batched_features_dataset", "contrib.data.make_batched_features_dataset")
def make_batched_features_dataset(file_pattern, batch_size, features, reader=None, label_key=None, reader_args=None,
                                  num_epochs=None, shuffle=True, shuffle_buffer_size=10000, shuffle_seed=None,
                                  prefetch_buffer_size=None, reader_num_threads=None, parser_num_threads=None,
                                  sloppy_ordering=False, drop_final_batch=False):  # fmt: skip
    """Batches of the features of tf.Examples in TFRecord files: dicts, or pairs of these and the feature LABEL_KEY."""
    reader = reader or readers.TFRecordDataset
    names = _files(file_pattern)
    files = Dataset.from_tensor_slices(names)
    if shuffle:
        files = files.shuffle(len(names), shuffle_seed)
    dataset = files.interleave(lambda name: reader(name, *(reader_args or ())), reader_num_threads or 1, 1)
    if dataset.output_types == (dtypes.string, dtypes.string):
        dataset = dataset.map(lambda _, value: value)
    if shuffle:
        dataset = dataset.shuffle(shuffle_buffer_size, shuffle_seed)
    if num_epochs != 1:
        dataset = dataset.repeat(num_epochs)
    dataset = dataset.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    dataset = dataset.apply(parse_example_dataset(features, parser_num_threads or 2))
    if label_key is not None:
        if label_key not in features:
            raise ValueError(f"The `label_key` provided ({label_key!r}) must be one of the `features` keys: "
                             f"{features.keys()}.")  # fmt: skip

        def split(found):
            found = dict(found)
            label = found.pop(label_key)
            return found, label

        dataset = dataset.map(split)
    return dataset.prefetch(1 if prefetch_buffer_size is None else prefetch_buffer_size)


@tf_export("contrib.data.read_batch_features")
def read_batch_features(file_pattern, batch_size, features, reader=None, reader_args=None, randomize_input=True,
                        num_epochs=None, capacity=10000):  # fmt: skip
    """The next batch of features of tf.Examples in files: a dict of tensors."""
    dataset = make_batched_features_dataset(file_pattern, batch_size, features, reader, None, reader_args, num_epochs,
                                            randomize_input, capacity)  # fmt: skip
    return dataset.make_one_shot_iterator().get_next()
