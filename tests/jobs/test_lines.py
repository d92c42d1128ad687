"""Lines in which jobs wait for their hosts, with a real Redis."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import Feed
from monitor.store.claims import Place, Refusal
from monitor.store.hosts import HostStore

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ENTRY = {"url": "https://a.example/1", "guid": "1"}


def later(seconds):
    return NOW + timedelta(seconds=seconds)


class Room:
    """A process that takes jobs and lets them ask hosts."""

    def __init__(self, redis, queues, *, at_once=2, delay=0.0, lease=40):
        self.redis, self.queues = redis, queues
        self.runner = queues.runner()
        self.hosts = HostStore(redis, queues._keys)
        self.lines = queues.lines(
            at_once=at_once, delay=timedelta(seconds=delay), lease=timedelta(seconds=lease)
        )
        self.count = 0

    def take(self):
        """Takes a new job."""
        self.count += 1
        with self.redis.pipeline() as pipe:
            pipe.multi()
            self.queues.enqueue_entry("feed", ENTRY, f"v{self.count}", pipe)
            pipe.execute()
        job_id = self.queues.rq["articles"].pop_job_id()
        assert self.runner.take("articles", job_id)
        return job_id

    def enter(self, job_id, seconds=0.0, host="a.example"):
        return self.lines.enter(host, job_id, later(seconds)).may_start

    def leave(self, job_id, seconds=0.0, host="a.example"):
        with self.redis.pipeline() as pipe:
            self.lines.leave(host, job_id, later(seconds), pipe)
            pipe.execute()

    def release(self, seconds, most=100):
        return self.lines.release(self.runner, later(seconds), most)

    def released(self, seconds, most=100):
        return [job.id for job in self.release(seconds, most)]

    def settle(self, job_id):
        with self.redis.pipeline() as pipe:
            self.queues.settle("articles", job_id, pipe)
            pipe.execute()


@pytest.fixture
def room(redis, queues):
    return lambda **limits: Room(redis, queues, **limits)


def test_requests_of_a_host_start_a_delay_apart_in_the_order_of_arrival(room):
    room = room(at_once=8, delay=1.0)
    one, two, three = (room.take() for _ in range(3))
    assert [room.enter(one), room.enter(two, 0.1), room.enter(three, 0.2)] == [True, False, False]
    assert room.released(0.9) == []
    assert room.released(1) == [two]
    assert room.released(1.9) == []
    assert room.released(2) == [three]
    assert room.released(9) == []


def test_at_most_the_allowed_number_of_requests_is_under_way(room):
    room = room(at_once=2)
    jobs = [room.take() for _ in range(4)]
    assert [room.enter(job, index / 10) for index, job in enumerate(jobs)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert room.released(1) == []
    room.leave(jobs[0], 1)
    assert room.released(1) == [jobs[2]]
    assert room.released(1) == []
    room.leave(jobs[1], 2)
    room.leave(jobs[2], 2)
    assert room.released(2) == [jobs[3]]


def test_a_fresh_job_does_not_overtake_the_line(room):
    room = room(at_once=1)
    one, two, fresh = (room.take() for _ in range(3))
    assert [room.enter(one), room.enter(two, 0.1)] == [True, False]
    room.leave(one, 1)
    assert not room.enter(fresh, 1)
    assert room.released(1) == [two]


def test_jobs_of_earlier_lanes_go_first_in_a_line(room):
    room = room(at_once=1)
    first, bulk, ordinary, urgent, second = (room.take() for _ in range(5))
    room.enter(first)
    waiting = [(bulk, "bulk"), (ordinary, "articles"), (urgent, "urgent"), (second, "urgent")]
    for after, (job, lane) in enumerate(waiting):
        assert not room.lines.enter("a.example", job, later(after), lane=lane).may_start
    came = []
    while job := first:
        room.leave(job, 9)
        room.settle(job)
        released = room.release(9)
        came += [(job.id, job.lane) for job in released]
        first = released[0].id if released else None
    assert came == [waiting[2], waiting[3], waiting[1], waiting[0]]


def test_a_crowded_feeds_jobs_keep_their_lanes(room):
    room = room()
    bulk, urgent = room.take(), room.take()
    room.lines.park("feed", bulk, NOW, timedelta(0), lane="bulk")
    room.lines.park("feed", urgent, later(1), timedelta(0), lane="urgent")
    released = room.release(2)
    assert [(job.id, job.lane) for job in released] == [(urgent, "urgent"), (bulk, "bulk")]


def test_a_job_whose_arguments_cannot_be_read_keeps_no_other_in_its_line(redis, room):
    room = room()
    bad, good = room.take(), room.take()
    for job in (bad, good):
        room.lines.park("feed", job, NOW, timedelta(0))
    redis.hset("presswatch:outstanding:articles", bad, "{")
    released = room.release(1)
    assert [job.id for job in released] == [bad, good]
    with pytest.raises(ValueError, match="property name"):
        _ = released[0].args


def test_a_job_whose_turn_has_come_has_its_place(room):
    room = room(at_once=1)
    one, two = room.take(), room.take()
    room.enter(one)
    room.enter(two)
    room.leave(one, 1)
    (job,) = room.release(1)
    assert (job.id, job.args, job.begun, job.in_turn) == (two, ["feed", ENTRY], 0, True)
    assert room.enter(two, 1.1)
    assert not room.enter(room.take(), 1.2)


def test_hosts_do_not_wait_for_each_other(room):
    room = room(at_once=1, delay=5.0)
    one, two, other = (room.take() for _ in range(3))
    assert room.enter(one)
    assert not room.enter(two)
    assert room.enter(other, host="b.example")


def test_the_place_of_a_process_that_was_killed_is_free_after_its_lease(room):
    room = room(at_once=1, lease=40)
    one, two = room.take(), room.take()
    room.enter(one)
    room.enter(two, 1)
    assert room.released(39) == []
    assert room.released(40) == [two]


def test_a_waiting_job_belongs_to_no_process_and_is_not_taken_for_lost(room, queues):
    room = room(at_once=1)
    one, two = room.take(), room.take()
    room.enter(one)
    room.enter(two)
    assert queues.all_running("articles") == {one}
    assert queues.all_waiting("articles") == {two}
    depth = queues.depths()["articles"]
    assert (depth.queued, depth.waiting, depth.owed) == (0, 1, 2)
    assert [queues.recover(), queues.recover()] == [[], []]


def test_a_job_is_recovered_if_its_process_dies_when_its_turn_has_come(room, queues):
    room = room(at_once=1)
    one, two = room.take(), room.take()
    room.enter(one)
    room.enter(two)
    room.leave(one, 1)
    room.settle(one)
    assert room.released(1) == [two]
    room.runner.close()
    assert [queues.recover(), queues.recover()] == [[], [two]]
    # It still has its place at the host.
    other = queues.runner()
    assert other.take("articles", queues.rq["articles"].pop_job_id()).begun == 1
    assert room.enter(two, 2)


def test_a_job_that_was_settled_while_it_waited_gives_its_turn_to_the_next(room):
    room = room(at_once=1)
    one, two, three = (room.take() for _ in range(3))
    for job in (one, two, three):
        room.enter(job)
    room.settle(two)
    room.leave(one, 1)
    assert room.released(1) == [three]


def test_to_wait_is_part_of_one_attempt(room, redis):
    room = room(at_once=1)
    one, two = room.take(), room.take()
    room.enter(one)
    for second in range(3):
        room.lines.park("feed", two, later(second), timedelta(0))
        assert [job.begun for job in room.release(second)] == [0]
    room.enter(two, 4)
    room.leave(one, 4)
    assert [job.begun for job in room.release(4)] == [0]
    assert room.queues.begun("articles", two) == 1


def test_a_host_that_asks_for_a_pause_gets_the_longest_that_it_asked_for(room, queues):
    room = room()
    job = room.take()
    for seconds in (5, 30, 10):
        room.hosts.close("a.example", timedelta(seconds=seconds), NOW)
    admission = room.lines.enter("a.example", job, later(1))
    assert not admission.may_start
    assert admission.closed_for_s == pytest.approx(29, abs=0.001)
    # The job is still ours, and this was no attempt.
    assert queues.all_running("articles") == {job}
    assert queues.all_waiting("articles") == set()
    assert queues.begun("articles", job) == 0
    assert room.enter(room.take(), 1, host="b.example")
    assert room.lines.enter("a.example", job, later(30)) == (True, 0)


def test_a_job_that_waits_when_its_host_closes_learns_of_it_at_once(room):
    room = room(at_once=1, delay=1)
    one, two, three = (room.take() for _ in range(3))
    for number, job in enumerate((one, two, three)):
        room.enter(job, number / 10)
    room.hosts.close("a.example", timedelta(seconds=3600), later(1))
    room.leave(one, 1)
    (first,) = room.release(1, most=1)
    (second,) = room.release(1, most=9)
    assert [first.id, second.id] == [two, three]
    assert not first.in_turn
    assert not second.in_turn
    for job in (two, three):
        assert room.lines.enter("a.example", job, later(1)).closed_for_s > 3590
    assert room.queues.begun("articles", two) == 0
    assert room.enter(two, 3601)


def test_the_jobs_of_a_crowded_feed_come_back_after_a_pause_eight_at_once(room):
    room = room()
    jobs = [room.take() for _ in range(20)]
    for index, job in enumerate(jobs):
        room.lines.park("feed", job, later(index / 1000), timedelta(seconds=0.5))
    assert room.queues.all_running("articles") == set()
    assert room.queues.all_waiting("articles") == set(jobs)
    assert room.released(0.4) == []
    taken = room.release(0.5)
    assert [job.id for job in taken] == jobs[:8]
    assert not any(job.in_turn for job in taken)
    assert room.released(0.6, most=3) == jobs[8:11]
    assert room.released(0.7) == jobs[11:19]
    assert room.released(0.8) == jobs[19:]
    assert room.released(0.9) == []


def test_a_feed_whose_name_looks_like_a_host_is_not_limited_as_a_host(room):
    room = room(at_once=1)
    one, two = room.take(), room.take()
    for job in (one, two):
        room.lines.park("host:a", job, NOW, timedelta(0))
    assert sorted(room.released(1)) == sorted([one, two])


HOLD = """
import sys, time
from datetime import UTC, datetime, timedelta
from redis import Redis
from monitor.jobs.queues import Queues
from monitor.store.keys import Keys
queues = Queues(Redis.from_url(sys.argv[1]), Keys())
lines = queues.lines(at_once=1, delay=timedelta(0), lease=timedelta(seconds=3))
runner = queues.runner()
for job_id in sys.argv[2:]:
    assert runner.take("articles", job_id)
    print(lines.enter("a.example", job_id, datetime.now(UTC)).may_start, flush=True)
