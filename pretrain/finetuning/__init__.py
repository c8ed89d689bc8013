"""What a checkpoint is worth downstream: fine-tuned with several seeds, scored on held-out rows."""

from pretrain.finetuning.settings import Finetune
from pretrain.finetuning.stage import finetune

__all__ = ["Finetune", "finetune"]
