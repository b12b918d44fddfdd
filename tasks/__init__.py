"""What flows may do to the world: each a Prefect task with its retries and time limit, and nothing unsafe in its errors."""
