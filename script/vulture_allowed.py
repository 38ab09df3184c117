"""Names that only others use: vulture reads this list and stops asking. Each line says who uses the name."""

# What libraries call or read.
_.list_commands  # click
_.get_command  # click
_.format_commands  # click
_.convert  # click
_.get_buffer  # asyncio
_.buffer_updated  # asyncio
_.capture_signals  # uvicorn
_.should_exit  # uvicorn
_.string_value  # protobuf: Value's field
_.ENABLE_COMMAND_PALETTE  # textual
_.AUTO_FOCUS  # textual
_.ALLOW_SELECT  # textual
_.display  # textual
_.check_action  # textual
_.virtual_size  # textual
_.cursor_position  # textual
_._bindings  # textual
_.__call__  # a protocol's signature, for type checkers

# The wire's own vocabulary: reserved, or for documents and other speakers (docs/wire.md, its test).
_.MAX_REMAINING_MS
_.TYPE_NAMES
_.TAG_PRIORITY
_.TAG_RETRY_BUDGET
_.encode_fields

# The closed set of tiers, and which one a name is in: values are read by `Tier(…)`.
_.API
_.ORCHESTRATION
_.SERVICE
_.tier_of

# What a package author may ask of the request being handled (docs/packages.md).
_.remaining_s
_.traceparent

# Breaking a fleet: tests/support/fleet.py.
_.kill_instance
_.kill_broker
_.kill_agent

# Exit codes of the command line, documented as a whole.
_.STALE

# h2o_console.store.views: what the store shows, for screens that are being drawn
_.measured_mean_ms

# The odds of a choice (h2o_core.choice): for whoever asks why.
_.chances

# Control documents: written by what applies changes; states that are read by `HostState(…)`.
_.DRAIN
_.AVOID
_.encode_traffic
_.encode_host_control
_.host_control

# h2o_core.priorities: read from a byte by its number.
_.SHEDDABLE

# What plans will be worked out with (TRAFFIC.md "Shifting traffic"), tested beside them.
_.undecided

# What the command line and the console show of a plan and of an entry (h2o_core/plan, h2o_core/audit).
_.forced
_.read_decided
_.moved_per_s
_.friction
