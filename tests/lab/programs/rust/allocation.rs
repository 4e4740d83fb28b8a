// More memory is asked for than there can be: Rust's allocation error handler aborts.
//
// must: abort
// may: oom limit* panic alloc*
// never: memory.* null* heap.* exception.uncaught
// function: read_all
// kind: aborted
// build: -g
#[inline(never)]
fn read_all(size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    bytes.push(1);
    bytes
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    let size = hidden(1usize << 62);
    println!("{}", read_all(1000).len() + read_all(size).len());
}
