"""`python -m h2o_agent`."""

import sys

from h2o_agent.main import main

sys.exit(main())
