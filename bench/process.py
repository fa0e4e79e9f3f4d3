"""Reads CPU time and memory of a process and its descendants from /proc, and waits with limits."""
import os
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Limit(Exception):
    """Something did not happen in its time."""


def wait(what, ask, limit, every=0.002):
    """Asks until the answer is true; that answer."""
    end = time.monotonic() + limit
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Limit(f"{what}: not within {limit} s")
        time.sleep(every)


def text(path):
    """What a small file holds, or nothing when it is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def tree(pid):
    """The process and everything it started that still runs."""
    todo, seen = [pid], []
    while todo:
        pid = todo.pop()
        seen.append(pid)
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for task in tasks:
            todo += map(int, text(f"/proc/{pid}/task/{task}/children").split())
    return seen


def stat(pid):
    """The fields of /proc/PID/stat after the name, so field N of the manual is at N - 3; empty when it is gone."""
    return text(f"/proc/{pid}/stat").rpartition(")")[2].split()


def cpu_s(pid):
    """User and system time so far, with that of descendants, also of those that ended and were waited for."""
    if pid is None:
        return None
    times = [stat(process)[11:15] for process in tree(pid)]
    return sum(int(ticks) for four in times for ticks in four) / TICKS


def memory_mb(pid, key):
    """VmRSS (now) or VmHWM (highest so far) in millions of bytes."""
    kib = 0
    for process in tree(pid):
        for line in text(f"/proc/{process}/status").splitlines():
            if line.startswith(key + ":"):
                kib += int(line.split()[1])
    return round(kib * 1024 / 1e6, 1)


def started_at(pid):
    """When the process was started, on the monotonic clock; exact to a tick of 10 ms."""
    boot = int(stat(pid)[19]) / TICKS
    return time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - boot)
