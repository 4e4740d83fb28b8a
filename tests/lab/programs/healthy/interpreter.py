# Python with threads, exceptions, regular expressions and a busy main loop.
#
# must: signal.sent
# never: memory.* null* heap.* use-after-free double-free stack-overflow
# kind: healthy
# by: signal SIGQUIT
import json
import re
import threading
import time

WORDS = re.compile(r"(\w+)\s+(\w+)")


def idle(event: threading.Event) -> None:
    while not event.wait(0.01):
        json.loads(json.dumps({"a": [1, 2, {"b": "c" * 100}]}))


def count(depth: int) -> int:
    try:
        return int("not a number" if depth else "1")
    except ValueError:
        return count(depth - 1) + 1


stop = threading.Event()
for _ in range(3):
    threading.Thread(target=idle, args=(stop,), daemon=True).start()
time.sleep(0.03)
print("ready", flush=True)
while True:
    found = [WORDS.findall(f"word{i} other{i}")[0] for i in range(100)]
    total = count(50) + len(sorted(found, key=lambda pair: pair[1]))
