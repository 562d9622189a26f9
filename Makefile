# The front door. `make help` lists what there is.

.PHONY: all demo test soak bench docs lint format asan tsan install help clean
all: ## build build/ and the .venv in which `import tenon` works
	@scripts/build
demo: all ## train LeNet on MNIST and print the test accuracy
	@build/tenon train mnist --model lenet
test: ## run everything that CI runs
	@scripts/bootstrap test && scripts/test
soak: ## fuzz the readers for a bounded time, train the networks whole
	@scripts/bootstrap test && scripts/soak
bench: all ## compare speed with the peers, side by side
	@scripts/bootstrap bench && .venv/bin/python bench/run.py
docs: ## build the documentation to build/docs/index.html
	@scripts/bootstrap test && .venv/bin/python -m sphinx -W -q -b html docs build/docs
lint: ## check format, limits and the direction of includes
	@scripts/bootstrap test && .venv/bin/python scripts/lint.py
format: ## rewrite the sources in the house style
	@scripts/bootstrap test && .venv/bin/python scripts/lint.py --fix
asan: ## C tests under the address and undefined-behaviour sanitizers
	@scripts/bootstrap test && scripts/test asan
tsan: ## runtime tests under the thread sanitizer
	@scripts/bootstrap test && scripts/test tsan
install: all ## install under $(DESTDIR)/usr/local
	@DESTDIR=$(DESTDIR) meson install -C build --no-rebuild
clean: ## remove what was built
	@rm -rf build build-*
help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10
