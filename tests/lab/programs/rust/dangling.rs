// A raw pointer to an element of a vector outlives the vector.
//
// must: memory.read use-after-free
// may: memory.unmapped noncanonical invalid-pointer
// never: panic null double-free heap.overflow memory.write
// function: weight
// only: glibc junk
// build: -g -Copt-level=1 -Cdebug-assertions=off
struct Part {
    next: Option<Box<Part>>,
    weight: u64,
}

#[inline(never)]
fn weight(part: *const Part) -> u64 {
    let part = unsafe { &*part };
    part.weight + part.next.as_ref().map_or(0, |next| next.weight)
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    let last = Box::new(Part { next: None, weight: 3 });
    let first = Box::new(Part { next: Some(last), weight: 4 });
    let raw: *const Part = &*first;
    println!("{}", weight(raw));
    drop(first);
    let found = weight(hidden(raw));
    std::process::exit(found as i32);
}
