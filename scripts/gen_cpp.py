#!/usr/bin/env python3
"""Makes the C++ header of all ops, a class each in the manner of TensorFlow's C++ API, from a built library's registry.

usage: gen_cpp.py LIBRARY OUTPUT
"""

import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from op_defs import load

# Op types that TensorFlow's C++ API calls otherwise. Where the new name is itself an op type, that one is left out.
RENAMED = {
    "Mul": "Multiply", "Sub": "Subtract", "Neg": "Negate", "Pack": "Stack", "Unpack": "Unstack", "Select": "Where3",
    "ConcatV2": "Concat", "ReverseV2": "Reverse", "TopKV2": "TopK", "VariableV2": "Variable",
    "FIFOQueueV2": "FIFOQueue", "PaddingFIFOQueueV2": "PaddingFIFOQueue", "PriorityQueueV2": "PriorityQueue",
    "RandomShuffleQueueV2": "RandomShuffleQueue", "QueueEnqueueV2": "QueueEnqueue", "QueueDequeueV2": "QueueDequeue",
    "QueueEnqueueManyV2": "QueueEnqueueMany", "QueueDequeueManyV2": "QueueDequeueMany", "QueueCloseV2": "QueueClose",
    "QueueDequeueUpToV2": "QueueDequeueUpTo", "QueueSizeV2": "QueueSize", "TensorArrayV3": "TensorArray",
    "TensorArrayReadV3": "TensorArrayRead", "TensorArrayWriteV3": "TensorArrayWrite",
    "TensorArrayGatherV3": "TensorArrayGather", "TensorArrayScatterV3": "TensorArrayScatter",
    "TensorArrayConcatV3": "TensorArrayConcat", "TensorArraySplitV3": "TensorArraySplit",
    "TensorArraySizeV3": "TensorArraySize", "TensorArrayCloseV3": "TensorArrayClose",
    "TensorArrayGradV3": "TensorArrayGrad", "HashTableV2": "HashTable", "MutableHashTableV2": "MutableHashTable",
    "LookupTableFindV2": "LookupTableFind", "LookupTableInsertV2": "LookupTableInsert",
    "LookupTableSizeV2": "LookupTableSize", "LookupTableExportV2": "LookupTableExport",
    "LookupTableImportV2": "LookupTableImport", "InitializeTableV2": "InitializeTable",
    "InitializeTableFromTextFileV2": "InitializeTableFromTextFile", "ReaderReadV2": "ReaderRead",
    "TFRecordReaderV2": "TFRecordReader", "TextLineReaderV2": "TextLineReader",
    "WholeFileReaderV2": "WholeFileReader", "FixedLengthRecordReaderV2": "FixedLengthRecordReader",
    "IdentityReaderV2": "IdentityReader", "AdjustContrastv2": "AdjustContrast", "SaveV2": "Save",
    "RestoreV2": "Restore", "Inv": "Reciprocal",
}  # fmt: skip
KEYWORDS = {
    "and", "or", "not", "xor", "default", "delete", "new", "template", "operator", "register", "switch", "this",
    "union", "signed", "unsigned", "long", "short", "int", "float", "double", "bool", "char", "class", "const", "true",
    "false", "explicit", "export", "private", "public", "protected", "static", "struct", "typename",
    "using", "scope", "attrs", "operation",
}  # fmt: skip
TYPES = {
    "int": "int64_t", "float": "float", "bool": "bool", "string": "std::string", "type": "DataType",
    "shape": "PartialTensorShape", "tensor": "Tensor", "func": "std::string",
}  # fmt: skip


def identifier(name):
    return f"{name}_" if name in KEYWORDS else name


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def cpp_type(kind):
    return f"std::vector<{TYPES[kind[5:-1]]}>" if kind.startswith("list(") else TYPES[kind]


def by_value(kind):
    return kind in ("int", "float", "bool", "type")


def parameter(attr):
    """An attribute as a parameter of a function."""
    kind = cpp_type(attr.type)
    return f"{kind} {identifier(attr.name)}" if by_value(attr.type) else f"const {kind} &{identifier(attr.name)}"


def set_attr(attr, value):
    method = "Function" if attr.type == "func" else "Attr"
    return f'.{method}("{attr.name}", {value})'


def wrapped(text, indent):
    """TEXT folded at commas to the house's width."""
    return "\n".join(textwrap.wrap(text, 120, initial_indent=indent, subsequent_indent=indent + "    ",
                                   break_long_words=False, break_on_hyphens=False))  # fmt: skip


