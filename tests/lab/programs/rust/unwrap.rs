// An error that nobody expected is unwrapped, and panics abort.
//
// must: panic
// may: abort
// never: memory.* null* heap.* exception.uncaught assert
// function: parse_port
// kind: aborted
// build: -g -O -Cpanic=abort
#[inline(never)]
fn parse_port(text: &str) -> u16 {
    text.trim().parse::<u16>().unwrap()
}

fn main() {
    let ports: Vec<u16> = ["80", " 443", "70000"].iter().map(|p| parse_port(p)).collect();
    println!("{ports:?}");
}
