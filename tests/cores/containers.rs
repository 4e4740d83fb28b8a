// Rust's containers with known contents, then a write to address 8.
// Build: rustc -g -C opt-level=0 -o containers_rs containers.rs
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

#[derive(Clone)]
#[allow(dead_code)]
struct Point {
    x: i32,
    y: i32,
}

#[allow(dead_code)]
trait Shape {
    fn area(&self) -> f64;
}

impl Shape for Point {
    fn area(&self) -> f64 {
        0.0
    }
}

struct Label {
    text: String,
}

impl Shape for Label {
    fn area(&self) -> f64 {
        self.text.len() as f64
    }
}

#[inline(never)]
fn crash() {
    unsafe { *(8 as *mut i32) = 1 };
}

// std::hint::black_box is of Rust 1.66.
#[inline(never)]
fn keep<T>(_: T) {}

#[inline(never)]
fn texts() {
    let empty = String::new();
    let string = String::from("owned text ä");
    let slice: &str = "a slice";
    let path = PathBuf::from("/tmp/file");
    let os = OsString::from("os text");
    let boxed: Box<str> = "boxed".into();
    crash();
    keep((&empty, &string, &slice, &path, &os, &boxed));
}

#[inline(never)]
fn collections() {
    let none: Vec<i32> = Vec::new();
    let mut numbers = Vec::with_capacity(8);
    numbers.extend([1, 2, 3]);
    let words = vec![String::from("one"), String::from("two")];
    let points = vec![Point { x: 1, y: 2 }];
    let units = vec![(), ()];
    let mut queue: VecDeque<i32> = VecDeque::with_capacity(4);
    queue.extend([1, 2, 3, 4]);
    queue.pop_front();
    queue.pop_front();
    queue.push_back(5);
    let mut ages: HashMap<String, u32> = HashMap::new();
    ages.insert("ann".into(), 41);
    ages.insert("bob".into(), 42);
    let set: HashSet<i32> = vec![7, 8, 9].into_iter().collect();
    let no_map: HashMap<i32, i32> = HashMap::new();
    let tree: BTreeMap<i32, String> = (0..40).map(|i| (i, format!("n{}", i))).collect();
    let small: BTreeMap<i32, i32> = vec![(1, 10), (2, 20)].into_iter().collect();
    let sorted: BTreeSet<u8> = vec![3u8, 1, 2].into_iter().collect();
    let part: &[i32] = &numbers[1..];
    crash();
    keep((&none, &numbers, &words, &points, &units, &queue, &ages));
    keep((&set, &no_map, &tree, &small, &sorted, &part));
}

#[inline(never)]
fn wrappers() {
    let some: Option<i32> = Some(3);
    let absent: Option<i32> = None;
    let some_text: Option<String> = Some("text".into());
    let no_text: Option<String> = None;
    let good: Result<i32, String> = Ok(4);
    let bad: Result<i32, String> = Err("bad".into());
    let boxed: Box<i32> = Box::new(7);
    let shared: Rc<i32> = Rc::new(8);
    let also = Rc::clone(&shared);
    let weak = Rc::downgrade(&shared);
    let atomic: Arc<Point> = Arc::new(Point { x: 5, y: 6 });
    let cell = Cell::new(9);
    let ref_cell = RefCell::new(10);
    let borrowed = ref_cell.borrow();
    let mutex = Mutex::new(11);
    let guard = mutex.lock().unwrap();
    let lock = RwLock::new(12);
    let duration = Duration::from_millis(1500);
    let reference: Option<&i32> = Some(&boxed);
    let label: Box<dyn Shape> = Box::new(Label { text: "label".into() });
    let plain: &dyn Shape = &Point { x: 1, y: 2 };
    crash();
    keep((&some, &absent, &some_text, &no_text, &good, &bad, &boxed));
    keep((&shared, &also, &weak, &atomic, &cell, &borrowed, &guard));
    keep((&lock, &duration, &reference, label.area(), plain.area()));
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("collections") => collections(),
        Some("wrappers") => wrappers(),
        _ => texts(),
    }
}
