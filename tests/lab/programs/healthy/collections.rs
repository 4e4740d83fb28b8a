// Rust threads that send each other strings.
//
// never: panic memory.* null* heap.* use-after-free double-free deadlock
// kind: healthy
// by: gcore
// build: -g
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::Duration;

fn main() {
    let (sender, receiver) = mpsc::channel::<(usize, String)>();
    let totals = Arc::new(Mutex::new(BTreeMap::<usize, usize>::new()));
    for number in 0..4 {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut cache = HashMap::new();
            for round in 0usize.. {
                cache.insert(round % 50, vec![round; round % 40]);
                let _ = sender.send((number, format!("message {round} of {number}")));
                if round % 100 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
    }
    let sums = Arc::clone(&totals);
    thread::spawn(move || {
        for (number, text) in receiver {
            *sums.lock().unwrap().entry(number).or_default() += text.len();
        }
    });
    thread::sleep(Duration::from_millis(50));
    println!("ready");
    std::io::stdout().flush().unwrap();
    thread::sleep(Duration::from_secs(20));
}
