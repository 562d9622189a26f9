"""Prints what a checkpoint holds: python -m tenon.python.tools.inspect_checkpoint --file_name PREFIX."""

import argparse
import re
import sys

import numpy as np

from tenon.python.training.py_checkpoint_reader import NewCheckpointReader


def print_tensors_in_checkpoint_file(file_name, tensor_name, all_tensors, all_tensor_names=False,
                                     count_exclude_pattern=""):  # fmt: skip
    """Prints one tensor, all of them (ALL_TENSORS), all names, or the shapes, and the number of parameters."""
    reader = NewCheckpointReader(file_name)
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    if all_tensors or all_tensor_names:
        for key in sorted(shapes):
            print(f"tensor: {key} ({types[key].name}) {shapes[key]}")
            if all_tensors:
                print(reader.get_tensor(key))
    elif not tensor_name:
        print(reader.debug_string().decode("utf-8", errors="ignore"))
    else:
        print(f"tensor: {tensor_name} ({types[tensor_name].name}) {shapes[tensor_name]}")
        print(reader.get_tensor(tensor_name))
    counted = [
        s for name, s in shapes.items() if not (count_exclude_pattern and re.search(count_exclude_pattern, name))
    ]
    print(f"# Total number of params: {sum(int(np.prod(shape)) for shape in counted)}")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file_name", required=True)
    parser.add_argument("--tensor_name", default="")
    parser.add_argument("--all_tensors", action="store_true")
    parser.add_argument("--all_tensor_names", action="store_true")
    options = parser.parse_args()
    print_tensors_in_checkpoint_file(
        options.file_name, options.tensor_name, options.all_tensors, options.all_tensor_names
    )


if __name__ == "__main__":
    sys.exit(main())
