// A vector is made of a pointer into the middle of another one's memory, and dropped.
//
// must: invalid-free
// may: null null.read abort memory.read memory.unmapped invalid-pointer call-contract
//     double-free
// never: panic heap.overflow memory.write
// function: tail_sum
// only: glibc
// build: -g
#[inline(never)]
fn tail_sum(all: &mut Vec<u64>, from: usize) -> u64 {
    let pointer = all.as_mut_ptr();
    let tail = unsafe {
        Vec::from_raw_parts(pointer.add(from), all.len() - from, all.len() - from)
    };
    tail.iter().sum()
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    let mut all: Vec<u64> = (0..40).collect();
    println!("{}", tail_sum(&mut all, hidden(6)));
}
