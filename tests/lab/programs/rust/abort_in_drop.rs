// A panic while another one unwinds: the run-time aborts.
//
// must: panic
// may: abort
// never: memory.* null* heap.* exception.uncaught
// function: drop
// kind: aborted
// build: -g
struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            panic!("guard {} cannot be dropped", self.0);
        }
    }
}

#[inline(never)]
fn work(input: Option<u32>) -> u32 {
    let _guard = Guard("outer");
    input.expect("there is an input")
}

// A value of which the compiler knows nothing.
fn hidden<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn main() {
    println!("{}", work(hidden(None)));
}
