"""`python -m h2o_broker`."""

import sys

from h2o_broker.main import main

sys.exit(main())
