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

fn main() {
    let samples: Vec<u64> = (0..100).collect();
    println!("{}", sample(&samples, std::hint::black_box(7)));
    println!("{}", sample(&samples, std::hint::black_box(0x7fff_fff0)));
}
