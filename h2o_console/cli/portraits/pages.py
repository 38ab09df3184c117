"""The pages of `h2o describe`: what is known of a package, a feature, an instance or a host, as sections. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from h2o_console.cli.portraits import fields, measured, on_host, standing
from h2o_console.cli.portraits.known import Entry, Known, entry_of
from h2o_console.feed.answers import text
from h2o_console.sections import Section
from h2o_core.times import unix_s


def package(known: Known, name: str, last: Mapping[str, Any] | None) -> list[Section]:
    """A package; *last* is its process that ended last."""
    counted = known.counted(lambda one: one.instance.package == name)
    return [
        measured.versions(known, name, counted),
        measured.features(known, counted, lambda each: text(each, "package") == name),
        standing.instances(known, lambda each: each["package"] == name),
        measured.callers(known, lambda feature: feature.startswith(f"{name}/")),
        standing.checks(known, lambda each: each == name),
        standing.errors(known, counted),
        *standing.last_exit(last),
    ]


def feature(known: Known, name: str) -> list[Section]:
    """A feature of a package, whatever its version."""
    package_name = "/".join(name.split("/")[:2])
    counted = known.counted(lambda one: one.endpoint.feature == name)
    return [
        measured.features(known, counted, lambda each: text(each, "name") == name),
        measured.types(known, name),
        Section("instances", "INSTANCES", fields.MEASURED_BY_INSTANCE, [measured.by_instance(one) for one in counted]),
        measured.callers(known, lambda each: each == name),
        standing.checks(known, lambda each: each == package_name),
        standing.errors(known, counted),
    ]


def instance(known: Known, instance_id: str, process: Mapping[str, Any] | None) -> list[Section]:
    """An instance; *process* is what its agent says of the process, None when it did not start it."""
    entry: Entry = entry_of(known.view.entries, "id", instance_id)
    entry |= standing.process_facts(process)
    entry["age_s"] = known.age_s(unix_s(text(entry, "started")))
    counted = known.counted(lambda one: one.instance.id == instance_id)
    return [
        Section("instance", "INSTANCE", fields.INSTANCE, [entry], facts=True),
        measured.features(
            known,
            counted,
            lambda each: (
                (text(each, "package"), text(each, "version")) == (text(entry, "package"), text(entry, "version"))
            ),
        ),
        standing.checks(known, lambda _: True, instance_id),
        standing.errors(known, counted),
        *standing.last_exit(process),
    ]


def child(key: str, process: Mapping[str, Any] | None) -> list[Section]:
    """A process that has not registered."""
    entry = {"launch": key, **standing.process_facts(process)}
    if process is not None:
        entry |= {"package": text(process, "package"), "host": text(process, "host"), "state": text(process, "state")}
        entry["why"] = text(process, "why")
    return [Section("instance", "PROCESS", fields.INSTANCE, [entry], facts=True), *standing.last_exit(process)]


def host(known: Known, name: str) -> list[Section]:
    """A host: how it stands, how it does, what runs on it and who it talks to."""
    entry: Entry = {"host": name, **entry_of(known.hosts.entries, "host", name)}
    answer = known.answers.get(name)
    facts = Section("host", "HOST", fields.HOST, [entry | on_host.broker(known, answer)], facts=True)
    listed = standing.instances(known, lambda each: each["host"] == name, fields.INSTANCES_HERE)
    if answer is None:
        return [facts, listed]
    return [
        facts,
        Section("vitals", "VITALS", fields.VITALS, [on_host.vitals(answer)], facts=True),
        listed,
        Section("processes", "PROCESSES", fields.PROCESSES, list(map(on_host.process, answer.children))),
        Section("links", "LINKS", fields.LINKS, [on_host.link(each) for each in answer.report.peers]),
        Section("queues", "QUEUES", fields.QUEUES, on_host.queues(answer.report.queues)),
        replace(measured.callers(known, lambda _: True), title="CALLERS HERE", fields=fields.CALLERS_HERE),
        on_host.counters(answer),
    ]
