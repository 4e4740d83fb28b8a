// get_unchecked with an index from a file's header.
//
// must: memory.read memory.unmapped
// may: invalid-pointer
// never: panic null noncanonical use-after-free
// function: sample
// build: -g -O
#[inline(never)]
fn sample(samples: &[u64], at: u32) -> u64 {
    unsafe { *samples.get_unchecked(at as usize) }
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    let samples: Vec<u64> = (0..100).collect();
    println!("{}", sample(&samples, hidden(7)));
    println!("{}", sample(&samples, hidden(0x7fff_fff0)));
}
