"""What a job runs on: computes, the capacity of this machine, GPUs."""
