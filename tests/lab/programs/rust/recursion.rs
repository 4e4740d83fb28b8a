// A recursion without an end: Rust's own handler says so and aborts.
//
// must: stack-overflow recursion
// may: abort memory.write memory.read limit* memory.unmapped memory.protection
//     signal.handler
// never: panic null use-after-free heap.*
// function: depth
// build: -g
struct Tree {
    child: Option<Box<Tree>>,
    size: usize,
}

#[inline(never)]
fn depth(tree: &Tree, above: &Tree) -> usize {
    let next = tree.child.as_deref().unwrap_or(above);
    tree.size + depth(next, tree)
}

fn main() {
    let tree = Tree { child: Some(Box::new(Tree { child: None, size: 2 })), size: 1 };
    println!("{}", depth(&tree, &tree));
}
