// A price list with a hole in it, and code that trusts it.
use std::collections::BTreeMap;

#[derive(Debug)]
struct Order {
    article: String,
    count: u32,
}

fn total(orders: &[Order], prices: &BTreeMap<String, u32>) -> u32 {
    orders
        .iter()
        .map(|order| order.count * prices.get(&order.article).expect("no price"))
        .sum()
}

fn main() {
    let prices = BTreeMap::from([("apple".to_string(), 30), ("pear".to_string(), 45)]);
    let orders = vec![
        Order { article: "pear".to_string(), count: 2 },
        Order { article: "plum".to_string(), count: 1 },
    ];
    println!("{}", total(&orders, &prices));
}
