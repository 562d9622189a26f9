"""What is done to a module once it has run."""


def then(spec, act):
    """SPEC, whose module is given to ACT after it has run; None and modules without a loader stay as they are."""
    if spec is not None and spec.loader is not None:
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            act(module)

        spec.loader.exec_module = exec_module
    return spec
