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

fn main() {
    let size = std::hint::black_box(1usize << 62);
    println!("{}", read_all(1000).len() + read_all(size).len());
}
