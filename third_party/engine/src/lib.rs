//! What the runtime needs of Rust, as one static library: Wasmtime's C API and
//! the few functions of include/wasmbpf_engine.h.

use std::fmt::{self, Write};
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

/// Takes text until its buffer is full, then fails: a mangled name of a few
/// hundred bytes can stand for gigabytes.
struct Bounded<'a> {
    buffer: &'a mut [u8],
    written: usize,
    full: bool,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.buffer[self.written..];
        let taken = text.len().min(room.len());
        room[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.written += taken;
        self.full = taken < text.len();
        if self.full {
            Err(fmt::Error)
        } else {
            Ok(())
        }
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
    let mut bounded = Bounded {
        buffer: slice::from_raw_parts_mut(out, size),
        written: 0,
        full: false,
    };
    let readable = if let Ok(rust) = rustc_demangle::try_demangle(&name) {
        write!(bounded, "{rust:#}").is_ok() // without the hash
    } else if name.starts_with("_Z") {
        // Without the prefix plain names are types: "f" is float.
        cpp_demangle::Symbol::new(name.as_bytes()).is_ok_and(|symbol| {
            let options = cpp_demangle::DemangleOptions::default();
            symbol.structured_demangle(&mut bounded, &options).is_ok()
        })
    } else {
        false
    };
    // A full buffer has the name's beginning; any other failure is a name that
    // only looks mangled.
    if !readable && !bounded.full {
        bounded.written = 0;
        let _ = bounded.write_str(&name);
    }
    bounded.written
}
