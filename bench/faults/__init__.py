"""Group ``faults``: real parts under load, one thing breaks, and what it cost until it is mended.

To add a round: write a function ``(Stage) -> Result`` in the module of its subject, and one line for it in
``registry.ROUNDS``. It is then measured by ``script/bench faults`` and tested by ``tests/system/test_faults*.py``::

    def broker_killed(stage: Stage) -> Result:
        fleet = stage.fleet(hosts=2)          # real agents, brokers, instances of tests/counting, ZooKeeper
        client = stage.load(fleet, "host-1")  # requests flow, and have been served, when this returns
        struck_s = time.monotonic()
        fleet.kill_broker("host-1")
        stage.wait(…, "what mended means")    # bounded; polls
        return stage.settle(recover_s, [client])

    Round("broker_killed", broker_killed, allowed={"OUTCOME_UNKNOWN", "UNAVAILABLE"}, goal=Goal(Sense.BELOW, 2)),

``settle`` ends the load and joins it with what the instances wrote down. `allowed` are the codes with which
requests may fail (none: 0 failed); a goal is for ``recover_s``. What else must hold is told in
``Result.broken``; other numbers go into ``Result.extra``. A round that starts processes of its own does it through
``stage.enter(context manager)``: everything ends with the round.
"""
