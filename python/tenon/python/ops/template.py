"""make_template: a function whose variables are made once and shared by all calls."""

import functools

from tenon.python.framework import ops
from tenon.python.ops import variable_scope, variables
from tenon.python.util.tf_export import tf_export


@tf_export("make_template")
def make_template(name_, func_, create_scope_now_=False, unique_name_=None, custom_getter_=None, **kwargs):
    """A callable like FUNC_ (with KWARGS bound) that shares its variables between calls."""
    return Template(name_, functools.partial(func_, **kwargs) if kwargs else func_, create_scope_now_,
                    unique_name_, custom_getter_)  # fmt: skip


class Template:
    """A function and the variable scope that its variables are in."""

    def __init__(self, name, func, create_scope_now=False, unique_name=None, custom_getter=None):
        if name is None:
            raise ValueError("name cannot be None.")
        self._func = func
        self._name = name
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._stacktrace = None
        self._variables_created = False
        self._scope = None
        if create_scope_now:
            with variable_scope._pure_variable_scope(
                unique_name or variable_scope._get_unique_variable_scope(name), custom_getter=custom_getter
            ) as scope:
                self._scope = scope

    def _call(self, args, kwargs):
        trainable_before = len(ops.get_collection_ref(ops.GraphKeys.TRAINABLE_VARIABLES))
        globals_before = len(ops.get_collection_ref(ops.GraphKeys.GLOBAL_VARIABLES))
        result = self._func(*args, **kwargs)
        if self._variables_created:
            after = len(ops.get_collection_ref(ops.GraphKeys.TRAINABLE_VARIABLES))
            if trainable_before != after:
                raise ValueError(
                    "Trainable variable created when calling a template after the first time, perhaps you used "
                    f"tf.Variable when you meant tf.get_variable: {variables.trainable_variables()[trainable_before:]}"
                )
        elif globals_before != len(ops.get_collection_ref(ops.GraphKeys.GLOBAL_VARIABLES)):
            self._variables_created = True
        return result

    def __call__(self, *args, **kwargs):
        if self._scope is not None:
            with variable_scope.variable_scope(self._scope, reuse=self._variables_created or None):
                return self._call(args, kwargs)
        with variable_scope.variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter) as scope:
            self._scope = scope
            return self._call(args, kwargs)

    @property
    def name(self):
        """The name it was given."""
        return self._name

    @property
    def func(self):
        """The function."""
        return self._func

    @property
    def variable_scope(self):
        """The scope, None before the first call."""
        return self._scope

    @property
    def variable_scope_name(self):
        """The scope's name with a slash."""
        if self._scope is None:
            return None
        return self._scope.name if not self._scope.name or self._scope.name[-1] == "/" else self._scope.name + "/"

    @property
    def trainable_variables(self):
        """Its trainable variables."""
        return self._collection(ops.GraphKeys.TRAINABLE_VARIABLES)

    @property
    def global_variables(self):
        """Its global variables."""
        return self._collection(ops.GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self):
        """Its local variables."""
        return self._collection(ops.GraphKeys.LOCAL_VARIABLES)

    variables = global_variables
    trainable_weights = trainable_variables
    weights = global_variables

    def _collection(self, key):
        return ops.get_collection(key, self.variable_scope_name) if self._scope is not None else []
