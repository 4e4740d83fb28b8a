// Arithmetic that overflows, in a build that checks it.
//
// must: panic
// may: abort
// never: memory.* null* heap.* divide
// function: total
// kind: aborted
// build: -g -Cpanic=abort -Coverflow-checks=on
#[inline(never)]
fn total(prices: &[u8]) -> u8 {
    let mut sum = 0u8;
    for price in prices {
        sum += price;
    }
    sum
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    println!("{}", total(&[100, 100]));
    println!("{}", total(&hidden([100, 100, 100])));
}
