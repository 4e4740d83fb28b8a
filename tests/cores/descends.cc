// Calls itself, then reads through a null pointer in a call that is inlined.
#include <cstdio>
#include <cstdlib>
#include <string>

struct Node {
  int value;
  Node *next;
};

static inline int both(Node *node) { return node->value + node->next->value; }

__attribute__((noinline)) int descend(Node *node, int level) {
  std::string word = "level";
  if (level == 0) return both(node) + static_cast<int>(word.size());
  return descend(node, level - 1) + 1;
}

int main(int count, char **) {
  Node node = {count, nullptr};
  std::printf("%d\n", descend(&node, 3));
}
