"""DeepSpeed and the processes of a job, behind a few plain methods."""
