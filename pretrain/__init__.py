"""Token sequences in, checkpoints out: masks, objectives, the training step, export, fine-tuning, recipes."""
