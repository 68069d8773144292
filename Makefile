# The front door. `make` or `make help` lists the targets.
BUILD := build/release
JOBS ?= $(shell nproc)
# Arguments for the demo's tool, for example: make demo ARGS='--count 5'
ARGS ?=
# Kernels for test-vm, for example: make test-vm KERNEL=6.1
KERNEL ?=

.DEFAULT_GOAL := help
.PHONY: help demo build test test-vm bench lint install clean

help: ## show this list
	@echo "wasm-bpf: run eBPF programs from WebAssembly modules"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "The very first build makes the Wasm engine: about five minutes on two cores."
	@echo "It is kept in ~/.cache/wasm-bpf, and every later build takes it from there."

demo: ## build what is missing, then print every process that starts (first time 7 minutes, then seconds)
	@scripts/deps.sh build
	@test -e $(BUILD)/build.ninja || { echo "== configuring"; cmake --preset release --log-level=NOTICE -DWASMBPF_BUILD_TESTS=OFF -DWASMBPF_BUILD_BENCH=OFF; }
	@echo "== building $(BUILD)/wasm-bpf and the execsnoop example (a minute the first time)"
	@cmake --build $(BUILD) -j $(JOBS) --target wasm-bpf execsnoop_guest
	@scripts/demo.sh $(ARGS)

build: ## build $(BUILD)/wasm-bpf and the example guests (2 minutes)
	@scripts/deps.sh build
	@test -e $(BUILD)/build.ninja || cmake --preset release --log-level=NOTICE -DWASMBPF_BUILD_TESTS=OFF -DWASMBPF_BUILD_BENCH=OFF
	@cmake --build $(BUILD) -j $(JOBS)

configure-%:
	@scripts/deps.sh build test vm
	@cmake --preset $* --log-level=NOTICE -DWASMBPF_BUILD_TESTS=ON

test: configure-release configure-asan-ubsan ## build everything and run all tests, also in two QEMU guests and under sanitizers (15 minutes)
	@cmake --build build/release -j $(JOBS)
	@cmake --build build/asan-ubsan -j $(JOBS)
	@scripts/test.sh build/release build/asan-ubsan

test-vm: configure-release ## run the kernel tests on other kernels in QEMU; KERNEL=6.1 for one (3 minutes)
	@cmake --build build/release -j $(JOBS)
	@tests/vm/run.sh $(KERNEL)

bench: configure-release ## run the benchmarks (2 minutes, wants an idle machine)
	@cmake --preset release --log-level=NOTICE -DWASMBPF_BUILD_BENCH=ON
	@cmake --build build/release -j $(JOBS)
	@bench/run.sh build/release

lint: ## check format, scripts, layers, clang 19 with -Werror, clang-tidy (12 minutes)
	@scripts/deps.sh build test lint
	@scripts/lint.sh

install: build ## install the command, the library and its headers (as root; PREFIX=/usr/local)
	@cmake --install $(BUILD) --prefix "$(or $(PREFIX),/usr/local)"

clean: ## remove the build folders; engines stay in ~/.cache/wasm-bpf/engine-*
	@rm -rf build
