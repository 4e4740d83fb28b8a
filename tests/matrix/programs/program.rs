// Every kind of Rust variable in a few frames, and several ways to die below them.
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Debug;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex};

extern "C" {
    fn raise(number: i32) -> i32;
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn qsort(
        base: *mut Point,
        count: usize,
        size: usize,
        compare: extern "C" fn(*const Point, *const Point) -> i32,
    );
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug, Clone, Copy)]
enum Color {
    Red,
    Green = 5,
    Blue,
}

#[derive(Debug)]
enum Shape {
    Empty,
    Circle(f64),
    Square { side: u32, at: Point },
    Named(String),
}

union Number {
    whole: u32,
    real: f32,
}

trait Area: Debug {
    fn area(&self, way: &str) -> i64;
}

#[derive(Debug)]
struct Pair<T> {
    first: T,
    second: Option<T>,
}

#[inline(never)]
fn nowhere() -> *mut i32 {
    black_box(8 as *mut i32)
}

#[inline(always)]
fn hit(value: i32) -> i32 {
    let doubled = value.wrapping_mul(2);
    unsafe { nowhere().write_volatile(doubled) };
    doubled
}

#[inline(never)]
fn write_low(secret: i32, way: &str) -> i32 {
    let kept = secret + way.len() as i32;
    let result = hit(kept);
    black_box(result) + kept
}

extern "C" fn compare_badly(left: *const Point, right: *const Point) -> i32 {
    let (a, b) = unsafe { (*left, *right) };
    let difference = a.x - b.x;
    if a.y == 4 || b.y == 4 {
        unsafe { nowhere().write_volatile(difference) };
    }
    difference
}

#[inline(never)]
fn sort_points() -> i32 {
    let mut points = [
        Point { x: 9, y: 1 },
        Point { x: 7, y: 2 },
        Point { x: 5, y: 3 },
        Point { x: 3, y: 4 },
    ];
    let size = std::mem::size_of::<Point>();
    unsafe { qsort(points.as_mut_ptr(), points.len(), size, compare_badly) };
    black_box(&points)[0].x
}

extern "C" fn on_signal(number: i32) {
    let code = number * 2;
    unsafe { nowhere().write_volatile(code) };
}

#[inline(never)]
fn interrupt(more: i32) -> i32 {
    unsafe {
        signal(10, on_signal);
        raise(10);
    }
    black_box(more) + 1
}

#[inline(never)]
fn spread(names: &Arc<Mutex<Vec<String>>>) -> i32 {
    let meeting = Arc::new(Barrier::new(3));
    for number in 0..2u64 {
        let (mine, meeting) = (Arc::clone(names), Arc::clone(&meeting));
        std::thread::spawn(move || {
            let length = mine.lock().unwrap().len() as u64;
            meeting.wait();
            loop {
                std::thread::sleep(std::time::Duration::from_secs(length + number + 100));
            }
        });
    }
    let (mine, third) = (Arc::clone(names), Arc::clone(&meeting));
    let worker = std::thread::spawn(move || {
        third.wait();
        std::thread::sleep(std::time::Duration::from_millis(10));
        write_low(mine.lock().unwrap().len() as i32, "in a thread")
    });
    worker.join().unwrap_or(7)
}

#[inline(never)]
fn fail(pair: &Pair<i32>, index: usize) -> i32 {
    let few = [pair.first, 2, 3];
    few[black_box(index)] + pair.second.unwrap_or(0)
}

impl Area for Pair<i32> {
    #[inline(never)]
    fn area(&self, way: &str) -> i64 {
        let names = Arc::new(Mutex::new(vec![String::from("one"), way.to_string()]));
        let result = match way {
            "abort" => std::process::abort(),
            "callback" => sort_points(),
            "handler" => interrupt(self.first),
            "thread" => spread(&names),
            "panic" => fail(self, way.len()),
            _ => write_low(self.first, way),
        };
        black_box(&names);
        i64::from(result) + 1
    }
}

#[inline(never)]
fn contain(object: &dyn Area, way: &str, words: &[&str]) -> i64 {
    let owned = String::from("owned text");
    let numbers = vec![1u16, 2, 3];
    let counts: BTreeMap<i32, &str> = [(1, "one"), (2, "two")].into_iter().collect();
    let mut names: HashMap<u8, String> = HashMap::new();
    names.insert(7, owned.clone());
    let queue: VecDeque<i8> = [1, -2].into_iter().collect();
    let boxed: Box<Shape> = Box::new(Shape::Circle(1.5));
    let shared = Rc::new(RefCell::new(5u32));
    let cell = Cell::new('c');
    let shapes = [
        Shape::Empty,
        Shape::Square { side: 3, at: Point { x: 1, y: 2 } },
        Shape::Named("name".to_string()),
    ];
    let result = object.area(way);
    black_box((&owned, &numbers, &counts, &names, &queue, &boxed, &shared, &cell));
    black_box((&shapes, words));
    result
}

#[inline(never)]
fn hold(way: &str) -> i64 {
    let small: i8 = -5;
    let byte: u8 = 200;
    let medium: i16 = -300;
    let big: i64 = -5_000_000_000;
    let ubig: u64 = 18_000_000_000_000_000_000;
    let huge: i128 = (1 << 100) + 3;
    let uhuge: u128 = u128::MAX;
    let yes = true;
    let letter = 'é';
    let single = 1.5f32;
    let real = -2.25f64;
    let unit = ();
    let color = Color::Green;
    let other = if byte == 200 { Color::Blue } else { Color::Red };
    let mixed = (1, 'c', "third");
    let fixed = [[1, 2, 3], [4, 5, 6]];
    let some: Option<i32> = Some(5);
    let none: Option<i32> = None;
    let niche: Option<&Point> = None;
    let wrong: Result<u8, String> = Err("broken".to_string());
    let number = Number { whole: 0x3f80_0000 };
    let point = Point { x: 1, y: -1 };
    let pointer: *const Point = &point;
    let pair = Pair { first: 3, second: Some(4) };
    let words = ["alpha", "beta"];
    let function: fn(i32, &str) -> i32 = write_low;
    let closure = |more: i32| point.x + more + fixed[1][2];
    let result = contain(&pair, way, &words[..]);
    black_box((&small, &byte, &medium, &big, &ubig, &huge, &uhuge, &yes, &letter));
    black_box((&single, &real, &unit, &color, &other, &mixed, &fixed, &some, &none));
    black_box((&niche, &wrong, &point, &pointer, &pair, &words, &function));
    black_box(unsafe { number.real });
    result + i64::from(closure(1)) + i64::from(unsafe { number.whole })
}

#[inline(never)]
fn strike(way: &str, depth: u32) -> i64 {
    let level = [depth, depth * 10];
    let mine = black_box(&level);
    if depth == 0 {
        return hold(way) + i64::from(mine[0]);
    }
    strike(way, depth - 1) + i64::from(mine[1])
}

fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    println!("{way} survived: {}", strike(&way, 3));
    std::process::exit(2);
}
