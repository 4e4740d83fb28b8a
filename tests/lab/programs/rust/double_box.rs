// Two boxes are made of one raw pointer, and both are dropped.
//
// must: double-free abort
// may: use-after-free
// never: memory.* null* panic heap.overflow
// function: release
// only: glibc
// build: -g
struct Node {
    values: [u64; 6],
}

#[inline(never)]
fn release(raw: *mut Node) -> u64 {
    let node = unsafe { Box::from_raw(raw) };
    node.values[2]
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    let raw = Box::into_raw(Box::new(Node { values: [1, 2, 3, 4, 5, 6] }));
    let sum = release(raw) + release(hidden(raw));
    println!("{sum}");
}
