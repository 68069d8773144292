# Who may include whom: the only place where this stands. A layer may use what
# its row names, and nothing else of src/. The public headers (include/) are
# open to all and may include each other only.
set(WASMBPF_LAYERS base package policy bpf engine hostapi runtime cli)
set(WASMBPF_ALLOWED_base)
set(WASMBPF_ALLOWED_package base)
set(WASMBPF_ALLOWED_policy base)
set(WASMBPF_ALLOWED_bpf base)
set(WASMBPF_ALLOWED_engine base)
set(WASMBPF_ALLOWED_hostapi bpf engine policy base)
set(WASMBPF_ALLOWED_runtime hostapi package bpf engine policy base)
set(WASMBPF_ALLOWED_cli runtime package bpf policy base)

# Headers that only one layer may see, by pattern of what stands in #include.
set(WASMBPF_PRIVATE_HEADERS
  "bpf|^bpf/(libbpf|bpf|btf)[a-z_]*\\.h$"
  "engine|^(wasm\\.h|wasi\\.h|wasmtime\\.h|wasmtime/.*|wasmbpf_engine\\.h)$")
