"""What runs: one file per pathway, and the flows that go round, chase, deliver, watch and record."""
