"""The time limit of cleaning: it holds whatever the code does, and restores the limit around it."""

import signal
import threading
import time
from datetime import timedelta

import pytest

from monitor.jobs.limits import TimeUp, time_limit

SOON = timedelta(seconds=0.1)


def swallow_exceptions():
    while True:
        try:
            time.sleep(0.01)
        except Exception:  # noqa: BLE001
            continue


def compute():
    while True:
        sum(range(100))


@pytest.mark.parametrize("work", [compute, swallow_exceptions])
def test_code_that_does_not_end_is_cut_off(work):
    with pytest.raises(TimeUp), time_limit(SOON):
        work()


def test_code_that_swallows_everything_is_cut_off_a_second_later():
    with pytest.raises(TimeUp), time_limit(SOON):
        try:
            compute()
        except:  # noqa: E722
            compute()


def test_quick_code_is_not_cut_off():
    with time_limit(SOON):
        pass
    time.sleep(0.2)


def test_the_outer_limit_holds_again_afterwards():
    class Late(Exception):
        pass

    def late(*_):
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    try:
        signal.alarm(1)
        with time_limit(timedelta(seconds=10)):
            time.sleep(0.01)
        with pytest.raises(Late):
            compute()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_outside_the_main_thread_there_is_no_limit():
    done = []

    def work():
        with time_limit(SOON):
            time.sleep(0.2)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done
