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

fn main() {
    println!("{}", total(&[100, 100]));
    println!("{}", total(&std::hint::black_box([100, 100, 100])));
}
