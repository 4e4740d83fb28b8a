// Panics in the way that the argument names; built with -C panic=abort.
use std::env;

#[inline(never)]
fn unwrapped(option: Option<u32>) -> u32 {
    option.unwrap()
}

#[inline(never)]
fn element(values: &[usize], index: usize) -> usize {
    values[index]
}

fn main() {
    let way = env::args().nth(1).unwrap();
    let count = env::args().count();
    match way.as_str() {
        "unwrap" => println!("{}", unwrapped(if count > 50 { Some(1) } else { None })),
        "index" => println!("{}", element(&[1, 2, 3], count + 5)),
        "format" => panic!("bad state {} of {:?}", count, way),
        "abort" => std::process::abort(),
        "memory" => println!("{}", Vec::<u8>::with_capacity(1usize << 46).len() + std::hint::black_box(Vec::<u8>::with_capacity(1usize << 46)).len()),
        _ => {}
    }
}
