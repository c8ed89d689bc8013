"""Stage `train`: the loop around the step, with its log, measurements, guards and checkpoints."""
