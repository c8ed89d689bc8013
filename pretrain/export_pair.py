"""The export of a generator and a discriminator: two folders that `transformers` opens, one inside the other.

The discriminator is the folder itself: for fine-tuning it is the network. ELECTRA's opens as
`ElectraForPreTraining`, too; that of another type has no class with its head in `transformers`, so the head
lies beside it, for training that goes on. Tables that are the generator's plus a difference become one.
"""

from pathlib import Path

import torch

from corpora.artefact import Draft
from pretrain import tensors
from pretrain.hub_folder import agree, probe, write_inside, write_root
from pretrain.networks.architectures import HuggingFaceModel, network_class
from pretrain.networks.detection import HEAD
from pretrain.networks.towers import Towers
from pretrain.networks.weights import GENERATOR, quiet_transformers


def write_pair(pair: Towers, checkpoint: Path, out: Draft) -> HuggingFaceModel:
    """Write both; the discriminator as it was written."""
    alone, state = _alone(pair), pair.folded()
    write_root(alone, checkpoint, out)
    if not _has_head(pair):
        with out.fill(f"{HEAD}.safetensors") as path:
            head = f"{HEAD}."
            tensors.save({k.removeprefix(head): v for k, v in state.items() if k.startswith(head)}, path)
    if pair.generator is not None:
        write_inside(pair.generator, checkpoint, out, GENERATOR)
    return alone


def check_pair(pair: Towers, folder: Path) -> None:
    """Open both with the classes a user will use, and compare with the trained networks.

    Raises:
        MaskwrightError: one of them says something else.
    """
    from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining

    ids, discriminator = probe(pair.config.vocab_size), pair.discriminator
    with quiet_transformers(), torch.no_grad():
        states = discriminator.base_model(ids)[0]
        agree(AutoModel, folder, ids, "last_hidden_state", states, part=True)
        if _has_head(pair):
            wanted = discriminator.discriminator_predictions(states)
            agree(AutoModelForPreTraining, folder, ids, "logits", wanted)
        if pair.generator is not None:
            agree(AutoModelForMaskedLM, folder / GENERATOR, ids, "logits", pair.generator(ids).logits)


def _has_head(pair: Towers) -> bool:
    """Whether `transformers` has a class for the discriminator with its head."""
    return bool(pair.config.model_type == "electra")


def _alone(pair: Towers) -> HuggingFaceModel:
    """The discriminator as a class of `transformers`, its tables its own."""
    from transformers import ElectraForPreTraining

    state = pair.folded()
    if _has_head(pair):
        found = ElectraForPreTraining(pair.config)
    else:
        found = network_class(pair.config.model_type, pairs=False)(pair.config).base_model
        body = f"{pair.discriminator.base_model_prefix}."
        state = {name.removeprefix(body): value for name, value in state.items() if name.startswith(body)}
    found.load_state_dict(state)
    found.eval()  # type: ignore[no-untyped-call]
    return found