class Class:
    """The C++ class of one op."""

    def __init__(self, name, op):
        self.name, self.op = name, op
        own = [attr for attr in op.attrs if attr.name not in op.inferred()]
        self.required = [attr for attr in own if not attr.has_default]
        # Lists of functions have no C++ form; they keep their default.
        self.optional = [attr for attr in own if attr.has_default and attr.type not in ("list(func)", "func")]
        self.usable = all(attr.type != "list(func)" for attr in self.required)

    def setter(self, attr):
        name = camel(attr.name)
        return f"{name}_" if name in (self.name, "Attrs", *(camel(o.name) for o in self.op.outputs)) else name

    def inputs(self):
        kinds = ["const InputList &" if a.is_list else "const Input &" for a in self.op.inputs]
        return [f"{kind}{identifier(a.name)}" for kind, a in zip(kinds, self.op.inputs)]

    def constructors(self):
        parameters = ", ".join(["const Scope &scope", *self.inputs(), *map(parameter, self.required)])
        names = ", ".join(["scope", *(identifier(x.name) for x in (*self.op.inputs, *self.required))])
        lines = []
        if self.optional:
            lines.append(wrapped(f"{self.name}({parameters}) : {self.name}({names}, Attrs()) {{}}", "  "))
            parameters += ", const Attrs &attrs"
        lines.append(wrapped(f"{'' if ',' in parameters else 'explicit '}{self.name}({parameters}) {{", "  "))
        chain = "".join(f".In({identifier(a.name)})" for a in self.op.inputs)
        chain += "".join(set_attr(attr, identifier(attr.name)) for attr in self.required)
        chain += "".join(set_attr(attr, f"attrs.{attr.name}_") for attr in self.optional)
        lines.append(f'    NodeBuilder builder(scope, "{self.op.name}");')
        lines.append(f"    operation = builder{chain}.Finish();")
        if self.op.outputs:
            lines.append("    if (!operation.node()) return;")
        lines += [f"    {line}" for line in self.take_outputs()]
        return [*lines, "  }"]

    def take_outputs(self):
        """Statements that fill the output members."""
        outputs = self.op.outputs
        if not any(output.is_list for output in outputs):
            return [f"this->{identifier(o.name)} = operation.output({i});" for i, o in enumerate(outputs)]
        if len(outputs) == 1:
            body = f"this->{identifier(outputs[0].name)}.push_back(operation.output(i));"
            return [f"for (int i = 0; i < operation.num_outputs(); i++) {body}"]
        lines = ["int at = 0;"]
        for i, output in enumerate(outputs):
            name = f"this->{identifier(output.name)}"
            if not output.is_list:
                lines.append(f"{name} = operation.output(at++);")
            else:
                # The list takes what the single outputs after it leave.
                last = f"operation.num_outputs() - {len(outputs) - i - 1}"
                lines.append(f"while (at < {last}) {name}.push_back(operation.output(at++));")
        return lines

    def attrs(self):
        lines = ["  struct Attrs {"]
        for attr in self.optional:
            name = identifier(attr.name)
            lines.append(f"    Attrs {self.setter(attr)}({parameter(attr)}) const {{")
            lines.append(f"      Attrs changed = *this;\n      changed.{attr.name}_ = {name};")
            lines.append("      return changed;\n    }")
        lines += [f"    std::optional<{cpp_type(attr.type)}> {attr.name}_;" for attr in self.optional]
        lines.append("  };")
        for attr in self.optional:
            setter = self.setter(attr)
            call = f"return Attrs().{setter}({identifier(attr.name)});"
            lines.append(f"  static Attrs {setter}({parameter(attr)}) {{ {call} }}")
        return lines

    def members(self):
        outputs = self.op.outputs
        lines = ["  Operation operation;"]
        if not outputs:
            lines.insert(0, "  operator Operation() const { return operation; }")
        if outputs and not outputs[0].is_list:
            first = identifier(outputs[0].name)
            if len(outputs) == 1:
                lines.insert(0, f"  operator Output() const {{ return {first}; }}")
                lines.insert(1, f"  operator Input() const {{ return {first}; }}")
        elif len(outputs) == 1:
            name = identifier(outputs[0].name)
            lines.insert(0, f"  const Output &operator[](size_t i) const {{ return {name}[i]; }}")
        for output in outputs:
            lines.append(f"  {'OutputList' if output.is_list else 'Output'} {identifier(output.name)};")
        return lines

    def text(self):
        lines = [f"/* {self.op.summary} */" if self.op.summary else "", f"class {self.name} {{", " public:"]
        if self.optional:
            lines += self.attrs()
        return "\n".join([*filter(None, lines), *self.constructors(), *self.members(), "};\n"])


def main():
    library, output = sys.argv[1:]
    ops = load(library)
    hidden = {new for old, new in RENAMED.items() if old in ops and new in ops and old != new} | {"Const"}
    parts = ["/* Made by scripts/gen_cpp.py from the op registry: a class for each op. */",
             "#ifndef TENON_OPS_HPP\n#define TENON_OPS_HPP\n\n#include <tenon/scope.hpp>\n",
             "namespace tenon {\nnamespace ops {\n"]  # fmt: skip
    for name, op in sorted(ops.items()):
        made = Class(RENAMED.get(name, name), op)
        if name not in hidden and made.usable:
            parts.append(made.text())
        if name in RENAMED and made.usable:
            parts.append(f"using {name} = {made.name};\n")
    parts.append("}  // namespace ops\n}  // namespace tenon\n#endif\n")
    Path(output).write_text("\n".join(parts))


if __name__ == "__main__":
    main()
