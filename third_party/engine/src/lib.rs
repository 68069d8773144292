//! What the runtime needs of Rust, as one static library: Wasmtime's C API and
//! the few functions of include/wasmbpf_engine.h.

use std::mem::MaybeUninit;
use std::slice;

pub use wasmtime_c_api::*;

use wasmtime_c_api::wasmtime::{Func, Table};

/// BLAKE3 of `data`, keyed with the 32 bytes at `key`, into the 32 at `out`.
///
/// # Safety
/// `key` and `out` point to 32 bytes each, `data` to `len` (not null).
#[no_mangle]
pub unsafe extern "C" fn wasmbpf_keyed_digest(
    key: *const [u8; 32],
    data: *const u8,
    len: usize,
    out: *mut [u8; 32],
) {
    let data = slice::from_raw_parts(data, len);
    *out = *blake3::keyed_hash(&*key, data).as_bytes();
}

/// The function at `index` of a funcref table. False when the index is outside
/// the table or the entry is null.
///
/// `wasmtime_table_get` aborts the process on function references in a build
/// without the "gc" feature; this does what it does with it.
///
/// # Safety
/// As for `wasmtime_table_get`; the table's elements are funcrefs.
#[no_mangle]
pub unsafe extern "C" fn wasmbpf_table_get_func(
    mut store: WasmtimeStoreContextMut<'_>,
    table: &Table,
    index: u64,
    out: &mut MaybeUninit<Func>,
) -> bool {
    let entry = table.get(&mut store, index);
    match entry.as_ref().and_then(|entry| entry.as_func()).flatten() {
        Some(func) => {
            out.write(*func);
            true
        }
        None => false,
    }
}

/// Writes the readable form of a mangled C++ or Rust name to `out` (any other
/// name as it is), cut to `size` bytes; answers how many were written.
///
/// # Safety
/// `name` points to `len` bytes, `out` to `size` (neither null).
#[no_mangle]
pub unsafe extern "C" fn wasmbpf_demangle(
    name: *const u8,
    len: usize,
    out: *mut u8,
    size: usize,
) -> usize {
    let name = String::from_utf8_lossy(slice::from_raw_parts(name, len));
    let readable = if let Ok(rust) = rustc_demangle::try_demangle(&name) {
        format!("{rust:#}") // without the hash
    } else {
        cpp_demangle::Symbol::new(name.as_bytes())
            .ok()
            .and_then(|symbol| symbol.demangle().ok())
            .unwrap_or_else(|| name.into_owned())
    };
    let written = readable.len().min(size);
    slice::from_raw_parts_mut(out, written)
        .copy_from_slice(&readable.as_bytes()[..written]);
    written
}
