// One of several threads panics with a message of its own; panics abort.
//
// must: panic
// may: abort
// never: memory.* null* heap.* exception.uncaught deadlock
// function: settle
// kind: aborted
// build: -g -Cpanic=abort
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

struct Account {
    number: u32,
    balance: i64,
}

#[inline(never)]
fn settle(account: &Mutex<Account>, amount: i64) {
    let mut account = account.lock().unwrap();
    if account.balance < amount {
        panic!("account {} has only {} of {}", account.number, account.balance, amount);
    }
    account.balance -= amount;
}

fn main() {
    let account = Arc::new(Mutex::new(Account { number: 17, balance: 100 }));
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let account = Arc::clone(&account);
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(5 * i));
                settle(&account, 40);
                thread::sleep(Duration::from_secs(20));
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
