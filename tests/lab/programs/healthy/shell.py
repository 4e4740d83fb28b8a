# An interpreter that has imported much and waits for input.
#
# never: memory.* null* heap.* use-after-free double-free stack-overflow recursion
# kind: healthy
# by: gcore
import asyncio
import collections
import ctypes
import decimal
import sqlite3
import time

tables = sqlite3.connect(":memory:")
tables.execute("create table numbers (n integer, text)")
tables.executemany(
    "insert into numbers values (?, ?)", [(i, "x" * i) for i in range(500)]
)
counts = collections.Counter(str(decimal.Decimal(i) / 7)[:4] for i in range(5000))
asyncio.run(asyncio.sleep(0))
buffer = ctypes.create_string_buffer(10000)
print("ready", flush=True)
time.sleep(20)
