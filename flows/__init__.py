"""What runs: one file per pathway, and the flows that go round, chase, deliver, watch and record."""

import gc

# Rows come by the hundred thousand and go again: to look for circles among them every 700 took a sixth of the time.
gc.set_threshold(50_000, 20, 50)
