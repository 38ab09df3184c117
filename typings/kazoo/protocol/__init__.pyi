# Types of the calls of kazoo that h2o_core.io.registry makes, and of no others.
