// Bugs in Rust: `parcels BUG SEED`, as ledger.c.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;

struct Parcel {
    id: usize,
    weight: Option<u64>,
}

#[cfg(extra)]
#[no_mangle]
pub extern "C" fn ballast(n: usize) -> usize {
    (0..n).map(|i| i * n).filter(|i| i % 3 == 0).sum()
}

fn weigh(parcel: &Parcel) -> u64 {
    parcel.weight.unwrap() + 1
}

fn weigh_all(parcels: &[Parcel]) -> u64 {
    parcels.iter().map(|p| weigh(p)).sum()
}

fn unweighed(seed: usize) {
    let parcels: Vec<Parcel> = (0..3 + seed % 3)
        .map(|id| Parcel { id, weight: if id == 2 { None } else { Some(1) } })
        .collect();
    black_box(weigh_all(&parcels));
}

fn pick(parcels: &[Parcel], at: usize) -> usize {
    parcels[at].id
}

fn out_of_range(seed: usize) {
    let parcels = vec![Parcel { id: 1, weight: None }];
    black_box(pick(&parcels, 5 + seed));
}

fn route(names: &HashMap<String, u32>, to: &str) -> u32 {
    names[to]
}

fn unknown_place(seed: usize) {
    let names = HashMap::new();
    black_box(route(&names, &format!("place {seed}")));
}

fn label(text: &str) -> u32 {
    text.parse::<u32>().expect(&format!("a bad label: {text}"))
}

fn bad_label(seed: usize) {
    black_box(label(&format!("x{seed}")));
}

fn share(price: u64, parts: u64) -> u64 {
    price / parts
}

fn no_parts(seed: usize) {
    black_box(share(seed as u64, black_box(0)));
}

fn change_twice(seed: usize) {
    let cell = RefCell::new(seed);
    let held = cell.borrow_mut();
    black_box(*cell.borrow());
    drop(held);
}

fn stop(seed: usize) {
    if black_box(true) {
        panic!("stopped at {}", seed);
    }
}

fn read_at(place: *const u64) -> u64 {
    unsafe { place.read_volatile() }
}

fn null_read(seed: usize) {
    black_box(read_at((seed % 2 * 8) as *const u64));
}

fn in_a_thread(seed: usize) {
    let worker = std::thread::spawn(move || cut("ä".repeat(2 + seed % 2).as_str()));
    let _ = black_box(worker.join());
}

fn cut(text: &str) -> usize {
    text[1..].len()
}

const BUGS: &[(&str, fn(usize))] = &[
    ("unweighed", unweighed),
    ("out-of-range", out_of_range),
    ("unknown-place", unknown_place),
    ("bad-label", bad_label),
    ("no-parts", no_parts),
    ("change-twice", change_twice),
    ("stop", stop),
    ("null-read", null_read),
    ("thread", in_a_thread),
];

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let seed = words.get(2).and_then(|w| w.parse().ok()).unwrap_or(0);
    for (name, run) in BUGS {
        if words.len() == 1 {
            println!("{name}");
        } else if *name == words[1] {
            run(seed);
        }
    }
}
