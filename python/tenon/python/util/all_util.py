"""What a module shows of itself: tensorflow.python.util.all_util."""

import re
import sys


def make_all(module_name, doc_string_modules=None):
    """The public names of a module: those that its doc string, or those of DOC_STRING_MODULES, mention as @@name."""
    modules = doc_string_modules or [sys.modules[module_name]]
    wanted = {name for module in modules for name in re.findall(r"@@(\w+)", module.__doc__ or "")}
    return sorted(wanted & {*dir(sys.modules[module_name])})


def reveal_undocumented(symbol_name, target_module=None):
    """Brings back a name that remove_undocumented took out of a module."""
    if symbol_name not in _hidden:
        raise LookupError(f"Symbol {symbol_name} is not a hidden symbol")
    last = symbol_name.rpartition(".")[2]
    module, value = _hidden[symbol_name]
    setattr(target_module or module, last, value)


_hidden = {}  # "module.name": the module and what was called so


def remove_undocumented(module_name, allowed_exception_list=None, doc_string_modules=None):
    """Deletes what is neither in make_all's list, nor allowed, nor private from a module's names."""
    module = sys.modules[module_name]
    kept = {*make_all(module_name, doc_string_modules), *(allowed_exception_list or ())}
    for name in [n for n in vars(module) if n not in kept and n[0] != "_"]:
        _hidden[f"{module_name}.{name}"] = module, getattr(module, name)
        delattr(module, name)
