"""What flows may do to the world: Prefect tasks with retries and time limits, and nothing unsafe in their errors."""
