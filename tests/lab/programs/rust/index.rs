// A panic that aborts: an index that the slice does not have.
//
// must: panic
// may: abort
// never: memory.* null* heap.* exception.uncaught assert
// function: pick
// kind: aborted
// build: -g -Cpanic=abort
use std::collections::HashMap;

struct Inventory {
    shelves: HashMap<String, Vec<u32>>,
}

#[inline(never)]
fn pick(inventory: &Inventory, shelf: &str, place: usize) -> u32 {
    inventory.shelves[shelf][place]
}

fn main() {
    let mut inventory = Inventory { shelves: HashMap::new() };
    inventory.shelves.insert("tools".to_string(), vec![1, 2, 3]);
    let sum: u32 = (1..5).map(|place| pick(&inventory, "tools", place)).sum();
    println!("{sum}");
}
