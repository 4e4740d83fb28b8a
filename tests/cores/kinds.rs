// Every kind of Rust value; then a write to address 8.
// Build: rustc -g -o kinds_rs kinds.rs
use std::fmt::Debug;
#[derive(Debug, Clone, Copy)] enum Color { Red, Green = 5, Blue }
#[derive(Debug)] enum Shape { Circle(f64), Rect { w: u32, h: u32 }, Empty, Named(String) }
#[repr(u8)] #[derive(Debug)] enum Tiny { A(u8), B(u16) }
#[derive(Debug)] enum Niche<'a> { Text(&'a str), Nothing }
#[derive(Debug)] enum Big { X(u128), Y(i128), Z }
trait Animal { fn legs(&self) -> u32; }
#[derive(Debug)] struct Dog { tail: i32, name: String }
struct Cat(u8, char);
impl Animal for Dog { fn legs(&self) -> u32 { 4 } }
impl Animal for Cat { fn legs(&self) -> u32 { self.0 as u32 } }
#[derive(Debug)] struct Unit;
#[derive(Debug)] struct Generic<T> { value: T, count: usize }
union Bits { i: u32, f: f32 }
static GREETING: &str = "static text";
static mut COUNTER: u64 = 17;
thread_local! { static LOCAL: std::cell::Cell<u32> = std::cell::Cell::new(9); }
#[inline(never)]
fn crash(color: Color, shape: &Shape, shapes: &[Shape], text: &str, animal: &dyn Animal, boxed: Box<dyn Animal>, opt: Option<i32>, none: Option<&i32>, some: Option<Box<i32>>, res: Result<u8, String>, tuple: (i32, char, f32), unit: ()) -> u32 {
    let tiny = Tiny::B(300); let tiny2 = Tiny::A(3);
    let niche = Niche::Text("niche"); let nothing = Niche::Nothing;
    let big = Big::X(1 << 100); let bigy = Big::Y(-5); let bigz = Big::Z;
    let array = [1u16, 2, 3]; let slice = &array[1..];
    let c = 'é'; let b = true; let byte = b'a'; let u = u128::MAX; let i = i128::MIN;
    let unit_struct = Unit; let generic = Generic { value: "g", count: 3 };
    let nested: Option<Option<bool>> = Some(None);
    let nz = std::num::NonZeroU32::new(7); let nznone = std::num::NonZeroU32::new(0);
    let bits = Bits { f: 1.5 };
    let f: fn(u32) -> u32 = double; 
    let x = 10; let closure = |y: u32| x + y;
    let raw: *const u8 = 8 as *const u8; let mutref = &mut (1, 2);
    let r = &&x; let ordering = std::cmp::Ordering::Less;
    let range = 1..5; let bx = Box::new(Dog { tail: 1, name: "rex".to_string() });
    let vec = vec![1, 2, 3]; let v2: Vec<Option<u8>> = vec![Some(1), None];
    let dynmut: &mut dyn Debug = &mut 5i32;
    let never: Option<std::convert::Infallible> = None;
    unsafe { COUNTER += 1; std::ptr::write_volatile(raw as *mut u8, 1); }
    println!("{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}", tiny, tiny2, niche, nothing, big, bigy, bigz, slice, c, b, byte, u);
    println!("{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}", i, unit_struct, generic, nested, nz, nznone, unsafe { bits.i }, f(1), closure(2), mutref, r);
    println!("{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}", ordering, range, bx, vec, v2, dynmut, color, shape, shapes, text);
    println!("{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}", animal.legs() + boxed.legs(), opt, none, some, res, tuple, unit, never.is_none());
    1
}
fn double(x: u32) -> u32 { x * 2 }
fn main() {
    let shapes = [Shape::Circle(1.5), Shape::Rect { w: 2, h: 3 }, Shape::Empty, Shape::Named("n".to_string())];
    LOCAL.with(|l| l.set(10));
    let dog = Dog { tail: 3, name: "fido".to_string() };
    println!("{:?}{:?}{}", Color::Red, Color::Blue, GREETING);
    crash(Color::Green, &shapes[1], &shapes, "text", &dog, Box::new(Cat(4, 'x')), Some(5), None, Some(Box::new(6)), Err("bad".to_string()), (1, 'y', 2.5), ());
}
