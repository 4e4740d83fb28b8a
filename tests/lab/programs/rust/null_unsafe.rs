// Unsafe code that writes through a pointer which a C library would have filled in.
//
// must: null memory.write
// may: null.write memory.unmapped
// never: panic use-after-free heap.* abort
// function: fill
// build: -g
struct Buffer {
    length: usize,
    bytes: *mut u8,
}

#[inline(never)]
fn fill(buffer: &mut Buffer, byte: u8) {
    for at in 0..buffer.length {
        unsafe { buffer.bytes.add(at).write_volatile(byte) };
    }
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    let mut buffer = Buffer { length: 16, bytes: std::ptr::null_mut() };
    fill(&mut buffer, hidden(7));
}
