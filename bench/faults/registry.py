"""Every fault round there is, one line each."""

from __future__ import annotations

from typing import Final

from bench.faults import agents, brokers, chaos, conductors, crowds, hosts, instances, logs, peers, readers, zookeeper
from bench.faults.round import Round
from bench.figures import Goal, Sense

_UNKNOWN: Final = {"OUTCOME_UNKNOWN"}
_HUNG: Final = {"OUTCOME_UNKNOWN", "TIMEOUT"}
_GONE: Final = {"OUTCOME_UNKNOWN", "UNAVAILABLE", "NO_ROUTE"}
_ROUTED_ROUND: Final = Goal(Sense.AT_MOST, 1.5)
_HEALTH: Final = {"health_ms": Goal(Sense.BELOW, 100), "health_unix_ms": Goal(Sense.BELOW, 100)}

ROUNDS: Final = (
    Round("instance_killed_idle", instances.killed_idle, goal=Goal(Sense.BELOW, 1)),
    Round("instance_killed_mid_request", instances.killed_mid_request, allowed=_UNKNOWN),
    Round("instance_stopped", instances.stopped, allowed=_HUNG, goal=_ROUTED_ROUND),
    Round("instance_stopped_alone", instances.stopped_alone, allowed=_HUNG, goal=_ROUTED_ROUND),
    Round("instance_continued_late", instances.continued_late, allowed=_HUNG),
    Round("instance_crash_looping", instances.crash_looping),
    Round("broker_killed", brokers.killed, allowed=_GONE, goal=Goal(Sense.BELOW, 2)),
    Round("broker_stopped", brokers.stopped, allowed=_HUNG, goal=_ROUTED_ROUND),
    Round("broker_stopped_long", brokers.stopped_long, allowed=_HUNG),
    Round("broker_stopped_own", brokers.stopped_own, allowed={*_HUNG, "OVERLOADED"}),
    Round("broker_hung", brokers.hung, allowed={*_HUNG, *_GONE}, goal=Goal(Sense.BELOW, 25), long=True),
    Round("broker_twice", brokers.twice),
    Round("broker_restarted_fast", brokers.restarted_fast, allowed=_HUNG),
    Round("agent_killed_mid_flight", agents.killed_mid_flight),
    Round("agent_reloaded", agents.reloaded),
    Round("agent_crash_loop", agents.crash_loop),
    Round("agent_left_without_zookeeper", agents.left_without_zookeeper),
    Round("conductor_left", conductors.left, allowed=_GONE, goal=Goal(Sense.BELOW, 1)),
    Round("conductor_killed", conductors.killed, goal=Goal(Sense.BELOW, conductors.SESSION_S + 1)),
    Round("conductor_stopped", conductors.stopped, goal=Goal(Sense.BELOW, conductors.SESSION_S + 1)),
    Round("peer_garbage", peers.garbage),
    Round("peer_multipart", peers.multipart),
    Round("peer_oversize", peers.oversize),
    Round("peer_silent", peers.silent),
    Round("peer_silent_local", peers.silent_local),
    Round("peer_half_open", peers.half_open, allowed=_HUNG),
    Round("http_slow_heads", readers.slow_heads, more_goals=_HEALTH),
    Round("http_slow_crowd", readers.slow_crowd),
    Round("http_no_descriptors", readers.no_descriptors),
    Round("logs_disk_full", logs.disk_full),
    Round("zookeeper_away", zookeeper.away),
    Round("zookeeper_wiped", zookeeper.wiped),
    Round("zookeeper_emptied", zookeeper.emptied),
    Round("zookeeper_leader_killed", zookeeper.leader_killed),
    Round("zookeeper_leader_stopped", zookeeper.leader_stopped),
    Round("zookeeper_quorum_lost", zookeeper.quorum_lost),
    Round("zookeeper_disk_full", zookeeper.disk_full),
    Round(
        "host_gone",
        hosts.gone,
        allowed=_UNKNOWN,
        goal=_ROUTED_ROUND,
        more_goals={"out_of_register_s": Goal(Sense.BELOW, hosts.SESSION_S + 1)},
    ),
    Round("host_frozen", hosts.frozen, allowed=_UNKNOWN, goal=_ROUTED_ROUND),
    Round("host_twice", hosts.two_with_one_name),
    Round("host_rebooted_without_zookeeper", agents.rebooted_without_zookeeper, allowed=_GONE),
    Round("live_1000", crowds.thousand_read, more_goals={"read_s": Goal(Sense.BELOW, 0.5)}),
    Round("fifty_brokers", crowds.fifty_at_once),
    Round("chaos", chaos.chaos, allowed={*_HUNG, *_GONE, "OVERLOADED"}, long=True),
)