time.sleep(60)
"""


def test_the_line_of_a_process_that_was_killed_goes_on(room, redis_url, queues, eventually):
    room = room(at_once=1, lease=3)
    jobs = [room.take() for _ in range(3)]
    room.runner.close()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, redis_url, *jobs], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert [holder.stdout.readline() for _ in jobs] == ["True\n", "False\n", "False\n"]
        holder.kill()
    runner, done = queues.runner(), []

    def work():
        queues.recover()
        ready = [job.id for job in room.lines.release(runner, datetime.now(UTC), 9)]
        for job in queues.rq["articles"].get_job_ids():
            if runner.take("articles", queues.rq["articles"].pop_job_id()):
                assert room.lines.enter("a.example", job, datetime.now(UTC)).may_start
                ready.append(job)
        for job in ready:
            with room.redis.pipeline() as pipe:
                room.lines.leave("a.example", job, datetime.now(UTC), pipe)
                queues.settle("articles", job, pipe)
                pipe.execute()
            done.append(job)
        return sorted(done)

    eventually(work, sorted(jobs), within=15)
    # The one that was under way comes last: its process was presumed alive for a while.
    assert done == [*jobs[1:], jobs[0]]


def test_two_processes_never_get_the_same_job_nor_too_many_of_a_host(room, redis, queues):
    rooms = [room(at_once=3), room(at_once=3)]
    jobs = [rooms[0].take() for _ in range(60)]
    entered = [job for job in jobs if rooms[0].enter(job)]
    assert len(entered) == 3
    done = list(entered)
    for job in entered:
        rooms[0].leave(job, 1)
        rooms[0].settle(job)

    def work(worker):
        while len(done) < len(jobs):
            taken = worker.released(1)
            assert redis.zcard("presswatch:host:a.example") <= 3
            for job in taken:
                done.append(job)
                worker.settle(job)
                worker.leave(job, 1)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, rooms, timeout=30))
    assert sorted(done) == sorted(jobs)


def test_nothing_but_owed_jobs_lasts_when_lines_are_empty(room, redis):
    room = room(at_once=1)
    one, two = room.take(), room.take()
    room.enter(one)
    room.enter(two)
    for job in (one, two):
        room.leave(job, 1)
        room.release(1)
        room.leave(job, 1)
        room.settle(job)
    room.release(2)
    room.hosts.close("a.example", timedelta(seconds=9), later(2))
    lasting = [key for key in redis.scan_iter("presswatch:*") if redis.ttl(key) < 0]
    assert lasting == []


def commands(redis):
    return sum(
        stats["calls"]
        for name, stats in redis.info("commandstats").items()
        if not name.startswith(("cmdstat_info", "cmdstat_config", "cmdstat_script"))
    )


def test_an_article_costs_few_commands_of_redis(room, redis):
    """Guards the cost of the common case: a host that is free."""
    room = room()

    def run(job_id):
        assert room.enter(job_id)
        room.leave(job_id)
        room.settle(job_id)

    run(room.take())
    before = commands(redis)
    run(room.take())
    # Six more are the MULTI and EXEC of the three transactions.
    assert commands(redis) - before - 6 <= 20


class Shared(Room):
    """A host that polls and pages share."""

    def __init__(self, redis, queues, store, **limits):
        super().__init__(redis, queues)
        self.store = store
        self.in_all = limits.get("in_all", 2)
        self.lines = queues.lines(
            at_once=limits.get("at_once", self.in_all),
            delay=timedelta(seconds=limits.get("delay", 0)),
            lease=timedelta(seconds=40),
            in_all=self.in_all,
        )
        self.polls = 0

    def look(self, seconds):
        """Looks at the line, as when a poll has ended; these tests have a clock of their own."""
        self.redis.zadd(self.store.keys.turns, {"host:a.example": later(seconds).timestamp()})

    def poll(self, seconds=0.0):
        """Claims a new feed; returns its place, or None."""
        self.polls += 1
        feed = Feed(f"https://a.example/{self.polls}")
        self.store.feeds._redis.zadd(self.store.keys.due, {feed.id: 0})
        place, now = Place(feed.id, "a.example"), later(seconds)
        until = now + timedelta(seconds=30)
        claimed = self.store.claims.claim(
            [place], 1, per_host=self.in_all, in_all=self.in_all, now=now, until=until
        )
        return None if isinstance(claimed[0], Refusal) else place


@pytest.fixture
def shared(redis, queues, store):
    return lambda **limits: Shared(redis, queues, store, **limits)


def test_polls_and_pages_share_one_budget(shared):
    room = shared()
    poll, page = room.poll(), room.take()
    assert room.enter(page)
    assert poll
    assert not room.poll()
    waiting = room.take()
    assert not room.enter(waiting)
    assert room.released(0.1) == []
    room.store.claims.leave([poll])
    # Both wait for the place that is free, and get it in turn.
    room.look(0.2)
    assert room.released(0.2) == []
    poll = room.poll(0.3)
    assert poll
    room.store.claims.leave([poll])
    assert not room.poll(0.4)
    room.look(0.5)
    assert room.released(0.5) == [waiting]


def test_a_poll_that_ends_gives_its_place_to_a_page_at_once(shared):
    room = shared(in_all=1)
    poll, page = room.poll(), room.take()
    assert not room.enter(page)
    room.store.claims.leave([poll])
    assert room.released(datetime.now(UTC).timestamp() - NOW.timestamp()) == [page]


@pytest.mark.parametrize("in_all", [1, 2, 3])
def test_neither_polls_nor_pages_starve_when_both_wait(shared, in_all):
    room = shared(in_all=in_all)
    under_way = [job_id for job_id in (room.take() for _ in range(50)) if room.enter(job_id)]
    started, now = [], 0.0
    while len(started) < 20:
        now += 0.5
        while place := room.poll(now):
            under_way.append(place)
            started.append("poll")
        room.look(now)
        for job_id in room.released(now):
            under_way.append(job_id)
            started.append("page")
        assert len(under_way) <= in_all
        if under_way:
            ended = under_way.pop(0)
            if isinstance(ended, Place):
                room.store.claims.leave([ended])
            else:
                room.leave(ended, now)
                room.settle(ended)
    assert min(started.count("poll"), started.count("page")) >= 5


def test_polls_do_not_wait_for_the_delay_between_pages_nor_lengthen_it(shared):
    room = shared(in_all=4, delay=5)
    one, two = room.take(), room.take()
    assert room.enter(one)
    assert room.poll(1)
    assert room.poll(1)
    assert not room.enter(two, 1)
    assert room.released(5) == [two]


def test_pages_keep_to_their_own_limit_and_leave_the_rest_to_polls(shared):
    room = shared(in_all=3, at_once=1)
    assert room.enter(room.take())
    assert not room.enter(room.take())
    assert room.poll()
    assert room.poll()
    assert not room.poll()


def test_the_pause_that_a_host_wants_holds_if_it_is_longer(room, redis):
    room = room(at_once=8, delay=1.0)
    room.hosts.slow("a.example", 7, later(3600), NOW)
    one, two = room.take(), room.take()
    assert [room.enter(one, 1), room.enter(two, 1)] == [False, False]
    assert room.released(6.9) == []
    assert room.released(7) == [one]
    assert room.released(13.9) == []
    assert room.released(14) == [two]
    other = room.take()
    assert room.enter(other, 3601)
    assert room.enter(room.take(), 3602.1)


def test_a_place_that_is_kept_does_not_shorten_what_is_known_of_its_host(shared):
    room = shared()
    place = room.poll()
    room.hosts.slow("a.example", 7, datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC))
    room.store.claims.keep_places([place], datetime.now(UTC) + timedelta(seconds=30))
    assert room.redis.ttl(room.store.keys.host("a.example")) > 3500
